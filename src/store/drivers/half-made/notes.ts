/** The notes themselves: one small file each, whole or not there, in a folder of this node's own disk. */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncDirectory } from '#lib/durable.ts';

export interface Notes {
	/** Those of earlier runs, by their names; a file that makes no sense was cut while it was written, and tells nothing. */
	readonly left: ReadonlyMap<string, unknown>;
	newName(): string;
	/** Durable when it resolves, in the place of what had this name. */
	write(name: string, content: unknown): Promise<void>;
	/** Durable when it resolves; not being there is fine. */
	remove(name: string): Promise<void>;
}

/** What the disk is asked for; each step may be the last one before a loss of power. */
export interface NoteDisk {
	/** The first folder of the path that was not there; undefined when all were. */
	makeFolder(path: string): Promise<string | undefined>;
	list(path: string): Promise<readonly string[]>;
	read(path: string): Promise<string>;
	/** The bytes are durable when it resolves; the name is not. */
	write(path: string, text: string): Promise<void>;
	rename(from: string, to: string): Promise<void>;
	remove(path: string): Promise<void>;
	syncFolder(path: string): Promise<void>;
}

const NOTE = /^([0-9a-f-]{36})\.json$/;
/** of a note that is being written */
const DRAFT = /^[0-9a-f-]{36}\.new$/;

export async function openNotes(dir: string, disk: NoteDisk = ownDisk): Promise<Notes> {
	const made = await disk.makeFolder(dir);
	// a note is there after a loss of power when all folders above it are
	if (made !== undefined) for (let path = dir; path !== dirname(made); path = dirname(path)) await disk.syncFolder(dirname(path));
	const left = new Map<string, unknown>();
	for (const file of await disk.list(dir)) {
		const name = NOTE.exec(file)?.[1];
		const content = name === undefined ? undefined : parse(await disk.read(join(dir, file)));
		if (name !== undefined && content !== undefined) left.set(name, content);
		else if (name !== undefined || DRAFT.test(file)) await disk.remove(join(dir, file));
	}
	return {
		left,
		newName: randomUUID,
		async write(name, content) {
			const draft = join(dir, `${name}.new`);
			try {
				await disk.write(draft, JSON.stringify(content));
				await disk.rename(draft, join(dir, `${name}.json`));
			} catch (error) {
				await disk.remove(draft).catch(() => undefined);
				throw error;
			}
			await disk.syncFolder(dir);
		},
		async remove(name) {
			await disk.remove(join(dir, `${name}.json`));
			await disk.syncFolder(dir);
		},
	};
}

function parse(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

const ownDisk: NoteDisk = {
	makeFolder: (path) => mkdir(path, { recursive: true, mode: 0o700 }),
	list: (path) => readdir(path),
	read: (path) => readFile(path, 'utf8'),
	async write(path, text) {
		await using file = await open(path, 'w', 0o600);
		await file.writeFile(text);
		await file.sync();
	},
	rename,
	remove: (path) => rm(path, { force: true }),
	syncFolder: syncDirectory,
};
