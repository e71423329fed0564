/** Fetches whole images that somebody will want here: in the order of asking, a few at once, again later what failed. */
import type { BlockSources, ContentStore } from '#content/ports.ts';
import type { Image, ImageId } from '#domain/image.ts';
import type { Catalogue } from '#domain/ports/catalogue.ts';
import type { Log } from '#lib/log.ts';
import { createBackoffQueue } from './backoff-queue.ts';
import type { CacheBook } from './cache-book.ts';

export interface Prefetcher extends AsyncDisposable {
	/** Takes up what an earlier process has left in line. */
	start(): void;
	enqueue(id: ImageId): Promise<void>;
	/** What is being fetched stops; the blocks that came stay. */
	dequeue(ids: readonly ImageId[]): Promise<number>;
}

export interface PrefetcherOptions {
	readonly catalogue: Pick<Catalogue, 'image' | 'imagesOf'>;
	readonly content: Pick<ContentStore, 'complete' | 'pin' | 'forget'>;
	readonly sources: Pick<BlockSources, 'onChange'>;
	readonly book: CacheBook;
	/** UTC milliseconds */
	readonly clock: () => number;
	readonly log: Log;
	/** what fails for so long is dropped. Default one day */
	readonly giveUpMs?: number;
}

const AT_ONCE = 2;
const LONGEST_DELAY_MS = 600_000;
const DAY_MS = 86_400_000;

export function createPrefetcher(options: PrefetcherOptions): Prefetcher {
	const { catalogue, content, sources, book, clock, log, giveUpMs = DAY_MS } = options;
	const fetching = new Map<ImageId, AbortController>();
	const waiting = createBackoffQueue<ImageId>({ atOnce: AT_ONCE, work: attend, log, clock, longestDelayMs: LONGEST_DELAY_MS });
	const stop = sources.onChange(() => waiting.retryNow());

	async function attend(id: ImageId, signal: AbortSignal): Promise<void> {
		const since = book.inLineSince(id);
		if (since === undefined) return;
		const image = catalogue.image(id);
		if (image?.status !== 'active') {
			log.warn({ image: id }, 'an image in line for the cache is not active any more');
			await book.leaveLine([id]);
			return;
		}
		const left = new AbortController();
		fetching.set(id, left);
		try {
			await fetchWhole(image, AbortSignal.any([signal, left.signal]));
			return;
		} catch (error) {
			if (left.signal.aborted) return;
			if (clock() - since < giveUpMs || signal.aborted) throw error;
			log.warn({ image: id, error: String(error) }, 'an image could not be fetched for the cache, and leaves the line');
		} finally {
			fetching.delete(id);
		}
		await book.leaveLine([id]);
	}

	async function fetchWhole(image: Image, signal: AbortSignal): Promise<void> {
		const { content: ref } = image;
		if (ref === null) return;
		{
			using _pinned = content.pin(ref.root);
			await content.complete(ref, { signal });
			if (catalogue.image(image.id) !== undefined) book.arrive(image);
		}
		// Whoever deleted it meanwhile could not let its bytes go: they were pinned here.
		if ((await catalogue.imagesOf(ref.root)).length === 0) await content.forget(ref.root);
	}

	return {
		start() {
			for (const id of book.line()) waiting.add(id);
		},
		async enqueue(id) {
			if (book.entry(id) !== undefined || book.inLineSince(id) !== undefined) return;
			await book.lineUp(id);
			waiting.add(id);
		},
		async dequeue(ids) {
			const left = await book.leaveLine(ids);
			for (const id of ids) fetching.get(id)?.abort();
			return left;
		},
		async [Symbol.asyncDispose]() {
			stop();
			await waiting[Symbol.asyncDispose]();
		},
	};
}
