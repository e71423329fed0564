/**
 * Keeps stores free of objects that no record names: of images that were deleted, wherever, while a store or this node was
 * down, and of uploads and imports that a crash cut short. What is ours there, the notes say (image-objects.ts).
 */
import type { Image, ImageId } from '#domain/image.ts';
import { IMPORTING } from '#domain/import-request.ts';
import type { Catalogue } from '#domain/ports/catalogue.ts';
import type { ImageObjects } from '#domain/ports/image-objects.ts';
import type { ImageStore, ImageStores } from '#domain/ports/stores.ts';
import type { Log } from '#lib/log.ts';
import { createBackoffQueue } from './backoff-queue.ts';

export interface ObjectKeeper extends AsyncDisposable {
	/** Looks at every note once, and follows deletions from then on. */
	start(): Promise<void>;
}

export interface ObjectKeeperOptions {
	readonly catalogue: Catalogue;
	readonly objects: ImageObjects;
	readonly stores: ImageStores;
	/** peer id of this very node */
	readonly node: string;
	readonly log: Log;
}

const AT_ONCE = 2;

export function createObjectKeeper({ catalogue, objects, stores, node, log }: ObjectKeeperOptions): ObjectKeeper {
	const queue = createBackoffQueue<ImageId>({ atOnce: AT_ONCE, work: attend, log });
	let stop = () => {};

	async function attend(id: ImageId, signal: AbortSignal): Promise<void> {
		for (const store of stores.all)
			if (!store.readOnly && isStray(catalogue.image(id), store)) await objects.remove(id, store, { signal });
	}

	/** Nobody names the object, and nobody is about to. */
	function isStray(image: Image | undefined, store: ImageStore): boolean {
		if (image === undefined) return true;
		if (image.copies.some((copy) => copy.store === store.id && copy.node === node)) return false;
		return image.status === 'queued' && (image.properties[IMPORTING] ?? '') === '';
	}

	return {
		async start() {
			stop = catalogue.follow(({ images }) => {
				for (const id of images) if (catalogue.image(id) === undefined) queue.add(id);
			});
			for (const store of stores.all)
				if (!store.readOnly) for await (const id of objects.noted(store)) if (isStray(catalogue.image(id), store)) queue.add(id);
		},
		async [Symbol.asyncDispose]() {
			stop();
			await queue[Symbol.asyncDispose]();
		},
	};
}
