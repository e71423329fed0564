/** How far a task is, for people who look meanwhile: said now and then, one thing after the other. */
import type { TaskJob } from '#domain/ports/task-runners.ts';

const SAY_EVERY_MS = 2000;
const MIB = 1024 * 1024;

export interface Reporter {
	/** Of work that does not wait for what is said of it. Lost when the last one was not long ago. */
	copied(bytes: number): void;
	/** Not lost. */
	say(message: string): void;
	/** Resolves when all is said, rejects when that could not be: before the task moves on. */
	said(): Promise<void>;
}

export function reporterFor(job: Pick<TaskJob, 'say'>, clock: () => number): Reporter {
	let due = clock() + SAY_EVERY_MS;
	let saying: Promise<void> = Promise.resolve();
	const say = (message: string): void => {
		due = clock() + SAY_EVERY_MS;
		saying = saying.then(() => job.say(message));
		// whoever waits for all of it hears of it
		saying.catch(() => {});
	};
	return {
		say,
		copied(bytes) {
			if (clock() >= due) say(copiedText(bytes));
		},
		said: () => saying,
	};
}

/** As Glance says it. */
export function copiedText(bytes: number): string {
	return `Copied ${Math.floor(bytes / MIB)} MiB`;
}
