/** `rbd://<fsid>/<pool>/<image>/<snapshot>`, each percent-encoded; and Glance's old `rbd://<image>`. */
import { ImageError } from '#domain/errors.ts';

export interface RbdPlace {
	readonly image: string;
	/** undefined: the image's head */
	readonly snapshot: string | undefined;
}

export interface Home {
	readonly fsid: string;
	readonly pool: string;
}

export function locationOf({ fsid, pool }: Home, image: string, snapshot: string): string {
	return `rbd://${[fsid, pool, image, snapshot].map(encoded).join('/')}`;
}

/** `invalid` for what is not a location, or one of another cluster or pool. */
export function placeOf({ fsid, pool }: Home, location: string): RbdPlace {
	const parts = /^rbd:\/\/(.+)$/s.exec(location)?.[1]?.split('/').map(decoded) ?? [];
	if (parts.some((part) => part === undefined || !/^[^\0@]{1,255}$/s.test(part))) throw noLocation();
	const [first = '', itsPool, image = '', snapshot] = parts as readonly string[];
	if (parts.length === 1) return { image: first, snapshot: undefined };
	if (parts.length !== 4) throw noLocation();
	if (first !== fsid) throw new ImageError('invalid', 'the location is one of another Ceph cluster');
	if (itsPool !== pool) throw new ImageError('invalid', 'the location is one of another pool');
	return { image, snapshot };
}

function noLocation(): ImageError {
	return new ImageError('invalid', 'the location is none of an image in Ceph');
}

function encoded(part: string): string {
	return encodeURIComponent(part).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

function decoded(part: string): string | undefined {
	try {
		return decodeURIComponent(part);
	} catch {
		return undefined;
	}
}
