/** What may lie in a data directory while nothing is going on. Names: docs/content-format.md. */
import { relative } from 'node:path';
import { eventually } from './eventually.ts';
import { filesUnder } from './files.ts';
import type { Member } from './fleet.ts';

/**
 * Waits until no staged file is left and no more than `contents` contents have files: what a crash or a delete left
 * behind is collected, not kept.
 */
export async function assertTidy({ node }: Pick<Member, 'node'>, contents: number): Promise<void> {
	let seen: readonly string[] = [];
	await eventually('an empty staging directory and no unowned content', async () => {
		const files = (await filesUnder(node.dataDir)).map(({ path }) => relative(node.dataDir, path));
		seen = files.filter((path) => /(^|\/)(staging|contents|images)\//.test(path));
		const staged = seen.filter((path) => /(^|\/)staging\//.test(path));
		const data = seen.filter((path) => /(^|\/)contents\/.*\.data$/.test(path));
		const roots = new Set(seen.filter((path) => /(^|\/)contents\//.test(path)).map((path) => path.replace(/\.[a-z]+$/, '')));
		return staged.length === 0 && data.length <= contents && roots.size <= contents ? true : undefined;
	}).catch((error: Error) => {
		throw new Error(`${error.message}; expected ${contents} contents, found:\n${seen.join('\n')}`);
	});
}

/** The files that hold bytes of contents. */
export async function contentFiles({ node }: Pick<Member, 'node'>): Promise<readonly string[]> {
	return (await filesUnder(node.dataDir)).map(({ path }) => path).filter((path) => /\/contents\/.*\.data$/.test(path));
}
