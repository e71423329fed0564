/**
 * Places that clients give: bytes that are there already become an image's, without being copied. They are believed as
 * little as any others: the store must know them, and where digests were promised, or the operator wants them known, all of
 * them are read before, or soon after, the image is active.
 */

import type { RequestContext } from '#domain/context.ts';
import type { ImportPlan } from '#domain/controller.ts';
import { codeOf, ImageError } from '#domain/errors.ts';
import { asKept, assertDigest, type GivenLocation, storeOfGiven, type ValidationData } from '#domain/given-location.ts';
import { assertReadyForData, type Image, type ImageChange, type ImageId, isLocationChange } from '#domain/image.ts';
import { applyChanges, updateBetween } from '#domain/image-changes.ts';
import { IMPORT_TASK } from '#domain/import-request.ts';
import { locationsOf } from '#domain/locations.ts';
import type { ImageOp } from '#domain/ports/image-repository.ts';
import type { StoreLocation } from '#domain/ports/stores.ts';
import { assertUnheld } from './importing.ts';
import { type Location, storeCall } from './shared.ts';
import { naming } from './taking.ts';

export function placingVerbs(parts: Location, readPlaces: (ctx: RequestContext, image: Image) => AsyncIterable<Uint8Array>) {
	const { change, data, stores, repository, hashAlgorithm, site, log } = parts;

	/** bytes; `invalid` for a place where there are none */
	async function statLocation(ctx: RequestContext, _id: ImageId, location: StoreLocation): Promise<number> {
		const store = storeOfGiven(location, stores);
		try {
			const { size } = await store.stat(store.bare(location.url), storeCall(ctx));
			if (size > 0) return size;
		} catch (error) {
			if (ctx.signal.aborted) throw error;
			throw new ImageError('invalid', `the location cannot be read: ${codeOf(error) ?? 'failed'}`, { cause: error });
		}
		throw new ImageError('invalid', `store ${store.id} has no bytes at the location`);
	}

	/** With the id of its store, whatever the client knew of that. */
	function known({ url, metadata }: StoreLocation): StoreLocation {
		return { url, metadata: { ...metadata, store: storeOfGiven({ url, metadata }, stores).id } };
	}

	/** What the image's places become, or the first error that Glance would give. */
	function moved(image: Image, changes: readonly ImageChange[]): readonly GivenLocation[] {
		let places: readonly GivenLocation[] = locationsOf(image, stores);
		for (const each of changes) {
			if ('addLocation' in each) places = added(places, asKept(each.addLocation, stores), each.at);
			if ('dropLocation' in each) places = dropped(image, places, each.dropLocation);
			if ('setLocations' in each)
				places = replaced(
					places,
					each.setLocations.map((place) => asKept(place, stores)),
				);
		}
		return places;
	}

	async function relocate(ctx: RequestContext, id: ImageId, changes: readonly ImageChange[]): Promise<Image> {
		const image = await repository.get(id);
		if (image.status !== 'active' && image.status !== 'queued')
			throw new ImageError(
				'conflict',
				`image ${id} is ${image.status}; its locations can be changed only while it is active or queued`,
			);
		const before = locationsOf(image, stores);
		const after = moved(image, changes);
		const fresh = after.filter(({ url }) => !before.some((place) => place.url === url));
		let { size } = image;
		for (const place of fresh) {
			const found = await statLocation(ctx, id, place);
			if (size !== null && found !== size) throw new ImageError('invalid', `the location has ${found} bytes, the image ${size}`);
			size = found;
		}
		const gone = before.filter(({ url }) => !after.some((place) => place.url === url));
		const changed = await change(id, (latest) => {
			if (latest.revision !== image.revision && latest.status !== image.status)
				throw new ImageError('conflict', `image ${id} became ${latest.status} meanwhile`);
			const rest = changes.filter((each) => !isLocationChange(each));
			const op = updateBetween(latest, applyChanges(latest, rest));
			return [...(op === undefined ? [] : [op]), ...placeOps(latest, after, gone), ...vouching(latest, fresh, size)];
		});
		for (const place of gone) await drop(ctx, id, place);
		return changed;
	}

	/** Backends' own objects stay copies; everything else is a client's. */
	function placeOps(image: Image, after: readonly StoreLocation[], gone: readonly StoreLocation[]): readonly ImageOp[] {
		const { id } = image;
		const copies = image.copies.filter(({ url }) => url !== undefined);
		const given = after.filter(({ url }) => !copies.some((copy) => copy.url === url)).map(known);
		return [
			...copies
				.filter(({ url }) => gone.some((place) => place.url === url))
				.map(({ store }): ImageOp => ({ type: 'copy.drop', id, store })),
			{ type: 'image.locations', id, locations: given },
		];
	}

	/** The first place of a queued image makes it active. */
	function vouching(image: Image, fresh: readonly GivenLocation[], size: number | null): readonly ImageOp[] {
		const [first] = fresh;
		if (first === undefined || size === null) return [];
		assertAgrees(image, first.validation);
		if (first.validation !== undefined) assertDigest(first.validation);
		if (image.status !== 'queued') return [];
		assertReadyForData(image);
		return [vouch(image.id, size, first.validation)];
	}

	/** The bytes of a place that an image loses go, as in Glance. */
	async function drop(ctx: RequestContext, id: ImageId, place: StoreLocation): Promise<void> {
		const store = stores.ofLocation(place);
		if (store?.removable !== true) return;
		await store.remove(place.url, storeCall(ctx)).catch((error: unknown) => {
			if (codeOf(error) !== 'not-found')
				log.warn({ err: error, image: id, store: store.id }, 'bytes stay at a place that an image has lost');
		});
	}

	/** Bytes that only services may name are anybody's that lie on the web. */
	function assertMayGive(ctx: RequestContext, { url }: StoreLocation): void {
		if (ctx.admin || ctx.roles.includes('service') || /^https?:\/\//.test(url)) return;
		throw new ImageError('forbidden', 'only services can add locations of other schemes than http and https');
	}

	async function beginLocation(ctx: RequestContext, id: ImageId, location: GivenLocation, plan: ImportPlan): Promise<Image> {
		assertMayGive(ctx, location);
		storeOfGiven(location, stores);
		return change(id, (image) => {
			assertUnheld(image, plan);
			if (image.status !== 'queued')
				throw new ImageError('conflict', `image ${id} is ${image.status}; a location can be added only while it is queued`);
			const waits = location.validation !== undefined && plan.hashes === true;
			return [
				...(waits ? [{ type: 'image.status', id, status: 'importing' } as const] : []),
				{ type: 'image.update', id, setProperties: { [IMPORT_TASK]: plan.task } },
			];
		});
	}

	/** Active at once, unless its bytes are to be read first. */
	async function placeLocation(ctx: RequestContext, id: ImageId, location: GivenLocation): Promise<Image> {
		const size = await statLocation(ctx, id, location);
		return change(id, (image) => {
			if (image.locations.some(({ url }) => url === location.url)) return [];
			const waits = image.status === 'importing';
			return [
				{ type: 'image.locations', id, locations: [known(location)] },
				...(waits ? [] : [vouch(id, size, location.validation)]),
			];
		});
	}

	/** Reads all bytes at the image's places: what they are is known then, and is what was said, or `conflict`. */
	async function hashLocation(ctx: RequestContext, id: ImageId, validation?: ValidationData): Promise<Image> {
		const image = await repository.get(id);
		if (image.content !== null) return image;
		const [first] = image.locations;
		if (first === undefined) throw new ImageError('conflict', `image ${id} has no location`);
		const size = image.size ?? (await statLocation(ctx, id, first));
		await using surveyed = await data.survey(readPlaces(ctx, { ...image, size }), {
			hashAlgorithm: validation?.hashAlgorithm ?? image.hashAlgorithm ?? hashAlgorithm,
			maxBytes: size,
			declaredSize: size,
			signal: ctx.signal,
		});
		if (validation !== undefined && surveyed.hashValue !== validation.hashValue)
			throw new ImageError('invalid', 'the bytes at the location are not those that were announced');
		return change(id, ({ content }) => {
			if (content !== null) return [];
			// the bytes are not at this site
			return naming(id, site, surveyed, null).filter(({ type }) => type !== 'copy.add');
		});
	}

	async function endLocation(_ctx: RequestContext, id: ImageId): Promise<Image> {
		return change(id, ({ status }) => [
			...(status === 'importing' ? [{ type: 'image.status', id, status: 'queued' } as const] : []),
			{ type: 'image.update', id, dropProperties: [IMPORT_TASK] },
		]);
	}

	return {
		relocate,
		statLocation,
		beginLocation,
		placeLocation,
		hashLocation,
		endLocation,
		listLocations: async (_ctx: RequestContext, id: ImageId) => locationsOf(await repository.get(id), stores),
	};
}

function vouch(id: ImageId, size: number, validation: ValidationData | undefined): ImageOp {
	const { checksum = null, hashAlgorithm = null, hashValue = null } = validation ?? {};
	return { type: 'image.vouch', id, size, checksum, hashAlgorithm, hashValue };
}

function assertAgrees(image: Image, validation: ValidationData | undefined): void {
	if (validation === undefined) return;
	const { checksum = image.checksum, hashAlgorithm, hashValue } = validation;
	const same = image.hashValue === null || (image.hashAlgorithm === hashAlgorithm && image.hashValue === hashValue);
	if (!same || (image.checksum !== null && image.checksum !== checksum))
		throw new ImageError('conflict', `the validation data are not those of image ${image.id}`);
}

function added(places: readonly GivenLocation[], place: GivenLocation, at: number | 'end'): readonly GivenLocation[] {
	if (places.some(({ url }) => url === place.url)) throw new ImageError('invalid', 'the location is one of the image already');
	if (at === 'end') return [...places, place];
	if (at > places.length) throw new ImageError('invalid', `there is no position ${at} among ${places.length} locations`);
	return places.toSpliced(at, 0, place);
}

function dropped(image: Image, places: readonly GivenLocation[], at: number): readonly GivenLocation[] {
	if (image.status !== 'active')
		throw new ImageError('conflict', `image ${image.id} is ${image.status}; it must be active to lose a location`);
	if (places.length <= 1) throw new ImageError('forbidden', 'the last location of an image cannot be removed');
	if (at >= places.length) throw new ImageError('invalid', `there is no position ${at} among ${places.length} locations`);
	return places.toSpliced(at, 1);
}

/** Places that are there may only get other metadata. */
function replaced(places: readonly GivenLocation[], wanted: readonly GivenLocation[]): readonly GivenLocation[] {
	const urls = new Set(wanted.map(({ url }) => url));
	if (urls.size < wanted.length) throw new ImageError('invalid', 'the locations name one place twice');
	if (wanted.length === 0) throw new ImageError('forbidden', 'the locations of an image cannot be set to an empty list');
	const isSame = places.length === urls.size && places.every(({ url }) => urls.has(url));
	if (places.length > 0 && !isSame) throw new ImageError('invalid', 'the locations of an image cannot be replaced by others');
	return wanted;
}
