/**
 * Makes contents visible. The order of writes is docs/content-format.md §6: bytes and lists are durable under their
 * staging names, then renamed, then their directory is durable, then the index says that they exist.
 */
import { access, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import type { ContentRef } from '#domain/image.ts';
import { enterPlaces } from './block-places.ts';
import { change } from './content-index.ts';
import { errnoOf, storageError } from './disk.ts';
import { type Staged, writeDurably } from './intake.ts';
import { DIRECTORY_MODE, encodeBlockList, FILE_KINDS, FINISHED_MODE, WRITABLE_MODE } from './layout.ts';
import { blockCount } from './manifest.ts';
import type { BlockDigests } from './ports.ts';
import type { Room } from './room.ts';

/**
 * `published`: the content is whole here, by this upload or an equal one before it. `being-filled`: the same content
 * is just being fetched; the caller gives its blocks to that and need not publish.
 */
export type Outcome = 'published' | 'being-filled';

/** `replace` removes a partial content that nobody holds; false when somebody does. */
export function publish(room: Room, staged: Staged, replace: (root: string) => Promise<boolean>): Promise<Outcome> {
	return room.publishing(async () => {
		const { root } = staged;
		const known = room.index.record(root);
		if (known?.state === 'complete' && (await isWhole(room, root, staged.size))) return 'published';
		if (known?.state === 'partial' && !(await replace(root))) return 'being-filled';
		try {
			const keepers = room.shareBlocks ? await enterPlaces(staged, staged.places, room.index) : new Set<string>();
			await moveIn(room, staged.name, root, staged.have !== undefined);
			const record = {
				size: staged.size,
				blockSize: staged.blockSize,
				state: 'complete',
				plain: staged.have === undefined,
			} as const;
			await room.index.write([change.record(root, record), ...[...keepers].flatMap((keeper) => change.dependence(root, keeper))]);
			return 'published';
		} catch (error) {
			throw storageError(error, 'publishing an upload failed');
		}
	});
}

/** Makes an empty, partial content whose manifest has been verified. Does nothing when the content is known by now. */
export function publishPartial(room: Room, name: string, content: ContentRef, digests: BlockDigests): Promise<void> {
	return room.publishing(async () => {
		const { root, size, blockSize } = content;
		if (room.index.record(root) !== undefined) return;
		room.disk.assertWritable();
		try {
			await writeDurably(room, room.layout.staged(name, 'blocks'), encodeBlockList({ size, blockSize, digests }), FINISHED_MODE);
			await writeDurably(room, room.layout.staged(name, 'have'), new Uint8Array(blockCount(size, blockSize)), WRITABLE_MODE);
			{
				await using data = await open(room.layout.staged(name, 'data'), 'w', WRITABLE_MODE);
				await data.truncate(size);
				await room.disk.sync(data);
			}
			await moveIn(room, name, root, true);
			await room.index.write([change.record(root, { size, blockSize, state: 'partial', plain: false })]);
		} catch (error) {
			for (const kind of FILE_KINDS) await rm(room.layout.staged(name, kind), { force: true });
			throw storageError(error, 'making room for a content failed');
		}
	});
}

/** Renames staged files to their places, the data last, and makes the names durable. */
async function moveIn(room: Room, name: string, root: string, withHave: boolean): Promise<void> {
	const { layout } = room;
	const home = layout.home(root);
	const made = await mkdir(home, { recursive: true, mode: DIRECTORY_MODE });
	await rename(layout.staged(name, 'blocks'), layout.path(root, 'blocks'));
	if (withHave) await rename(layout.staged(name, 'have'), layout.path(root, 'have'));
	else await rm(layout.path(root, 'have'), { force: true });
	await rename(layout.staged(name, 'data'), layout.path(root, 'data'));
	await room.disk.syncDirectory(home);
	if (made !== undefined) await room.disk.syncDirectory(layout.contents);
}

/** Are the files there that the record promises? A record alone is not enough to throw an upload away. */
async function isWhole(room: Room, root: string, size: number): Promise<boolean> {
	try {
		await access(room.layout.path(root, 'blocks'));
		return (await stat(room.layout.path(root, 'data'))).size === size;
	} catch (error) {
		if (errnoOf(error) === 'ENOENT') return false;
		throw error;
	}
}
