/**
 * Takes a stream into a staging file in one pass: bytes are copied once into shared block buffers, hashed where they
 * lie, and written from there. Nothing of it is visible until `publish.ts` says so.
 */
import { type FileHandle, open, rm, writeFile } from 'node:fs/promises';
import { ImageError } from '#domain/errors.ts';
import type { WriteOptions } from '#domain/ports/image-data.ts';
import { untilAborted } from './abort.ts';
import { type BlockPlaces, createBlockPlaces, digestOfZeros } from './block-places.ts';
import { createDigestTable, same } from './digest-table.ts';
import { storageError } from './disk.ts';
import { encodeBlockList, FILE_KINDS, FINISHED_MODE, HAVE, WRITABLE_MODE } from './layout.ts';
import { BLOCK_BYTES, DIGEST_BYTES, MIN_SHARED_BYTES } from './limits.ts';
import { createManifestBuilder } from './manifest.ts';
import type { BlockDigests } from './ports.ts';
import type { Room } from './room.ts';
import type { Slot } from './slots.ts';

/** A stream that has been taken whole and is durable, but not yet visible. Disposal removes what was not published. */
export interface Staged extends AsyncDisposable {
	readonly name: string;
	readonly root: string;
	readonly size: number;
	readonly blockSize: number;
	readonly digests: BlockDigests;
	/** undefined: every block is in the staged file */
	readonly have: Uint8Array | undefined;
	readonly checksum: string;
	readonly hashValue: string;
	/** The staged data, while it is staged. */
	open(): Promise<FileHandle>;
	/** keeps the contents that hold blocks marked `elsewhere` */
	readonly places: BlockPlaces;
}

export interface IntakeOptions extends WriteOptions {
	/** no byte is written, and the staged file is one hole */
	readonly digestsOnly?: boolean;
}

export async function takeIn(
	room: Room,
	name: string,
	source: AsyncIterable<Uint8Array>,
	options: IntakeOptions,
): Promise<Staged> {
	const { maxBytes, declaredSize } = options;
	if (declaredSize !== undefined && declaredSize > maxBytes) throw tooLarge(maxBytes);
	room.disk.assertWritable();
	const places = createBlockPlaces(room.index, room.shelf);
	const discard = async (): Promise<void> => {
		await places[Symbol.asyncDispose]();
		for (const kind of FILE_KINDS) await rm(room.layout.staged(name, kind), { force: true });
	};
	try {
		const taken = await intoFile(room, name, source, options, places);
		return {
			...taken,
			name,
			blockSize: BLOCK_BYTES,
			places,
			open: () => open(room.layout.staged(name, 'data'), 'r'),
			[Symbol.asyncDispose]: discard,
		};
	} catch (error) {
		await discard();
		throw storageError(error, 'taking an upload failed');
	}
}

type Taken = Pick<Staged, 'root' | 'size' | 'digests' | 'have' | 'checksum' | 'hashValue'>;

async function intoFile(
	room: Room,
	name: string,
	source: AsyncIterable<Uint8Array>,
	options: IntakeOptions,
	places: BlockPlaces,
): Promise<Taken> {
	const { maxBytes, declaredSize } = options;
	using hashes = room.threads.openStream(options.hashAlgorithm);
	await using file = await open(room.layout.staged(name, 'data'), 'wx', WRITABLE_MODE);
	const stop = new AbortController();
	const signal = AbortSignal.any([options.signal, stop.signal]);
	const slots = room.threads.uploadSlots();
	const list = growingList();
	const table = createDigestTable(list.digests);
	const manifest = createManifestBuilder();
	const syncer = createSyncer(room, file);
	const underWay = new Set<Promise<void>>();
	let failure: unknown;
	let size = 0;
	let blocks = 0;
	let slot: Slot | undefined;
	let filled = 0;

	/** Where the bytes of a block shall be: nowhere new, if they are zeros or stored already. */
	const isNew = async (index: number, digest: Uint8Array, length: number): Promise<boolean> => {
		if (options.digestsOnly === true || same(digest, digestOfZeros(length))) return false;
		if (!room.shareBlocks || length < MIN_SHARED_BYTES) return true;
		const known = table.find(digest) !== undefined;
		table.add(index);
		if (!known && (await places.find(digest)) === undefined) return true;
		list.setElsewhere(index);
		return false;
	};

	const store = async (index: number, full: Slot, length: number): Promise<void> => {
		const hashed = hashes.add(full, length);
		try {
			const digest = await hashed.digest;
			// Digests of one stream come in the order of its blocks.
			list.set(index, digest);
			manifest.add(digest, length);
			if (await isNew(index, digest, length)) {
				await room.disk.write(file, length === BLOCK_BYTES ? full.bytes : full.bytes.subarray(0, length), index * BLOCK_BYTES);
				syncer.wrote(length);
			}
		} finally {
			await hashed.done.finally(() => slots.give(full));
		}
	};

	const dispatch = (full: Slot, length: number): void => {
		const work = store(blocks++, full, length).catch((error: unknown) => {
			failure ??= error;
			stop.abort(error);
		});
		underWay.add(work);
		void work.then(() => underWay.delete(work));
	};

	const take = async (chunk: Uint8Array): Promise<void> => {
		size += chunk.length;
		if (declaredSize !== undefined && size > declaredSize)
			throw new ImageError('invalid', `more bytes came than the ${declaredSize} that were declared`);
		if (size > maxBytes) throw tooLarge(maxBytes);
		let done = 0;
		while (done < chunk.length) {
			if (slot === undefined) {
				while (underWay.size >= room.limits.uploadAheadBlocks) await Promise.race(underWay);
				slot = slots.tryTake() ?? (await slots.take(signal));
				filled = 0;
			}
			const length = Math.min(chunk.length - done, BLOCK_BYTES - filled);
			slot.bytes.set(length === chunk.length ? chunk : chunk.subarray(done, done + length), filled);
			filled += length;
			done += length;
			if (filled === BLOCK_BYTES) {
				const full = slot;
				slot = undefined;
				dispatch(full, filled);
			}
		}
	};

	try {
		for await (const chunk of untilAborted(source, signal, 'the upload')) await take(chunk);
		if (declaredSize !== undefined && size !== declaredSize)
			throw new ImageError('invalid', `${size} bytes came instead of the ${declaredSize} that were declared`);
		if (slot !== undefined) {
			const last = slot;
			slot = undefined;
			dispatch(last, filled);
		}
		await Promise.all(underWay);
		if (failure !== undefined) throw failure;
		const { checksum, hashValue } = await hashes.finish();
		await file.truncate(size);
		await file.chmod(FINISHED_MODE);
		const taken = { root: manifest.root(), size, digests: list.digests(), have: list.have(), checksum, hashValue };
		await Promise.all([syncer.finish(), writeLists(room, name, taken)]);
		return taken;
	} catch (error) {
		throw failure ?? error;
	} finally {
		if (slot !== undefined) slots.give(slot);
		await Promise.all(underWay);
		await syncer.settled();
	}
}

/** The block list and, where needed, the presence file beside the staged data, durable. */
async function writeLists(room: Room, name: string, taken: Taken): Promise<void> {
	const list = encodeBlockList({ size: taken.size, blockSize: BLOCK_BYTES, digests: taken.digests });
	await writeDurably(room, room.layout.staged(name, 'blocks'), list, FINISHED_MODE);
	if (taken.have !== undefined) await writeDurably(room, room.layout.staged(name, 'have'), taken.have, WRITABLE_MODE);
}

export async function writeDurably(room: Room, path: string, bytes: Uint8Array, mode: number): Promise<void> {
	await using file = await open(path, 'w', mode);
	await writeFile(file, bytes);
	await room.disk.sync(file);
}

/** Lets the disk begin early, one request at a time, so that the last sync has little to do. */
function createSyncer(
	room: Room,
	file: FileHandle,
): { wrote(bytes: number): void; finish(): Promise<void>; settled(): Promise<void> } {
	let unsynced = 0;
	let syncing: Promise<void> | undefined;
	let failure: unknown;

	return {
		wrote(bytes) {
			unsynced += bytes;
			if (unsynced < room.limits.syncEveryBytes || syncing !== undefined) return;
			unsynced = 0;
			syncing = room.disk
				.sync(file)
				.catch((error: unknown) => {
					failure = error;
				})
				.finally(() => {
					syncing = undefined;
				});
		},
		async finish() {
			await syncing;
			if (failure !== undefined) throw failure;
			await room.disk.sync(file);
		},
		async settled() {
			await syncing;
		},
	};
}

/** Digests and states of blocks as they become known, in memory that doubles. */
function growingList() {
	let capacity = 64;
	let count = 0;
	let digests = new Uint8Array(capacity * DIGEST_BYTES);
	let have = new Uint8Array(capacity);
	let shared = false;

	const grow = (): void => {
		capacity *= 2;
		const [oldDigests, oldHave] = [digests, have];
		digests = new Uint8Array(capacity * DIGEST_BYTES);
		digests.set(oldDigests);
		have = new Uint8Array(capacity);
		have.set(oldHave);
	};

	return {
		set(index: number, digest: Uint8Array): void {
			if (index !== count) throw new TypeError(`digest ${index} came when ${count} was due`);
			if (count === capacity) grow();
			digests.set(digest, index * DIGEST_BYTES);
			have[index] = HAVE.here;
			count++;
		},
		setElsewhere(index: number): void {
			have[index] = HAVE.elsewhere;
			shared = true;
		},
		digests: (): BlockDigests => digests.subarray(0, count * DIGEST_BYTES),
		have: (): Uint8Array | undefined => (shared ? have.subarray(0, count) : undefined),
	};
}

function tooLarge(maxBytes: number): ImageError {
	return new ImageError('too-large', `the upload is larger than the ${maxBytes} bytes allowed`);
}
