import type { ImageId } from '#domain/image.ts';
import type { ImageCache } from '#domain/ports/image-cache.ts';

/** A cache of names alone: what is asked for is in line until it is said to be here. */
export function memoryImageCache(): ImageCache & { readonly kept: Set<ImageId> } {
	const kept = new Set<ImageId>();
	const line = new Set<ImageId>();
	const removed = (from: Set<ImageId>, ids: readonly ImageId[]) => ids.filter((id) => from.delete(id)).length;
	return {
		kept,
		entries: () => [...kept].sort().map((id) => ({ id, hits: 0, lastAccessed: 0, lastModified: 0, size: 1 })),
		queue: () => [...line],
		enqueue: async (id) => void line.add(id),
		dequeue: async (ids) => removed(line, ids),
		drop: async (ids) => removed(kept, ids),
		prune: async () => ({ images: 0, bytes: 0 }),
		clean: async () => {},
		asked: () => {},
	};
}
