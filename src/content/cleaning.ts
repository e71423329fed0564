/** What an operator may want to see gone, by its age: half of a content that comes no further, and damaged files. */
import type { Stats } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from './disk.ts';
import type { Room } from './room.ts';

/** Every block that comes is written to the data file at once: its time is that of the last one. */
export async function stalledContents(room: Room, before: number): Promise<readonly string[]> {
	const stalled: string[] = [];
	for await (const [root, { state }] of room.index.roots())
		if (state === 'partial' && (await changedBefore(room.layout.path(root, 'data'), before))) stalled.push(root);
	return stalled;
}

export async function sweepQuarantine({ layout: { quarantine } }: Room, before: number): Promise<number> {
	let bytes = 0;
	for (const name of await namesIn(quarantine)) {
		const path = join(quarantine, name);
		const found = await statOf(path);
		// when it was put aside, not when it was written: a rename changes only that
		if (found === undefined || found.ctimeMs >= before) continue;
		await rm(path, { force: true });
		bytes += found.size;
	}
	return bytes;
}

async function changedBefore(path: string, before: number): Promise<boolean> {
	const found = await statOf(path);
	return found === undefined || found.mtimeMs < before;
}

/** Undefined when it is not there; what cannot be looked at is not old for that. */
async function statOf(path: string): Promise<Stats | undefined> {
	try {
		return await stat(path);
	} catch (error) {
		if (errnoOf(error) === 'ENOENT') return undefined;
		throw error;
	}
}

/** The folder is made with the first damage. */
async function namesIn(folder: string): Promise<readonly string[]> {
	try {
		return await readdir(folder);
	} catch (error) {
		if (errnoOf(error) === 'ENOENT') return [];
		throw error;
	}
}
