/**
 * The domain controller: seven layers, and one that tells the cache, from the outside in, each a function from one record
 * of verbs to another.
 * Built once at start; who asks travels with every call. docs/decisions/0005-onion-of-functions.md
 *
 * To add a layer: one file in layers/, one line in the list below.
 */
import type { Log } from '#lib/log.ts';
import type { ImageController } from './controller.ts';
import { type GuardOf, type LayerOf, layered } from './layered.ts';
import { authorisation } from './layers/authorisation.ts';
import { caching } from './layers/caching.ts';
import { database } from './layers/database.ts';
import { location } from './layers/location/location.ts';
import { notification } from './layers/notifier.ts';
import { decision } from './layers/policy.ts';
import { propertyProtection } from './layers/property-protection.ts';
import { quota } from './layers/quota.ts';
import { type Arrivals, anyArrival } from './ports/arrivals.ts';
import type { Catalogue } from './ports/catalogue.ts';
import type { EncryptionKeys } from './ports/encryption-keys.ts';
import type { ImageCache } from './ports/image-cache.ts';
import type { ImageData } from './ports/image-data.ts';
import type { ImageObjects } from './ports/image-objects.ts';
import type { Notifier } from './ports/notifier.ts';
import type { Policy } from './ports/policy.ts';
import type { PropertyProtections } from './ports/property-protections.ts';
import type { Quota } from './ports/quota.ts';
import type { ImageStores } from './ports/stores.ts';

export type Layer = LayerOf<ImageController>;
export type Guard = GuardOf<ImageController>;

export interface OnionParts {
	readonly catalogue: Catalogue;
	readonly data: ImageData;
	readonly stores: ImageStores;
	readonly objects: ImageObjects;
	/** absent: bytes of any kind pass */
	readonly arrivals?: Arrivals;
	/** absent: keys of deleted images stay */
	readonly keys?: EncryptionKeys;
	/** deleted images keep their data until a scrub; default false */
	readonly delayedDelete?: boolean;
	readonly policy: Policy;
	readonly notifier: Notifier;
	readonly quota: Quota;
	/** Node's name of the digest that becomes `os_hash_value`: sha512 */
	readonly hashAlgorithm: string;
	/** name of this node's site */
	readonly site: string;
	/** sites are among the stores that clients are told of; default true */
	readonly sitesShown?: boolean;
	/** UTC milliseconds */
	readonly clock: () => number;
	readonly log: Log;
	/** absent: custom properties are not protected */
	readonly protections?: PropertyProtections;
	/** told of what clients read; absent: nobody is */
	readonly cache?: Pick<ImageCache, 'asked'>;
}

export function buildImageController(parts: OnionParts): ImageController {
	const {
		catalogue,
		policy,
		notifier,
		quota: room,
		clock,
		protections,
		cache,
		arrivals = anyArrival,
		delayedDelete = false,
		sitesShown = true,
	} = parts;
	const repository = database(catalogue);
	const layers: readonly (Layer | Guard)[] = [
		authorisation(repository),
		propertyProtection(repository, protections),
		notification(repository, notifier, clock),
		decision(repository, policy),
		quota(repository, room),
		caching(cache),
	];
	return layered(location({ ...parts, repository, arrivals, delayedDelete, sitesShown }), layers);
}
