import type { TaskJob } from '#domain/ports/task-runners.ts';

const SAY_EVERY_MS = 2000;
const MIB = 1024 * 1024;

/** The same bytes; says now and then how many have come. */
export async function* telling(
	data: AsyncIterable<Uint8Array>,
	job: Pick<TaskJob, 'say'>,
	clock: () => number,
	size: number | undefined,
): AsyncGenerator<Uint8Array> {
	const of = size === undefined ? '' : ` of ${Math.floor(size / MIB)}`;
	let bytes = 0;
	let due = clock() + SAY_EVERY_MS;
	for await (const chunk of data) {
		yield chunk;
		bytes += chunk.length;
		if (clock() < due) continue;
		due = clock() + SAY_EVERY_MS;
		await job.say(`${Math.floor(bytes / MIB)}${of} MiB fetched`);
	}
}
