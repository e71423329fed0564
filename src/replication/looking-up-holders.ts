import type { ContentRef } from '#domain/image.ts';
import type { ImageData } from '#domain/ports/image-data.ts';
import type { HolderBook } from './holder-book.ts';

interface Fetching {
	readonly presence: ImageData['presence'];
	readonly read: ImageData['read'];
	complete(content: ContentRef, options: { readonly signal: AbortSignal }): Promise<void>;
}

/** The same contents, where whoever is about to miss blocks first looks up who holds them. */
export function lookingUpHolders<Content extends Fetching>(contents: Content, book: Pick<HolderBook, 'open'>): Content {
	const lookUp = async (root: string) => {
		if (contents.presence(root) !== 'complete') await book.open(root);
	};
	return {
		...contents,
		async *read(content: ContentRef, range: Parameters<ImageData['read']>[1], options: Parameters<ImageData['read']>[2]) {
			await lookUp(content.root);
			yield* contents.read(content, range, options);
		},
		async complete(content: ContentRef, options: { readonly signal: AbortSignal }) {
			await lookUp(content.root);
			await contents.complete(content, options);
		},
	};
}
