/**
 * Origins: the stores of this node as sources of blocks. A block is a range of an object, verified like any other source's
 * block; so a node with a central store needs no second copy of what lies there. A place that gives no ranges is read whole
 * (whole-reads.ts): of some stores, whose objects lie on servers of all kinds, that is known when the first range is asked for.
 * Which places a content has is looked up when somebody is about to read it, and follows the logs from then on.
 */
import type { BlockSession, BlockSource, BlockSources } from '#content/ports.ts';
import { codeOf, ImageError } from '#domain/errors.ts';
import type { ContentRef, Image } from '#domain/image.ts';
import { locationsOf } from '#domain/locations.ts';
import type { Catalogue } from '#domain/ports/catalogue.ts';
import type { ImageStore, ImageStores, StoreLocation } from '#domain/ports/stores.ts';
import type { Log } from '#lib/log.ts';
import { orLeft } from '#lib/or-left.ts';
import { recentCache } from '#lib/recent-cache.ts';

export interface Origins extends BlockSources, Disposable {
	/** Looks up the places of a content; cheap when that was done. */
	open(root: string): Promise<void>;
	/** Where its bytes can be read from by this node, the heaviest store first; of contents that were looked up. */
	places(root: string): readonly OriginPlace[];
	/** Is there, right now, a store of this node that has all of it? */
	holds(content: ContentRef, options: { readonly signal: AbortSignal }): Promise<boolean>;
	/** Told the root of a content when one of its places turns out to give no ranges. Returns the way to stop. */
	onWholeOnly(listener: (root: string) => void): () => void;
}

export interface OriginPlace {
	readonly store: ImageStore;
	readonly location: StoreLocation;
	/** false: it gives the whole only */
	readonly ranged: boolean;
}

export interface OriginsOptions {
	readonly catalogue: Pick<Catalogue, 'image' | 'imagesOf' | 'follow'>;
	readonly stores: ImageStores;
	readonly log: Log;
}

const MAX_PAGES = 1024;
/** Places of which it is known whether they give ranges. */
const MAX_TRIED = 4096;
/** A server that gave no ranges may have learnt it. */
const WHOLE_ONLY_MS = 3600_000;
const RANGED = Number.POSITIVE_INFINITY;
/** Ranges of one object that are asked for at a time. */
const DEPTH = 4;

export function createOrigins({ catalogue, stores, log }: OriginsOptions): Origins {
	const pages = new Map<string, readonly Place[]>();
	const listeners = new Set<() => void>();
	const wholeOnlyListeners = new Set<(root: string) => void>();
	/** by store and URL: `RANGED`, or until when a place counts as one that gives none, in monotonic milliseconds */
	const tried = recentCache<number>(MAX_TRIED);

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

	function placesOf(images: readonly Image[]): readonly Place[] {
		const named = images.filter(({ status }) => status === 'active' || status === 'deactivated');
		return named.flatMap((image) =>
			locationsOf(image, stores).flatMap((location) => {
				const store = stores.ofLocation(location);
				return store === undefined ? [] : [{ store, location }];
			}),
		);
	}

	const outcomeOf = (place: Place): boolean | undefined => {
		const known = tried.get(keyOf(place));
		return known === undefined || known <= performance.now() ? undefined : known === RANGED;
	};
	const places = (root: string): readonly OriginPlace[] =>
		(pages.get(root) ?? [])
			.filter(({ store }) => store.fault() === undefined)
			.map((place) => ({ ...place, ranged: place.store.ranged && outcomeOf(place) !== false }));

	const trialOf = (place: Place, root: string): Trial => ({
		outcome: () => outcomeOf(place),
		ends(ranged) {
			tried.set(keyOf(place), ranged ? RANGED : performance.now() + WHOLE_ONLY_MS);
			if (!ranged) for (const listener of wholeOnlyListeners) listener(root);
		},
	});

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
				if (store.fault() !== undefined) continue;
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
				.filter(({ ranged }) => ranged)
				.map((place) => sourceOf(place, trialOf(place, root))),
		onChange(listener) {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
		onWholeOnly(listener) {
			wholeOnlyListeners.add(listener);
			return () => wholeOnlyListeners.delete(listener);
		},
		reportBad(name, { root }, index) {
			log.error({ source: name, root, block: index }, 'a store has other bytes than those of the image');
		},
		[Symbol.dispose]: stop,
	};
}

type Place = Pick<OriginPlace, 'store' | 'location'>;

function keyOf({ store, location }: Place): string {
	return `${store.id} ${location.url}`;
}

/** as sources of blocks are named */
export function sourceName({ id }: ImageStore): string {
	return `store:${id}`;
}

/** Whether a place gives ranges. */
interface Trial {
	/** undefined: nobody has tried */
	outcome(): boolean | undefined;
	ends(ranged: boolean): void;
}

function sourceOf({ store, location }: Place, trial: Trial): BlockSource {
	return {
		name: sourceName(store),
		kind: 'origin',
		async manifest({ root }) {
			throw new ImageError('not-found', `store ${store.id} has no manifest of content ${root}`);
		},
		open: async (content) => sessionOf(store, location.url, content, trial),
	};
}

function sessionOf(store: ImageStore, url: string, { size, blockSize }: ContentRef, trial: Trial): BlockSession {
	let trying: Promise<unknown> | undefined;

	async function fetch(index: number, into: Uint8Array, signal: AbortSignal): Promise<void> {
		const start = index * blockSize;
		let done = 0;
		try {
			for await (const chunk of store.get(url, { start, end: Math.min(size, start + into.length) }, { signal })) {
				into.set(chunk, done);
				done += chunk.length;
			}
		} catch (error) {
			if (codeOf(error) === 'whole-only') trial.ends(false);
			throw error;
		}
		trial.ends(true);
	}

	return {
		depth: DEPTH,
		async fetch(index, into, { signal }) {
			// a server without ranges begins to send everything each time: one is tried before several are asked for
			while (trial.outcome() === undefined && trying !== undefined) await orLeft(trying, signal);
			if (trial.outcome() === false) throw new ImageError('whole-only', `store ${store.id}: it gives whole images only`);
			const fetching = fetch(index, into, signal);
			const tried = fetching
				.catch(() => undefined)
				.finally(() => {
					if (trying === tried) trying = undefined;
				});
			trying ??= tried;
			await fetching;
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
