import type { Image, ImageId } from '../image.ts';

/** What this node keeps of other nodes' images for its own clients. */
export interface ImageCache {
	entries(): readonly CachedImage[];
	/** those that wait or are being fetched, in the order of asking */
	queue(): readonly ImageId[];
	/** Durable when it resolves; fetching has then begun or waits for its turn. What is cached or queued stays as it is. */
	enqueue(id: ImageId): Promise<void>;
	/** Neither waits nor is being fetched any more. How many of them were in line. */
	dequeue(ids: readonly ImageId[]): Promise<number>;
	/**
	 * The entries leave. Their bytes go too where another node still has a full copy that it will not give up in its turn;
	 * the last copy stays. How many of them were entries.
	 */
	drop(ids: readonly ImageId[]): Promise<number>;
	/** The least recently used entries are dropped until the rest is within the size of the cache. */
	prune(): Promise<Pruned>;
	/** Removes what came only in part and has not come further for long, and what was put aside as damaged. */
	clean(): Promise<void>;
	/** Somebody reads all of an image. Costs nothing and never throws. */
	asked(image: Image): void;
}

export interface CachedImage {
	readonly id: ImageId;
	/** reads of the whole since it is an entry */
	readonly hits: number;
	/** UTC milliseconds */
	readonly lastAccessed: number;
	/** UTC milliseconds: when it became an entry */
	readonly lastModified: number;
	/** bytes */
	readonly size: number;
}

export interface Pruned {
	/** entries that left */
	readonly images: number;
	/** their sizes together */
	readonly bytes: number;
}
