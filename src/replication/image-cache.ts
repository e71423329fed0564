/**
 * The cache of a node, in Glance's words over this node's own contents: nothing is stored twice. An entry says that a
 * whole content is here because somebody asked for it here, how often it was read and when; dropping it gives the bytes
 * back where another node keeps them. docs/decisions/0014-the-cache.md
 */
import type { BlockSources, ContentStore } from '#content/ports.ts';
import type { Image, ImageId } from '#domain/image.ts';
import type { Catalogue } from '#domain/ports/catalogue.ts';
import type { ImageCache } from '#domain/ports/image-cache.ts';
import type { KeyValue } from '#lib/key-value.ts';
import type { Log } from '#lib/log.ts';
import { oneAtATime } from '#lib/one-at-a-time.ts';
import { type Entry, openCacheBook } from './cache-book.ts';
import { createEviction } from './eviction.ts';
import type { Origins } from './origins.ts';
import { createPrefetcher } from './prefetcher.ts';

export interface ImageCacheOptions {
	readonly catalogue: Catalogue;
	readonly content: ContentStore;
	readonly sources: BlockSources;
	readonly origins: Pick<Origins, 'holds'>;
	/** durable, private to the cache */
	readonly kv: KeyValue;
	readonly node: string;
	readonly site: string;
	/** what pruning leaves of the entries */
	readonly maxBytes: number;
	/** what has not come further for so long is removed by cleaning */
	readonly stallMs: number;
	/** UTC milliseconds */
	readonly clock: () => number;
	readonly log: Log;
	/** after so long a fetch that fails is not tried again */
	readonly giveUpMs?: number;
}

/** Contents that are being read whole for the first time; who is beyond that is an entry with the next read. */
const MAX_READ = 1024;

export async function openImageCache(options: ImageCacheOptions): Promise<ImageCache & AsyncDisposable> {
	const { catalogue, content, maxBytes, stallMs, clock } = options;
	const parts = new AsyncDisposableStack();
	const book = parts.use(await openCacheBook(options));
	const prefetcher = parts.use(createPrefetcher({ ...options, book }));
	const { evict } = createEviction(options);
	const alone = oneAtATime();
	/** root → images of it that somebody reads whole while it is still coming */
	const beingRead = new Map<string, Set<ImageId>>();

	parts.defer(
		content.onComplete((root) => {
			for (const id of beingRead.get(root) ?? []) enter(catalogue.image(id));
			beingRead.delete(root);
		}),
	);
	parts.defer(
		catalogue.follow(({ images }) => {
			const gone = images.filter((id) => catalogue.image(id) === undefined);
			void forget(gone.filter((id) => book.entry(id) !== undefined || book.inLineSince(id) !== undefined));
		}),
	);
	await forget([...book.entries().map(({ id }) => id), ...book.line()].filter((id) => catalogue.image(id) === undefined));
	prefetcher.start();

	function enter(image: Image | undefined): void {
		if (image !== undefined && book.entry(image.id) === undefined) book.use(image);
	}

	/** Deleted images: whoever deletes lets their bytes go. */
	async function forget(ids: readonly ImageId[]): Promise<void> {
		try {
			await prefetcher.dequeue(ids);
			await book.remove(ids);
		} catch (error) {
			options.log.warn({ err: error }, 'deleted images stay in the book of the cache until the next start');
		}
	}

	/** One after another: what is counted as kept by one must not go by the other. */
	async function drop(ids: readonly ImageId[]): Promise<readonly Entry[]> {
		return alone('drop', async () => {
			const dropped = ids.flatMap((id) => book.entry(id) ?? []);
			await book.remove(dropped.map(({ id }) => id));
			const kept = new Set(book.entries().map(({ root }) => root));
			await evict(new Set(dropped.map(({ root }) => root).filter((root) => !kept.has(root))));
			return dropped;
		});
	}

	function surplus(): readonly Entry[] {
		let bytes = bytesOf(book.entries());
		const oldestFirst = book.entries().toSorted((a, b) => a.lastAccessed - b.lastAccessed);
		return oldestFirst.filter(({ size }) => {
			const goes = bytes > maxBytes;
			if (goes) bytes -= size;
			return goes;
		});
	}

	return {
		entries: () =>
			book.entries().filter(({ id, root }) => book.inLineSince(id) === undefined && content.presence(root) === 'complete'),
		queue: book.line,
		enqueue: prefetcher.enqueue,
		dequeue: prefetcher.dequeue,
		drop: async (ids) => (await drop(ids)).length,
		async prune() {
			const dropped = await drop(surplus().map(({ id }) => id));
			return { images: dropped.length, bytes: bytesOf(dropped) };
		},
		async clean() {
			const before = clock() - stallMs;
			const wanted = new Set(book.line().map((id) => catalogue.image(id)?.content?.root));
			const stalled = new Set((await content.stalled(before)).filter((root) => !wanted.has(root)));
			if (stalled.size > 0) await content.collect(async (root) => !stalled.has(root));
			await content.sweepDamaged(before);
		},
		asked(image) {
			const root = image.content?.root;
			if (root === undefined) return;
			if (content.presence(root) === 'complete') return book.use(image);
			const ids = beingRead.get(root) ?? new Set();
			beingRead.delete(root);
			beingRead.set(root, ids.add(image.id));
			// reads that were broken off never complete: the oldest make room
			const [oldest] = beingRead.size > MAX_READ ? beingRead.keys() : [];
			if (oldest !== undefined) beingRead.delete(oldest);
		},
		[Symbol.asyncDispose]: () => parts.disposeAsync(),
	};
}

function bytesOf(entries: readonly Entry[]): number {
	return entries.reduce((bytes, { size }) => bytes + size, 0);
}
