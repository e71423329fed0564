/**
 * Origins: the stores of this node as sources of blocks. A block is a range of an object, verified like any other source's
 * block; so a node with a central store needs no second copy of what lies there. A store that gives no ranges is read
 * whole once. Which places a content has is looked up when somebody is about to read it, and follows the logs from then on.
 */
import type { BlockSession, BlockSource, BlockSources } from '#content/ports.ts';
import { ImageError } from '#domain/errors.ts';
import type { ContentRef, Image } from '#domain/image.ts';
import { locationsOf } from '#domain/locations.ts';
import type { Catalogue } from '#domain/ports/catalogue.ts';
import type { ImageStore, ImageStores, StoreLocation } from '#domain/ports/stores.ts';
import type { Log } from '#lib/log.ts';

export interface Origins extends BlockSources, Disposable {
	/** Looks up the places of a content; cheap when that was done. */
	open(root: string): Promise<void>;
	/** Where its bytes can be read from by this node, the heaviest store first; of contents that were looked up. */
	places(root: string): readonly OriginPlace[];
	/** Is there, right now, a store of this node that gives ranges of it, and has all of it? */
	holds(content: ContentRef, options: { readonly signal: AbortSignal }): Promise<boolean>;
}

export interface OriginPlace {
	readonly store: ImageStore;
	readonly location: StoreLocation;
}

export interface OriginsOptions {
	readonly catalogue: Pick<Catalogue, 'image' | 'imagesOf' | 'follow'>;
	readonly stores: ImageStores;
	readonly log: Log;
}

const MAX_PAGES = 1024;
/** Ranges of one object that are asked for at a time. */
const DEPTH = 4;

export function createOrigins({ catalogue, stores, log }: OriginsOptions): Origins {
	const pages = new Map<string, readonly OriginPlace[]>();
	const listeners = new Set<() => void>();

	const stop = catalogue.follow(({ images }) => {
		const roots = new Set(images.flatMap((id) => catalogue.image(id)?.content?.root ?? []).filter((root) => pages.has(root)));
		for (const root of roots) void look(root).then(tell);
	});

	function tell(): void {
		for (const listener of listeners) listener();
	}

	async function look(root: string): Promise<void> {
		pages.set(root, placesOf(await catalogue.imagesOf(root)));
	}

	function placesOf(images: readonly Image[]): readonly OriginPlace[] {
		const named = images.filter(({ status }) => status === 'active' || status === 'deactivated');
		return named.flatMap((image) =>
			locationsOf(image, stores).flatMap((location) => {
				const store = stores.ofLocation(location);
				return store === undefined ? [] : [{ store, location }];
			}),
		);
	}

	const places = (root: string) => (pages.get(root) ?? []).filter(({ store }) => store.fault() === undefined);

	return {
		async open(root) {
			if (pages.has(root)) return;
			pages.set(root, []);
			for (const oldest of pages.keys()) {
				if (pages.size <= MAX_PAGES) break;
				pages.delete(oldest);
			}
			await look(root);
		},
		places,
		async holds(content, call) {
			for (const { store, location } of placesOf(await catalogue.imagesOf(content.root))) {
				if (!store.ranged || store.fault() !== undefined) continue;
				const size = await store.stat(location.url, call).then(
					(found) => found.size,
					() => undefined,
				);
				if (size === content.size) return true;
			}
			return false;
		},
		find: ({ root }) =>
			places(root)
				.filter(({ store }) => store.ranged)
				.map(sourceOf),
		onChange(listener) {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
		reportBad(name, { root }, index) {
			log.error({ source: name, root, block: index }, 'a store has other bytes than those of the image');
		},
		[Symbol.dispose]: stop,
	};
}

function sourceOf({ store, location }: OriginPlace): BlockSource {
	return {
		name: `store:${store.id}`,
		kind: 'origin',
		async manifest({ root }) {
			throw new ImageError('not-found', `store ${store.id} has no manifest of content ${root}`);
		},
		open: async (content) => sessionOf(store, location.url, content),
	};
}

function sessionOf(store: ImageStore, url: string, { size, blockSize }: ContentRef): BlockSession {
	return {
		depth: DEPTH,
		async fetch(index, into, { signal }) {
			const start = index * blockSize;
			let done = 0;
			for await (const chunk of store.get(url, { start, end: Math.min(size, start + into.length) }, { signal })) {
				into.set(chunk, done);
				done += chunk.length;
			}
		},
		async [Symbol.asyncDispose]() {},
	};
}

/** All of them: the nearest first, as given. */
export function joinSources(...all: readonly BlockSources[]): BlockSources {
	return {
		find: (content) => all.flatMap((sources) => sources.find(content)),
		onChange(listener) {
			const stops = all.map((sources) => sources.onChange(listener));
			return () => {
				for (const stop of stops) stop();
			};
		},
		reportBad(name, content, index) {
			for (const sources of all) sources.reportBad(name, content, index);
		},
	};
}
