/**
 * A partial content being filled: takes verified blocks, wakes who waits for them, makes them durable before it says
 * so on disk, and makes the content whole at the end. docs/content-format.md §6
 */
import { type FileHandle, open, rm } from 'node:fs/promises';
import { orAborted } from './abort.ts';
import { createBlockPlaces, enterPlaces } from './block-places.ts';
import { change } from './content-index.ts';
import { storageError } from './disk.ts';
import { FINISHED_MODE, HAVE } from './layout.ts';
import { createMutex } from './mutex.ts';
import type { BlockDigests } from './ports.ts';
import type { Room } from './room.ts';
import { findStored, findTwins } from './stored-blocks.ts';
import { isPresent, type StoredContent } from './stored-content.ts';

export interface Filler extends AsyncDisposable {
	readonly content: StoredContent;
	/** blocks that are not present */
	missing(): number;
	/** The block to fetch so that this one arrives: itself, or the first of those equal to it. */
	fetchable(index: number): number;
	/** Writes a verified block unless it came meanwhile. */
	arrive(index: number, bytes: Uint8Array): Promise<void>;
	/** Resolves when the block can be read; rejects when filling has failed or the signal fires. */
	whenPresent(index: number, signal: AbortSignal): Promise<void>;
	/** Makes the content whole and durable, once nothing is missing; calls share one finish. */
	finish(): Promise<void>;
	/** All waiting and coming calls of `whenPresent` and `finish` fail with this. */
	fail(error: unknown): void;
	/** Called once when filling has failed, at once if it has. Returns the way to stop. */
	onFailure(listener: (error: unknown) => void): () => void;
}

/** Opens a content for filling and finds what need not be fetched: zeros, and blocks that the store already has. */
export async function openFiller(room: Room, content: StoredContent): Promise<Filler> {
	const digests = await content.digests();
	const haveFile = await open(room.layout.path(content.root, 'have'), 'r+');
	try {
		await findStored(room, content, digests);
		const twins = await findTwins(room, content, digests);
		if (room.shareBlocks) content.twins = twins;
		return fillerOf(room, content, digests, haveFile, twins);
	} catch (error) {
		await haveFile.close();
		throw error;
	}
}

function fillerOf(
	room: Room,
	content: StoredContent,
	digests: BlockDigests,
	haveFile: FileHandle,
	twins: ReadonlyMap<number, number>,
): Filler {
	const { limits, disk } = room;
	const followers = followersOf(twins);
	const waiting = new Map<number, PromiseWithResolvers<void>>();
	const checkpointing = createMutex();
	const failed = new Set<(error: unknown) => void>();
	const firsts = new Map<number, Promise<void>>();
	let missing = countMissing(content);
	let fresh = content.have === undefined ? 0 : content.have.filter((state) => state === HAVE.arrived).length;
	let timer: NodeJS.Timeout | undefined;
	let finishing: Promise<void> | undefined;
	let failure: unknown;

	const wake = (index: number): void => {
		waiting.get(index)?.resolve();
		waiting.delete(index);
	};

	const mark = (have: Uint8Array, index: number): void => {
		have[index] = HAVE.arrived;
		fresh++;
		missing--;
		wake(index);
	};

	/** Durable first, then said: a mark on disk is never ahead of its bytes. */
	const checkpoint = (): Promise<void> =>
		checkpointing(async () => {
			clearTimeout(timer);
			timer = undefined;
			const have = content.have;
			if (have === undefined || fresh === 0) return;
			const arrived = indexesOf(have, HAVE.arrived);
			fresh -= arrived.length;
			await disk.sync(content.file);
			for (const index of arrived) have[index] = HAVE.here;
			await writeMarks(room, haveFile, have, arrived);
		});

	const checkpointSoon = (): void => {
		if (fresh >= limits.checkpointBlocks) void checkpoint().catch(fail);
		else timer ??= setTimeout(() => void checkpoint().catch(fail), limits.checkpointMs).unref();
	};

	const write = async (index: number, bytes: Uint8Array): Promise<void> => {
		await disk.write(content.file, bytes, index * content.blockSize);
		const have = content.have;
		if (have === undefined || have[index] !== HAVE.absent) return;
		mark(have, index);
		for (const follower of followers.get(index) ?? []) await follow(have, follower, bytes);
		checkpointSoon();
	};

	/** An equal block of the same content: read through the first one where blocks are shared, else written as well. */
	const follow = async (have: Uint8Array, index: number, bytes: Uint8Array): Promise<void> => {
		if (room.shareBlocks) {
			missing--;
			wake(index);
			return;
		}
		await disk.write(content.file, bytes, index * content.blockSize);
		mark(have, index);
	};

	const finish = async (): Promise<void> => {
		await checkpoint();
		await room.publishing(async () => {
			const have = content.have;
			if (have === undefined) return;
			try {
				if (room.shareBlocks)
					for (const index of content.twins.keys()) if (have[index] === HAVE.absent) have[index] = HAVE.elsewhere;
				await becomeWhole(room, content, digests, have, haveFile);
			} catch (error) {
				throw storageError(error, 'completing a content failed');
			}
		});
		room.completed(content.root);
	};

	const fail = (error: unknown): void => {
		failure ??= error;
		for (const { reject } of waiting.values()) reject(failure);
		waiting.clear();
		for (const listener of failed) listener(failure);
		failed.clear();
	};

	return {
		content,
		missing: () => missing,
		fetchable: (index) => twins.get(index) ?? index,
		arrive(index, bytes) {
			if (content.have === undefined || content.have[index] !== HAVE.absent) return Promise.resolve();
			// Two sources may bring the same block; it is written once.
			const first = firsts.get(index) ?? write(index, bytes).finally(() => firsts.delete(index));
			firsts.set(index, first);
			return first;
		},
		whenPresent(index, signal) {
			if (isPresent(content, index)) return Promise.resolve();
			if (failure !== undefined) return Promise.reject(failure);
			const known = waiting.get(index) ?? Promise.withResolvers<void>();
			known.promise.catch(() => undefined);
			waiting.set(index, known);
			return orAborted(known.promise, signal, 'the read');
		},
		finish() {
			if (failure !== undefined) return Promise.reject(failure);
			finishing ??= finish().catch((error: unknown) => {
				finishing = undefined;
				fail(error);
				throw error;
			});
			return finishing;
		},
		fail,
		onFailure(listener) {
			if (failure !== undefined) listener(failure);
			else failed.add(listener);
			return () => failed.delete(listener);
		},
		async [Symbol.asyncDispose]() {
			clearTimeout(timer);
			await Promise.allSettled(firsts.values());
			await finishing?.catch(() => undefined);
			// Whatever ended the filling, what has come is worth keeping.
			await checkpoint().catch((error: unknown) =>
				room.log.warn({ err: error, root: content.root }, 'the last checkpoint of a partial content failed'),
			);
			await haveFile.close();
		},
	};
}

async function becomeWhole(
	room: Room,
	content: StoredContent,
	digests: BlockDigests,
	have: Uint8Array,
	haveFile: FileHandle,
): Promise<void> {
	const { root, size, blockSize } = content;
	const plain = !have.includes(HAVE.elsewhere);
	await content.file.chmod(FINISHED_MODE);
	await writeMarks(room, haveFile, have, [0, have.length - 1]);
	await room.disk.sync(haveFile);
	await using places = createBlockPlaces(room.index, room.shelf);
	const keepers = room.shareBlocks
		? await enterPlaces({ root, size, blockSize, digests, have }, places, room.index)
		: new Set<string>();
	const record = { size, blockSize, state: 'complete', plain } as const;
	await room.index.write([change.record(root, record), ...[...keepers].flatMap((keeper) => change.dependence(root, keeper))]);
	content.twins = new Map();
	if (!plain) return;
	content.have = undefined;
	await rm(room.layout.path(root, 'have'), { force: true });
}

/** Writes the marks of the span that `indexes` cover, as they may stand on disk. */
async function writeMarks(room: Room, haveFile: FileHandle, have: Uint8Array, indexes: readonly number[]): Promise<void> {
	const [first, last] = [indexes.at(0), indexes.at(-1)];
	if (first === undefined || last === undefined || last < first) return;
	const span = have.slice(first, last + 1);
	for (let at = 0; at < span.length; at++) if (span[at] === HAVE.arrived) span[at] = HAVE.absent;
	await room.disk.write(haveFile, span, first);
}

function countMissing(content: StoredContent): number {
	let missing = 0;
	for (let index = 0; index < content.count; index++) if (!isPresent(content, index)) missing++;
	return missing;
}

function followersOf(twins: ReadonlyMap<number, number>): Map<number, number[]> {
	const followers = new Map<number, number[]>();
	for (const [index, first] of twins) {
		const known = followers.get(first);
		if (known === undefined) followers.set(first, [index]);
		else known.push(index);
	}
	return followers;
}

function indexesOf(have: Uint8Array, state: number): number[] {
	const indexes: number[] = [];
	for (let index = have.indexOf(state); index !== -1; index = have.indexOf(state, index + 1)) indexes.push(index);
	return indexes;
}
