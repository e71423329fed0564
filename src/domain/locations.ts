/** Where the bytes of an image are in its stores: a secret of the cloud's, told by the rule `get_image_location` alone. */
import type { RequestContext } from './context.ts';
import type { Image } from './image.ts';
import { policyTarget } from './policy-target.ts';
import type { Policy } from './ports/policy.ts';
import type { ImageStore, ImageStores, StoreLocation } from './ports/stores.ts';

/** The best place first. */
export type LocationsOf = (ctx: RequestContext, image: Image) => readonly StoreLocation[];

/** Nothing for those who may not know, and of a deactivated image nothing for anybody but administrators. */
export function locationsFor(policy: Pick<Policy, 'allows'>, stores: Pick<ImageStores, 'find' | 'ofLocation'>): LocationsOf {
	return (ctx, image) => {
		if (image.status === 'deactivated' && !ctx.admin) return [];
		const places = locationsOf(image, stores);
		return places.length > 0 && policy.allows(ctx, 'get_image_location', policyTarget(ctx, image)) ? places : [];
	};
}

/** All places of an image's bytes: those of heavier stores first, equal ones in the order that they came. */
export function locationsOf(image: Image, stores: Pick<ImageStores, 'find' | 'ofLocation'>): readonly StoreLocation[] {
	const stored = image.copies.flatMap(({ kind, store, url, metadata }) =>
		kind === 'backend' && url !== undefined ? [{ url, metadata: { ...metadata, store } }] : [],
	);
	const all = [...image.locations, ...stored];
	const known = new Map(all.toReversed().map((location) => [location.url, location]));
	const weight = (location: StoreLocation) => stores.ofLocation(location)?.weight ?? 0;
	return [...new Set(all.map(({ url }) => url))]
		.map((url) => known.get(url) as StoreLocation)
		.toSorted((a, b) => weight(b) - weight(a));
}

/** The places of an image in one store. */
export function locationsIn(
	image: Image,
	store: ImageStore,
	stores: Pick<ImageStores, 'find' | 'ofLocation'>,
): readonly StoreLocation[] {
	return locationsOf(image, stores).filter((location) => stores.ofLocation(location) === store);
}
