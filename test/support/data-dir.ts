/** What may lie in a data directory while nothing is going on. Names: docs/content-format.md. */
import { basename, relative } from 'node:path';
import { eventually } from './eventually.ts';
import { filesUnder } from './files.ts';
import type { Member } from './fleet.ts';
import { createImageClient } from './image-client.ts';

/**
 * Waits until no staged file is left, no more than `contents` contents have files, and the file store has objects of
 * living images only: what a crash or a delete left behind is collected, not kept.
 */
export async function assertTidy({ node }: Pick<Member, 'node'>, contents: number): Promise<void> {
	using client = createImageClient(node.http);
	let seen: readonly string[] = [];
	await eventually('nothing staged and nothing unowned', async () => {
		seen = (await filesUnder(node.dataDir))
			.map(({ path }) => relative(node.dataDir, path))
			.filter((path) => /(^|\/)(staging|contents|images)\//.test(path));
		const living = new Set((await client.list('?limit=1000')).map(({ id }) => id));
		const roots = new Set(seen.filter((path) => /(^|\/)contents\//.test(path)).map((path) => path.replace(/\.[a-z]+$/, '')));
		const staged = seen.some((path) => /(^|\/)staging\//.test(path));
		const unowned = seen.some((path) => path.startsWith('images/') && !living.has(basename(path)));
		return !staged && !unowned && roots.size <= contents ? true : undefined;
	}).catch((error: Error) => {
		throw new Error(`${error.message}; expected ${contents} contents, found:\n${seen.join('\n')}`);
	});
}

/** The files that hold bytes of contents. */
export async function contentFiles({ node }: Pick<Member, 'node'>): Promise<readonly string[]> {
	return (await filesUnder(node.dataDir)).map(({ path }) => path).filter((path) => /\/contents\/.*\.data$/.test(path));
}
