/**
 * Notes of what a driver has begun and not yet ended, on this node's own disk. A driver that was killed in between finds them
 * when it is opened again, and takes back what they name.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from '#lib/durable.ts';

export interface Unfinished {
	/** Durable when it resolves. */
	note(what: Readonly<Record<string, string>>): Promise<Note>;
	/** Those of earlier runs. */
	left(): Promise<readonly Note[]>;
}

export interface Note {
	readonly what: Readonly<Record<string, string>>;
	/** It has ended, or was taken back. */
	forget(): Promise<void>;
}

const SUFFIX = '.unfinished';

export function createUnfinished(dir: string): Unfinished {
	const noteAt = (path: string, what: Readonly<Record<string, string>>): Note => ({
		what,
		forget: () => rm(path, { force: true }),
	});
	return {
		async note(what) {
			await mkdir(dir, { recursive: true, mode: 0o700 });
			const path = join(dir, `${randomUUID()}${SUFFIX}`);
			await using file = await open(path, 'wx', 0o600);
			await file.writeFile(JSON.stringify(what));
			await file.sync();
			await syncDirectory(dir);
			return noteAt(path, what);
		},
		async left() {
			const names = (await readdir(dir).catch(none)).filter((name) => name.endsWith(SUFFIX));
			return Promise.all(
				names.map(async (name) => {
					const path = join(dir, name);
					return noteAt(path, read(await readFile(path, 'utf8')));
				}),
			);
		},
	};
}

function none(error: NodeJS.ErrnoException): string[] {
	if (error.code === 'ENOENT') return [];
	throw error;
}

/** A note that was cut while it was written tells nothing; nothing had begun by then. */
function read(text: string): Readonly<Record<string, string>> {
	try {
		const value: unknown = JSON.parse(text);
		if (typeof value !== 'object' || value === null) return {};
		return Object.fromEntries(Object.entries(value).filter(([, said]) => typeof said === 'string'));
	} catch {
		return {};
	}
}
