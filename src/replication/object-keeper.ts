/**
 * Keeps stores free of objects that no record names: of images that were deleted, wherever, while a store or this node was
 * down, of uploads and imports that a crash cut short, and of those that failed together with the way to their store. What
 * is ours there, the notes say (image-objects.ts). docs/decisions/0015-stores.md
 */
import type { Image, ImageId } from '#domain/image.ts';
import { IMPORTING } from '#domain/import-request.ts';
import { locationsIn } from '#domain/locations.ts';
import type { Catalogue } from '#domain/ports/catalogue.ts';
import type { ImageObjects } from '#domain/ports/image-objects.ts';
import type { ImageStore, ImageStores } from '#domain/ports/stores.ts';
import type { Log } from '#lib/log.ts';
import { createBackoffQueue } from './backoff-queue.ts';

export interface ObjectKeeper extends AsyncDisposable {
	/** Looks at every note once, and follows records from then on. */
	start(): Promise<void>;
	/** An attempt to put has failed and may have left something: it is looked at now, and until it is gone or named. */
	look(id: ImageId, store: ImageStore): void;
}

export interface ObjectKeeperOptions {
	readonly catalogue: Catalogue;
	readonly objects: ImageObjects;
	readonly stores: ImageStores;
	/** A seeder fills this store: whatever of a live image it finds there, it takes for its own. */
	isSeeded(store: ImageStore): boolean;
	readonly log: Log;
	readonly firstDelayMs?: number;
}

const AT_ONCE = 2;

export function createObjectKeeper(options: ObjectKeeperOptions): ObjectKeeper {
	const { catalogue, objects, stores, isSeeded, log, firstDelayMs } = options;
	const queue = createBackoffQueue<ImageId>({ atOnce: AT_ONCE, work: attend, log, ...(firstDelayMs && { firstDelayMs }) });
	const writable = stores.all.filter(({ readOnly }) => !readOnly);
	/** `<store>/<image>`: left by an attempt that is over, also where the image is active. */
	const left = new Set<string>();
	let stop = () => {};

	/** A store that is down holds up no other one. */
	async function attend(id: ImageId, signal: AbortSignal): Promise<void> {
		const outcomes = await Promise.allSettled(
			writable.map(async (store) => {
				if (isStray(id, store)) {
					// also when the image gets its bytes elsewhere while this store is away
					left.add(pair(id, store));
					await objects.remove(id, store, { signal });
				}
				if (isNamed(id, store) || !objects.isNoted(id, store)) left.delete(pair(id, store));
			}),
		);
		for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
	}

	/** Nobody names the object, and nobody is about to. */
	function isStray(id: ImageId, store: ImageStore): boolean {
		if (!objects.isNoted(id, store)) return false;
		const image = catalogue.image(id);
		if (image === undefined) return true;
		if (isNamed(id, store) || isComing(image, store)) return false;
		return image.status === 'queued' || left.has(pair(id, store));
	}

	function isNamed(id: ImageId, store: ImageStore): boolean {
		const image = catalogue.image(id);
		return image !== undefined && locationsIn(image, store, stores).length > 0;
	}

	function isComing({ id, status, properties }: Image, store: ImageStore): boolean {
		const importing = properties[IMPORTING] ?? '';
		if (status === 'queued') return importing !== '';
		if (!SETTLED.has(status) || importing.split(',').includes(store.id)) return true;
		return isSeeded(store) && !objects.isDeclined(id, store);
	}

	function look(id: ImageId, store: ImageStore): void {
		left.add(pair(id, store));
		queue.add(id);
	}

	return {
		async start() {
			stop = catalogue.follow(({ images }) => {
				for (const id of images) if (writable.some((store) => left.has(pair(id, store)) || isStray(id, store))) queue.add(id);
			});
			for (const store of writable)
				for await (const id of objects.noted(store)) {
					left.add(pair(id, store));
					if (isStray(id, store)) queue.add(id);
					else left.delete(pair(id, store));
				}
		},
		look,
		async [Symbol.asyncDispose]() {
			stop();
			await queue[Symbol.asyncDispose]();
		},
	};
}

/** Nothing is put for such an image but by an import that is noted in its record. */
const SETTLED: ReadonlySet<Image['status']> = new Set(['active', 'deactivated']);

function pair(id: ImageId, store: ImageStore): string {
	return `${store.id}/${id}`;
}
