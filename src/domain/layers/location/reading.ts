/** Where the bytes of a download come from: contents that this fleet knows, block by block; else the image's places as they are. */

import type { RequestContext } from '#domain/context.ts';
import type { ByteRange, Download, DownloadWish } from '#domain/controller.ts';
import { codeOf, ImageError } from '#domain/errors.ts';
import type { Image, ImageId, ImageStatus } from '#domain/image.ts';
import { locationsOf } from '#domain/locations.ts';
import type { ImageStore, StoreCall, StoreLocation } from '#domain/ports/stores.ts';
import { type Location, storeCall } from './shared.ts';

export function readingVerbs({ repository, data, stores, site, log }: Location) {
	/** Best first. `invalid` for a preferred store that is not there. */
	function placesOf(image: Image, prefer: readonly string[]): readonly StoreLocation[] {
		const rank = ({ metadata }: StoreLocation) => {
			const at = prefer.indexOf(String(metadata.store));
			return at === -1 ? prefer.length : at;
		};
		return locationsOf(image, stores).toSorted((a, b) => rank(a) - rank(b));
	}

	/** From the first place that opens: what it has given stands, so that nobody else can go on after it. */
	async function* readPlaces(
		ctx: RequestContext,
		image: Image,
		places: readonly StoreLocation[],
		range: ByteRange,
		signal: AbortSignal,
	) {
		if (range.start === range.end) return;
		let last: unknown = new ImageError('unavailable', `none of the stores of image ${image.id} is configured here`);
		for (const place of places) {
			const store = stores.ofLocation(place);
			if (store === undefined) continue;
			const whole = range.start === 0 && range.end === image.size;
			let begun = false;
			try {
				for await (const chunk of readPlace(store, place.url, whole ? 'whole' : range, { ...storeCall(ctx), signal })) {
					begun = true;
					yield chunk;
				}
				return;
			} catch (error) {
				if (begun || signal.aborted) throw error;
				log.warn({ err: error, image: image.id, store: store.id }, 'a place of an image cannot be read; the next one is tried');
				last =
					codeOf(error) === 'not-found' ? new ImageError('unavailable', `store ${store.id} has lost image ${image.id}`) : error;
			}
		}
		throw last;
	}

	return {
		async download(ctx: RequestContext, id: ImageId, { prefer = [] }: DownloadWish = {}): Promise<Download> {
			const unknown = prefer.find((store) => store !== site && stores.find(store) === undefined);
			if (unknown !== undefined) throw new ImageError('invalid', `there is no store ${unknown}`);
			const image = await repository.get(id);
			const { content, size } = image;
			const places = content === null ? placesOf(image, prefer) : [];
			if (READABLE[image.status] === 'nothing' || (content === null && (places.length === 0 || size === null)))
				return { image, size: null, read: nothing };
			if (READABLE[image.status] === 'admins' && !ctx.admin)
				throw new ImageError('forbidden', `image ${id} is deactivated; its data can be downloaded by administrators only`);
			if (content === null) return { image, size, read: (range, { signal }) => readPlaces(ctx, image, places, range, signal) };
			return { image, size: content.size, read: (range, { signal }) => data.read(content, range, { signal }) };
		},
		/** All bytes of an image whose places alone are known. */
		readPlaces: (ctx: RequestContext, image: Image) =>
			readPlaces(ctx, image, placesOf(image, []), { start: 0, end: image.size ?? 0 }, ctx.signal),
	};
}

/** Where parts cannot be had, what lies before is read for nothing: nobody knows what verifies it, so none of it is kept. */
async function* readPlace(
	store: ImageStore,
	url: string,
	range: ByteRange | 'whole',
	call: StoreCall,
): AsyncGenerator<Uint8Array> {
	try {
		return yield* store.get(url, range, call);
	} catch (error) {
		if (codeOf(error) !== 'whole-only' || range === 'whole') throw error;
	}
	let position = 0;
	for await (const chunk of store.get(url, 'whole', call)) {
		const wanted = chunk.subarray(Math.max(0, range.start - position), range.end - position);
		position += chunk.length;
		if (wanted.length > 0) yield wanted;
		if (position >= range.end) return;
	}
	throw new ImageError('unavailable', `store ${store.id}: the object ended before its end`);
}

/** Who may read the data of an image, by its status. */
const READABLE: Readonly<Record<ImageStatus, 'everybody' | 'admins' | 'nothing'>> = {
	queued: 'nothing',
	saving: 'nothing',
	uploading: 'nothing',
	importing: 'nothing',
	active: 'everybody',
	deactivated: 'admins',
	killed: 'nothing',
	pending_delete: 'nothing',
	deleted: 'nothing',
};

async function* nothing(): AsyncGenerator<Uint8Array> {}
