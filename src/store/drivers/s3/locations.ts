/**
 * Glance's locations of S3 objects: `s3://host/bucket/key` over http, `s3+https://…` over https; `s3+http` is read too.
 * Glance Store writes the credentials into them. They are never used and never shown: the configured ones are.
 */
import { ImageError } from '#domain/errors.ts';
import type { S3Settings } from './settings.ts';

export const SCHEMES = ['s3', 's3+http', 's3+https'] as const;

/** Keys that this driver gives: image ids. */
const OWN_KEY = /^[0-9A-Za-z][0-9A-Za-z-]{0,63}$/;
/** Keys that it reads: what others have put there may be named otherwise. Nothing that a URL would be cut at or changed by. */
const ANY_KEY = /^(?!\.{1,2}$)[^/?#\\\p{Cc}]{1,255}$/u;
const LONGEST_LOCATION = 4096;

type Place = Pick<S3Settings, 'scheme' | 'host' | 'bucket'>;

export function locationOf({ scheme, host, bucket }: Place, key: string): string {
	if (!OWN_KEY.test(key)) throw new ImageError('invalid', 'object keys are image ids');
	return `${scheme}://${host}/${bucket}/${key}`;
}

/** Without the credentials; what is no location stays as it is. */
export function bareLocation(location: string): string {
	// a secret may have slashes in it
	return location.replace(/^([^:]*:\/\/).*@/s, '$1');
}

/** The key of a location in this very bucket: a location is data from a record, not a place to trust. */
export function keyOf({ host, bucket }: Place, location: string): string {
	const [scheme = '', rest, ...more] = location.length > LONGEST_LOCATION ? [] : location.split('://');
	if (rest === undefined || more.length > 0 || !SCHEMES.some((each) => each === scheme.toLowerCase()))
		throw new ImageError('invalid', 'the location is no s3, s3+http or s3+https URL');
	// a secret may have slashes in it
	const bare = rest.slice(rest.lastIndexOf('@') + 1);
	const [, place = '', key = ''] = /^(.*)\/([^/]*)$/s.exec(bare) ?? [];
	const [, at = '', inBucket = ''] = /^(.*)\/([^/]*)$/s.exec(place) ?? [];
	if (withoutDefaultPort(at) !== withoutDefaultPort(host) || inBucket !== bucket || !ANY_KEY.test(key))
		throw new ImageError('invalid', 'the location is not in the bucket of this store');
	return key;
}

function withoutDefaultPort(host: string): string {
	const [, name = '', path = ''] = /^([^/]*)(.*)$/s.exec(host.replace(/\/+$/, '')) ?? [];
	return name.toLowerCase().replace(/:(?:80|443)$/, '') + path;
}
