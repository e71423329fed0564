import type { ImageData } from '#domain/ports/image-data.ts';
import type { HolderBook } from './holder-book.ts';

/**
 * The same data, where a read of bytes that are not all here first looks up who holds them, and says so when it has
 * brought the last missing block.
 */
export function announcingReads(data: ImageData, book: HolderBook, completed: (root: string) => void): ImageData {
	return {
		...data,
		async *read(content, range, options) {
			const missing = data.presence(content.root) !== 'complete';
			if (missing) await book.open(content.root);
			yield* data.read(content, range, options);
			if (missing && data.presence(content.root) === 'complete') completed(content.root);
		},
	};
}
