/**
 * Who said that they hold a content, ready to be asked without waiting: readers choose sources in the middle of a
 * transfer. A page is opened when a content is about to be read here and follows the logs from then on.
 */
import type { Catalogue } from '#domain/ports/catalogue.ts';

export interface HolderBook extends Disposable {
	/** Opens the page of a content; cheap when it is open. */
	open(root: string): Promise<void>;
	/** peer ids; empty for a content whose page is not open */
	holders(root: string): readonly string[];
}

const MAX_PAGES = 1024;

export function createHolderBook(catalogue: Pick<Catalogue, 'image' | 'imagesOf' | 'follow'>): HolderBook {
	const pages = new Map<string, Set<string>>();

	const stop = catalogue.follow(({ images }) => {
		for (const id of images) {
			const image = catalogue.image(id);
			const page = image?.content == null ? undefined : pages.get(image.content.root);
			for (const copy of page === undefined ? [] : (image?.copies ?? [])) page?.add(copy.node);
		}
	});

	return {
		async open(root) {
			if (pages.has(root)) return;
			const page = new Set<string>();
			// Before the wait, so that what the logs say meanwhile is written down too.
			pages.set(root, page);
			for (const oldest of pages.keys()) {
				if (pages.size <= MAX_PAGES) break;
				pages.delete(oldest);
			}
			for (const image of await catalogue.imagesOf(root)) for (const copy of image.copies) page.add(copy.node);
		},
		// A holder that has let go of its copy stays on the page: asked, it says not-found and the next one is asked.
		holders: (root) => [...(pages.get(root) ?? [])],
		[Symbol.dispose]: stop,
	};
}
