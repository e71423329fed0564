/**
 * The content store: bytes of images, stored once each, verified when they arrive, read from here or through peers.
 * It knows nothing of images, clients or protocols; sources of blocks and the index's engine come from outside.
 * The format and the order of writes are docs/content-format.md.
 */
import { access, constants, statfs } from 'node:fs/promises';
import { ImageError } from '#domain/errors.ts';
import type { ContentRef } from '#domain/image.ts';
import type { Presence, WriteOptions, WrittenData } from '#domain/ports/image-data.ts';
import type { KeyValue } from '#lib/key-value.ts';
import type { Log } from '#lib/log.ts';
import { createBlockReader } from './block-reader.ts';
import { stalledContents, sweepQuarantine } from './cleaning.ts';
import { collectGarbage } from './collector.ts';
import { createContentIndex } from './content-index.ts';
import { digestContent } from './digesting.ts';
import { createDisk } from './disk.ts';
import { createHashThreads } from './hash-threads.ts';
import { type Staged, takeIn } from './intake.ts';
import { createLayout, HAVE, prepareLayout } from './layout.ts';
import { type ContentLimits, DEFAULT_LIMITS } from './limits.ts';
import { blockLength, digestAt } from './manifest.ts';
import { createMutex } from './mutex.ts';
import { createPins } from './pins.ts';
import type {
	BlockDigests,
	BlockSources,
	ContentStore,
	ContentUsage,
	PassingSource,
	ShelfReader,
	TransferLedger,
} from './ports.ts';
import { publish, publishPartial } from './publish.ts';
import { createBufferPool } from './read-stream.ts';
import { readContent } from './reading.ts';
import { removeContent } from './removal.ts';
import type { Room } from './room.ts';
import { createSemaphore } from './semaphore.ts';
import { createSessions } from './sessions.ts';
import { createStagingNames } from './staging-names.ts';
import { createShelf, type Held, isPresent } from './stored-content.ts';

export type { ContentStore } from './ports.ts';

export interface ContentStoreOptions {
	/** Made if need be; belongs to this store alone. */
	readonly directory: string;
	/** Durable, private to this store. */
	readonly index: KeyValue;
	readonly sources: BlockSources;
	readonly ledger: TransferLedger;
	/**
	 * Store equal blocks once, also across contents. Where whole files are linked into another store's layout it is
	 * false: then every content is one plain file, and only whole equal contents and zeros are shared.
	 */
	readonly shareBlocks: boolean;
	readonly log: Log;
	readonly limits?: Partial<ContentLimits>;
}

export async function openContentStore(options: ContentStoreOptions): Promise<ContentStore> {
	const limits = { ...DEFAULT_LIMITS, ...options.limits };
	const layout = createLayout(options.directory);
	await prepareLayout(layout);
	const index = createContentIndex(options.index);
	const shelf = createShelf(index, layout);
	const followers = new Set<(root: string) => void>();
	const room: Room = {
		layout,
		index,
		shelf,
		limits,
		disk: createDisk(options.log),
		blocks: createBlockReader(index, shelf),
		threads: createHashThreads(limits),
		shareBlocks: options.shareBlocks,
		publishing: createMutex(),
		completed(root) {
			for (const follower of followers) follower(root);
		},
		log: options.log,
	};
	return createStore(room, options, followers);
}

function createStore(room: Room, { sources, ledger }: ContentStoreOptions, followers: Set<(root: string) => void>): ContentStore {
	const { index, shelf, limits } = room;
	const names = createStagingNames();
	const pins = createPins();
	const pool = createBufferPool();
	const sessions = createSessions(room, sources, ledger, names.next);
	const uploads = createSemaphore(limits.maxUploads);
	const passing = createSemaphore(limits.maxPassing);
	const closed = new AbortController();
	const underWay = new Set<Promise<unknown>>();

	/** Under the lock; a session without users was ended before, since its own end may need the lock. */
	const remove = async (root: string): Promise<boolean> => !pins.has(root) && (await removeContent(room, root)) !== undefined;

	/** The content is being fetched at this moment: what came by upload is given to that. */
	const fillFrom = async (staged: Staged, signal: AbortSignal): Promise<void> => {
		using use = await sessions.use({ root: staged.root, size: staged.size, blockSize: staged.blockSize }, signal);
		const { filler } = use.session;
		await using data = await staged.open();
		const buffer = pool.take();
		for (let block = 0; block < filler.content.count; block++) {
			if (isPresent(filler.content, block)) continue;
			const bytes = buffer.subarray(0, blockLength(staged.size, staged.blockSize, block));
			if (staged.have?.[block] !== HAVE.elsewhere) await data.read(bytes, 0, bytes.length, block * staged.blockSize);
			else if (!(await readKept(room, staged, block, bytes))) continue;
			await filler.arrive(block, bytes);
		}
		pool.give(buffer);
		await use.session.complete(signal, () => undefined);
	};

	const write = async (source: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<WrittenData> => {
		const signal = AbortSignal.any([options.signal, closed.signal]);
		const maxBytes = Math.min(options.maxBytes, limits.maxContentBytes);
		using _turn = await uploads.enter(signal);
		using name = names.take();
		await using staged = await takeIn(room, name.text, source, { ...options, maxBytes, signal });
		const pin = pins.add(staged.root);
		try {
			await sessions.endIdle(staged.root);
			// Our own pin says that the content is wanted, not that this partial copy of it is.
			const replace = async (root: string): Promise<boolean> => (await removeContent(room, root)) !== undefined;
			if ((await publish(room, staged, replace)) === 'being-filled') await fillFrom(staged, signal);
		} catch (error) {
			pin[Symbol.dispose]();
			throw error;
		}
		const { root, size, blockSize, checksum, hashValue } = staged;
		return {
			content: { root, size, blockSize },
			checksum,
			hashAlgorithm: options.hashAlgorithm,
			hashValue,
			async [Symbol.asyncDispose]() {
				pin[Symbol.dispose]();
			},
		};
	};

	const takePassing = async (content: ContentRef, { name, read }: PassingSource, outer: AbortSignal): Promise<void> => {
		const signal = AbortSignal.any([outer, closed.signal]);
		using use = await sessions.use(content, signal);
		const inTurn: PassingSource = {
			name,
			async *read(inner) {
				using _turn = await passing.enter(inner);
				yield* read(inner);
			},
		};
		await use.session.takePassing(inTurn, signal);
		await use.session.complete(signal, () => undefined);
	};

	const hollow = async (content: ContentRef): Promise<void> => {
		await sessions.endIdle(content.root);
		const digests = await listOf(content.root);
		if (digests === undefined || !(await room.publishing(() => remove(content.root)))) return;
		await publishPartial(room, names.next(), content, digests);
	};

	const listOf = async (root: string): Promise<BlockDigests | undefined> => {
		await using held = await shelf.hold(root);
		return held === undefined ? undefined : await held.content.digests();
	};

	const survey = async (source: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<WrittenData> => {
		const signal = AbortSignal.any([options.signal, closed.signal]);
		const maxBytes = Math.min(options.maxBytes, limits.maxContentBytes);
		using _turn = await uploads.enter(signal);
		using name = names.take();
		await using staged = await takeIn(room, name.text, source, { ...options, maxBytes, signal, digestsOnly: true });
		const { root, size, blockSize, checksum, hashValue } = staged;
		const content = { root, size, blockSize };
		const pin = pins.add(root);
		try {
			await publishPartial(room, names.next(), content, staged.digests);
		} catch (error) {
			pin[Symbol.dispose]();
			throw error;
		}
		const { hashAlgorithm } = options;
		return { content, checksum, hashAlgorithm, hashValue, [Symbol.asyncDispose]: async () => pin[Symbol.dispose]() };
	};

	/** Keeps what is under way known, so that closing can wait for it. */
	const tracked = <T>(work: Promise<T>): Promise<T> => {
		const settled = work.catch(() => undefined).finally(() => underWay.delete(settled));
		underWay.add(settled);
		return work;
	};

	return {
		write: (source, options) => tracked(write(source, options)),
		survey: (source, options) => tracked(survey(source, options)),
		read: (content, range, { signal, ...how }) =>
			readContent({ room, sessions, ledger, pool }, content, range, { ...how, signal: AbortSignal.any([signal, closed.signal]) }),
		presence: (root) => presenceOf(room, root),
		async forget(root) {
			await sessions.endIdle(root);
			await tracked(room.publishing(() => remove(root)));
		},
		hollow: (content) => tracked(hollow(content)),
		async complete(content, { signal, onProgress }) {
			if (index.record(content.root)?.state === 'complete') return;
			using use = await sessions.use(content, signal);
			await use.session.complete(signal, (blocks, of) => onProgress?.({ blocks, of }));
		},
		async takePassing(content, source, { signal }) {
			if (index.record(content.root)?.state === 'complete') return;
			await tracked(takePassing(content, source, signal));
		},
		onComplete(listener) {
			followers.add(listener);
			return () => followers.delete(listener);
		},
		digest: (content, options) =>
			tracked(digestContent(room, content, { ...options, signal: AbortSignal.any([options.signal, closed.signal]) })),
		file(root) {
			return index.record(root)?.plain === true ? room.layout.path(root, 'data') : undefined;
		},
		pin: pins.add,
		collect: (inUse) =>
			tracked(
				pins.watch((wasPinned) =>
					collectGarbage(room, { inUse, isSpared: wasPinned, endIdle: sessions.endIdle, isStaging: names.isTaken }),
				),
			),
		stalled: (before) => tracked(stalledContents(room, before)),
		sweepDamaged: (before) => tracked(sweepQuarantine(room, before)),
		usage: () => usageOf(room),
		async check() {
			room.disk.assertWritable();
			await access(room.layout.contents, constants.R_OK | constants.W_OK | constants.X_OK);
		},
		async digests(root) {
			await using held = await shelf.hold(root);
			if (held === undefined) return undefined;
			const { size, blockSize } = held.content;
			return { content: { root, size, blockSize }, digests: await held.content.digests() };
		},
		async open(root) {
			const held = await shelf.hold(root);
			return held === undefined ? undefined : shelfReader(room, held);
		},
		async [Symbol.asyncDispose]() {
			closed.abort(new ImageError('aborted', 'the content store is closing'));
			await sessions[Symbol.asyncDispose]();
			await Promise.all(underWay);
			await room.threads[Symbol.asyncDispose]();
			await shelf[Symbol.asyncDispose]();
		},
	};
}

/** A block of an upload that another content keeps; false when it equals an earlier block of the upload itself. */
async function readKept(room: Room, staged: Staged, block: number, into: Uint8Array): Promise<boolean> {
	const place = await staged.places.find(digestAt(staged.digests, block));
	await using keeper = place === undefined ? undefined : await room.shelf.hold(place.root);
	if (place === undefined || keeper === undefined) return false;
	await room.blocks.read(keeper.content, place.index * keeper.content.blockSize, into);
	return true;
}

function presenceOf({ index }: Room, root: string): Presence {
	return index.record(root)?.state ?? 'none';
}

async function usageOf({ index, layout }: Room): Promise<ContentUsage> {
	let [complete, partial, bytes] = [0, 0, 0];
	for await (const [, record] of index.roots()) {
		if (record.state === 'complete') complete++;
		else partial++;
		bytes += record.size;
	}
	const disk = await statfs(layout.contents);
	return { complete, partial, bytes, freeBytes: disk.bavail * disk.bsize };
}

function shelfReader(room: Room, held: Held): ShelfReader {
	const { content } = held;
	const { root, size, blockSize, count } = content;
	return {
		content: { root, size, blockSize },
		has: (block) => block >= 0 && block < count && isPresent(content, block),
		async read(block, into) {
			if (!(block >= 0 && block < count && isPresent(content, block))) return 0;
			const length = blockLength(size, blockSize, block);
			await room.blocks.read(content, block * blockSize, into.subarray(0, length));
			return length;
		},
		[Symbol.asyncDispose]: () => held[Symbol.asyncDispose](),
	};
}
