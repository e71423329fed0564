/**
 * Letting go: of an image, or of its copy in one store. A store may refuse, while something is made of its object; so its
 * objects go before the record does, under a status that says that the image is on its way out, and its encryption key goes
 * last. What a crash leaves under that status, and what was deleted with delay, the scrubber ends.
 */

import type { RequestContext } from '#domain/context.ts';
import { codeOf, ImageError } from '#domain/errors.ts';
import { assertFollows, contentsOf, type Image, type ImageId } from '#domain/image.ts';
import { locationsIn, locationsOf } from '#domain/locations.ts';
import type { ImageOp } from '#domain/ports/image-repository.ts';
import type { ImageStore, StoreCall } from '#domain/ports/stores.ts';
import { keyDropping } from './encryption-key.ts';
import { type Location, storeCall } from './shared.ts';
import { isShownSite } from './targets.ts';

export function removingVerbs(parts: Location) {
	const { repository, change, actOn, data, stores, objects, release, site, sitesShown, delayedDelete, log } = parts;
	const dropKey = keyDropping(parts);

	/** Takes the image's objects out of every store of this node. `conflict` while something depends on one. */
	async function empty(image: Image, call: StoreCall): Promise<void> {
		for (const location of locationsOf(image, stores)) {
			const store = stores.ofLocation(location);
			if (store === undefined)
				log.warn({ image: image.id }, 'a place of a deleted image is in a store that is not configured here');
			else if (store.removable) await removeAt(() => store.remove(location.url, call));
		}
		for (const store of stores.all) await objects.remove(image.id, store, call);
	}

	/** The image as it was at its end. */
	async function bury(id: ImageId): Promise<Image> {
		const removed = await actOn(id, (image) => async () => {
			await repository.remove(image);
			return image;
		});
		for (const { root } of contentsOf(removed)) await release(root);
		return removed;
	}

	/** Its key after it: until then a store can still refuse, and an operator can have the image back. */
	async function end(ctx: RequestContext, id: ImageId): Promise<void> {
		await dropKey(ctx, await bury(id));
	}

	/** Of an image that is on its way out already, and that the scrubber may have ended meanwhile. */
	async function endEmptied(ctx: RequestContext, image: Image): Promise<void> {
		const removed = await bury(image.id).catch((error: unknown) => {
			if (codeOf(error) !== 'not-found') throw error;
			return image;
		});
		await dropKey(ctx, removed);
	}

	/**
	 * Who imports finds no image and takes out what was on its way; what had come already goes here. Places that a client gave are
	 * not the image's before it is active.
	 */
	async function cancel(ctx: RequestContext, image: Image): Promise<void> {
		const removed = await bury(image.id);
		const done = new Set(image.copies.map(({ store }) => store));
		for (const store of stores.all.filter(({ id }) => done.has(id)))
			await objects.remove(image.id, store, storeCall(ctx)).catch((error: unknown) => {
				log.warn({ err: error, image: image.id, store: store.id }, 'an object of a deleted image is removed later');
				objects.leave(image.id, store);
			});
		await dropKey(ctx, removed);
	}

	/** As it was before somebody tried to delete it. */
	async function revive(id: ImageId, status: Image['status']): Promise<void> {
		await change(id, () => [{ type: 'image.status', id, status: 'active' }]);
		if (status === 'deactivated') await change(id, () => [{ type: 'image.status', id, status }]);
	}

	async function remove(ctx: RequestContext, id: ImageId): Promise<void> {
		const image = await repository.get(id);
		if (image.protected) throw new ImageError('forbidden', `image ${id} is protected and cannot be deleted`);
		if (image.status === 'importing') return cancel(ctx, image);
		const isStored = locationsOf(image, stores).length > 0;
		if (image.content === null && !isStored) return end(ctx, id);
		if (!isStored && !delayedDelete) return end(ctx, id);
		let before: Image['status'] = image.status;
		await change(id, (latest) => {
			if (latest.protected) throw new ImageError('forbidden', `image ${id} is protected and cannot be deleted`);
			before = latest.status;
			assertFollows(latest.status, 'pending_delete');
			return [{ type: 'image.status', id, status: 'pending_delete' }];
		});
		if (delayedDelete) return;
		try {
			await empty(image, storeCall(ctx));
		} catch (error) {
			// A store that is down does not keep an image alive: the scrubber comes again.
			if (codeOf(error) !== 'conflict' && codeOf(error) !== 'forbidden') {
				log.warn({ err: error, image: id }, 'a deleted image waits for its store');
				return;
			}
			await revive(id, before);
			throw error;
		}
		await endEmptied(ctx, image);
	}

	/** Clients must go on seeing where an image is: the last store that they are told of is not left. */
	function assertIsElsewhere(image: Image, store?: ImageStore): void {
		const isAtSite = store !== undefined && sitesShown && data.presence(image.content?.root ?? '') === 'complete';
		if (!isAtSite && locationsOf(image, stores).every((location) => stores.ofLocation(location) === store))
			throw new ImageError('forbidden', `store ${store?.id ?? site} is the last one that has image ${image.id}`);
	}

	async function removeFromStore(ctx: RequestContext, id: ImageId, storeId: string): Promise<Image> {
		const store = stores.find(storeId);
		if (store === undefined && !isShownSite(parts, storeId)) throw new ImageError('conflict', `there is no store ${storeId}`);
		const image = await repository.get(id);
		if (image.status !== 'active') throw new ImageError('conflict', `image ${id} is ${image.status}; it must be active`);
		const here = store === undefined ? [] : locationsIn(image, store, stores);
		const isHere =
			store === undefined ? image.copies.some((copy) => copy.kind === 'site' && copy.store === site) : here.length > 0;
		if (!isHere) throw new ImageError('not-found', `image ${id} is not in store ${storeId}`);
		if (store === undefined) return leaveSite(image);
		// Nobody may rely on what is about to go; an object that stays is said again.
		const left = await change(id, (latest) => {
			assertIsElsewhere(latest, store);
			return withoutStore(
				latest,
				here.map(({ url }) => url),
				storeId,
			);
		});
		try {
			for (const { url } of here) if (store.removable) await removeAt(() => store.remove(url, storeCall(ctx)));
			await objects.decline(id, store, storeCall(ctx));
			return left;
		} catch (error) {
			await change(id, () => [
				...image.copies
					.filter((copy) => copy.store === storeId && copy.kind === 'backend')
					.map(({ node: _, ...copy }): ImageOp => ({ type: 'copy.add', id, ...copy })),
				...(image.locations.length > 0 ? [{ type: 'image.locations', id, locations: image.locations } as const] : []),
			]);
			throw error;
		}
	}

	async function leaveSite(image: Image): Promise<Image> {
		const left = await change(image.id, (latest) => {
			assertIsElsewhere(latest);
			return [{ type: 'copy.drop', id: latest.id, store: site }];
		});
		if (image.content !== null) await data.hollow(image.content);
		return left;
	}

	return {
		remove,
		removeFromStore,
		/** Ends a deletion that was delayed or cut short. */
		async scrub(ctx: RequestContext, id: ImageId): Promise<void> {
			const image = await repository.get(id);
			if (image.status !== 'pending_delete')
				throw new ImageError('conflict', `image ${id} is ${image.status} and not to be scrubbed`);
			await empty(image, storeCall(ctx));
			await end(ctx, id);
		},
	};
}

function withoutStore(image: Image, urls: readonly string[], store: string): readonly ImageOp[] {
	const { id } = image;
	const locations = image.locations.filter(({ url }) => !urls.includes(url));
	return [
		...(image.copies.some((copy) => copy.store === store) ? [{ type: 'copy.drop', id, store } as const] : []),
		...(locations.length < image.locations.length ? [{ type: 'image.locations', id, locations } as const] : []),
	];
}

async function removeAt(remove: () => Promise<void>): Promise<void> {
	try {
		await remove();
	} catch (error) {
		if (codeOf(error) !== 'not-found') throw error;
	}
}
