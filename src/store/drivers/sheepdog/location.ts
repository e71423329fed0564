/** Locations as Glance's former driver writes them: `sheepdog://<address>:<port>:<image>`, and its older `sheepdog://<image>`. */
import { ImageError } from '#domain/errors.ts';

const PREFIX = 'sheepdog://';
const KEY = /^[0-9A-Za-z][0-9A-Za-z-]{0,63}$/;

export interface Cluster {
	readonly address: string;
	readonly port: number;
}

export function writeLocation({ address, port }: Cluster, key: string): string {
	if (!KEY.test(key)) throw new ImageError('invalid', 'object keys are image ids');
	return `${PREFIX}${address}:${port}:${key}`;
}

/** The image's name; `invalid` for another cluster's. */
export function readLocation({ address, port }: Cluster, location: string): string {
	const rest = location.startsWith(PREFIX) ? location.slice(PREFIX.length) : '';
	const own = `${address}:${port}:`;
	const key = rest.startsWith(own) ? rest.slice(own.length) : rest;
	if (!KEY.test(key)) throw new ImageError('invalid', 'the location is not one of this store');
	return key;
}
