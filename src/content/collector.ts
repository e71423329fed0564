/** Sweeps what nobody needs: contents without a user, files without a content, index entries without a block. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PLACES_PER_PAGE } from './block-places.ts';
import { change } from './content-index.ts';
import { removeContent } from './removal.ts';
import type { Room } from './room.ts';

export interface Collected {
	/** contents */
	readonly removed: number;
	/** of disk given back */
	readonly bytes: number;
}

export interface CollectOptions {
	readonly inUse: (root: string) => Promise<boolean>;
	/** Pinned now, or at any time since this collection began: an answer of `inUse` may be older than the pin. */
	readonly isSpared: (root: string) => boolean;
	/** Ends a session that nobody uses, which would keep the content open. */
	readonly endIdle: (root: string) => Promise<void>;
	/** Staging names of uploads that are under way. */
	readonly isStaging: (name: string) => boolean;
}

export async function collectGarbage(room: Room, options: CollectOptions): Promise<Collected> {
	let removed = 0;
	let bytes = 0;
	for await (const [root] of room.index.roots()) {
		if (options.isSpared(root) || (await options.inUse(root))) continue;
		await options.endIdle(root);
		const freed = await room.publishing(async () => (options.isSpared(root) ? undefined : await removeContent(room, root)));
		if (freed === undefined) continue;
		removed++;
		bytes += freed;
	}
	bytes += await sweepFiles(room);
	bytes += await sweepStaging(room, options.isStaging);
	if (room.shareBlocks) await sweepPlaces(room);
	return { removed, bytes };
}

async function sweepFiles(room: Room): Promise<number> {
	let bytes = 0;
	for (const home of await readdir(room.layout.contents)) {
		for (const name of await readdir(join(room.layout.contents, home))) {
			// Under the lock, so that a file just renamed in has its record when we look.
			bytes += await room.publishing(async () => {
				const dot = name.lastIndexOf('.');
				const record = room.index.record(name.slice(0, dot));
				const belongs =
					record !== undefined && (name.endsWith('.have') ? !record.plain : name.endsWith('.data') || name.endsWith('.blocks'));
				return belongs ? 0 : removeFile(join(room.layout.contents, home, name));
			});
		}
	}
	return bytes;
}

async function sweepStaging(room: Room, isStaging: (name: string) => boolean): Promise<number> {
	let bytes = 0;
	for (const name of await readdir(room.layout.staging)) {
		// Under the lock: partial contents are staged for a moment by whoever holds it.
		bytes += await room.publishing(async () =>
			isStaging(name.slice(0, name.lastIndexOf('.'))) ? 0 : removeFile(join(room.layout.staging, name)),
		);
	}
	return bytes;
}

async function sweepPlaces(room: Room): Promise<void> {
	let page: string[] = [];
	for await (const [digest, { root }] of room.index.allPlaces()) {
		if (room.index.record(root) !== undefined) continue;
		page.push(digest);
		if (page.length < PLACES_PER_PAGE) continue;
		await dropStale(room, page);
		page = [];
	}
	if (page.length > 0) await dropStale(room, page);
}

/** Looks again under the lock: an entry may have been replaced by a good one since. */
function dropStale(room: Room, digests: readonly string[]): Promise<void> {
	return room.publishing(async () => {
		const places = await room.index.places(digests.map((digest) => Buffer.from(digest, 'hex')));
		const stale = digests.filter((_, at) => {
			const place = places[at];
			return place !== undefined && room.index.record(place.root) === undefined;
		});
		if (stale.length > 0) await room.index.write(stale.map(change.noPlace), { sync: false });
	});
}

async function removeFile(path: string): Promise<number> {
	const found = await stat(path).catch(() => undefined);
	await rm(path, { force: true });
	return found === undefined ? 0 : found.blocks * 512;
}
