/**
 * Tells stores who may read an image there, where they have a notion of that (swift, in the accounts of owners): when it comes
 * to lie there, and whenever its members, its visibility or its owner have changed, wherever that was. Clients do not wait
 * for it; a store that does not listen is told again, later and later, and everything is said once at every start.
 */
import { codeOf } from '#domain/errors.ts';
import type { Image, ImageId } from '#domain/image.ts';
import { locationsIn } from '#domain/locations.ts';
import type { Catalogue } from '#domain/ports/catalogue.ts';
import type { ImageStore, ImageStores } from '#domain/ports/stores.ts';
import { readersOf } from '#domain/readers.ts';
import type { Log } from '#lib/log.ts';
import { createBackoffQueue } from './backoff-queue.ts';

export interface ReadersKeeper extends AsyncDisposable {
	/** Says it of every image once, and follows records from then on. */
	start(): Promise<void>;
}

export interface ReadersKeeperOptions {
	readonly catalogue: Catalogue;
	readonly stores: ImageStores;
	readonly log: Log;
	readonly firstDelayMs?: number;
}

type SharingStore = ImageStore & Required<Pick<ImageStore, 'share'>>;

const AT_ONCE = 2;
/** An image whose word is forgotten is told once too often. */
const MAX_TOLD = 100_000;

export function createReadersKeeper({ catalogue, stores, log, firstDelayMs }: ReadersKeeperOptions): ReadersKeeper {
	const queue = createBackoffQueue<ImageId>({ atOnce: AT_ONCE, work: tell, log, ...(firstDelayMs && { firstDelayMs }) });
	const sharing = stores.all.filter((store): store is SharingStore => store.share !== undefined);
	/** what each place of an image was told last */
	const told = new Map<ImageId, string>();
	let stop = () => {};

	/** What its stores are to know; undefined when the image lies in none of them. */
	function wordOf(id: ImageId) {
		const image = catalogue.image(id);
		if (image === undefined || !LYING.includes(image.status)) return undefined;
		const places = sharing.flatMap((store) => locationsIn(image, store, stores).map(({ url }) => ({ store, url })));
		if (places.length === 0) return undefined;
		const readers = readersOf(image);
		const text = JSON.stringify([image.owner, readers, places.map(({ store, url }) => [store.id, url])]);
		return { readers, places, text };
	}

	async function tell(id: ImageId, signal: AbortSignal): Promise<void> {
		const word = wordOf(id);
		if (word === undefined) return void told.delete(id);
		for (const { store, url } of word.places) await share(store, url, word.readers, signal);
		if (told.size >= MAX_TOLD) told.clear();
		told.set(id, word.text);
	}

	function add(id: ImageId): void {
		if (wordOf(id)?.text !== told.get(id)) queue.add(id);
	}

	return {
		async start() {
			if (sharing.length === 0) return;
			stop = catalogue.follow(({ images }) => {
				for (const id of images) add(id);
			});
			for (const status of LYING) for await (const { id } of catalogue.imagesIn(status)) add(id);
		},
		async [Symbol.asyncDispose]() {
			stop();
			await queue[Symbol.asyncDispose]();
		},
	};
}

/** With bytes at places. */
const LYING: readonly Image['status'][] = ['active', 'deactivated'];

/** A place that is gone, or that a client gave and this store cannot share, is nobody's to read there. */
async function share(store: SharingStore, url: string, readers: ReturnType<typeof readersOf>, signal: AbortSignal) {
	try {
		await store.share(url, readers, { signal });
	} catch (error) {
		if (codeOf(error) !== 'not-found' && codeOf(error) !== 'invalid') throw error;
	}
}
