/** Places of bytes as clients give them. Image API v2, "Add location" and the `locations` of "Update image". */
import { ImageError } from './errors.ts';
import type { ImageStore, ImageStores, StoreLocation } from './ports/stores.ts';

export interface GivenLocation extends StoreLocation {
	readonly validation?: ValidationData;
}

/** What is said of the bytes there. */
export interface ValidationData {
	/** md5, hex */
	readonly checksum?: string;
	/** Node's name of the digest */
	readonly hashAlgorithm: string;
	/** hex */
	readonly hashValue: string;
}

/** As it is kept: a secret in it is nobody's to read, and the store has its own. */
export function asKept<Given extends StoreLocation>(given: Given, stores: Pick<ImageStores, 'ofLocation'>): Given {
	const store = stores.ofLocation(given);
	return store === undefined ? given : { ...given, url: store.bare(given.url) };
}

/** hex digits of the digests that may be announced */
const DIGITS: Readonly<Record<string, number>> = { md5: 32, sha1: 40, sha256: 64, sha384: 96, sha512: 128 };

/** `invalid` for a digest that is none of its algorithm's. */
export function assertDigest({ hashAlgorithm, hashValue }: ValidationData): void {
	const digits = Object.hasOwn(DIGITS, hashAlgorithm) ? DIGITS[hashAlgorithm] : undefined;
	if (digits === undefined) throw new ImageError('invalid', `os_hash_algo must be one of ${Object.keys(DIGITS).join(', ')}`);
	if (hashValue.length !== digits)
		throw new ImageError('invalid', `os_hash_value must be ${digits} hexadecimal digits for ${hashAlgorithm}`);
}

/** They name files of this machine, or accounts of its operator. */
const RESTRICTED: ReadonlySet<string> = new Set(['file', 'filesystem', 'swift+config']);

/** The store of a place that a client names, or `invalid`: nobody reads a place of no store, nor one that is an operator's own. */
export function storeOfGiven({ url, metadata }: StoreLocation, stores: Pick<ImageStores, 'ofLocation'>): ImageStore {
	const scheme = /^([a-z][a-z0-9+.-]*):\/\//.exec(url)?.[1];
	if (scheme === undefined || /[\s\\]/.test(url)) throw new ImageError('invalid', 'the URL of a location must be one of a store');
	if (RESTRICTED.has(scheme)) throw new ImageError('invalid', `locations of scheme ${scheme} cannot be given`);
	const store = stores.ofLocation({ url, metadata });
	if (store === undefined || !store.schemes.includes(scheme))
		throw new ImageError('invalid', `no store here has locations of scheme ${scheme}`);
	return store;
}
