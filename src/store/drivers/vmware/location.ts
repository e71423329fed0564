/** Locations as Glance writes them: `vsphere://<host>/folder/<dir>/<image id>?dsName=<datastore>&dcPath=<datacenter>`. */
import { isIPv6 } from 'node:net';
import { ImageError } from '#domain/errors.ts';
import type { FilePlace } from './folder.ts';

export const KEY = /^[0-9A-Za-z][0-9A-Za-z-]{0,63}$/;
const PREFIX = 'vsphere://';

export interface Locations {
	write(place: Omit<FilePlace, 'path'>, key: string): string;
	/** `invalid` for one of another server, folder or datastore: a location is data from a record, not a path to trust. */
	read(location: string): FilePlace;
}

export interface LocationsOptions {
	/** with its port, as configured */
	readonly host: string;
	/** without slashes around it */
	readonly dir: string;
	readonly places: readonly Omit<FilePlace, 'path'>[];
}

export function createLocations({ host, dir, places }: LocationsOptions): Locations {
	const authority = isIPv6(host) ? `[${host}]` : host;
	const steps = `/folder/${dir.split('/').map(encodeURIComponent).join('/')}/`;
	return {
		write: ({ datacenter, datastore }, key) =>
			`${PREFIX}${authority}${steps}${key}?${new URLSearchParams({ dsName: datastore, dcPath: datacenter })}`,
		read(location) {
			const { hostname, path, query } = split(location);
			if (hostname.toLowerCase() !== authority.toLowerCase()) throw notOurs('another server');
			const key = path.startsWith(steps) ? path.slice(steps.length) : '';
			if (!KEY.test(key)) throw notOurs('another folder');
			const named = new URLSearchParams(query);
			const place = places.find(
				({ datacenter, datastore }) =>
					datastore === named.get('dsName') && trimmed(datacenter) === trimmed(named.get('dcPath') ?? datacenter),
			);
			if (place === undefined) throw notOurs('a datastore that is not configured');
			return { ...place, path: `${dir}/${key}` };
		},
	};
}

function split(location: string) {
	const matched = /^vsphere:\/\/([^/?#]*)(\/[^?#]*)\?([^#]*)$/i.exec(location);
	if (matched === null) throw new ImageError('invalid', 'the location is no vsphere://server/folder/…?dsName=…&dcPath=…');
	return { hostname: matched[1]!, path: matched[2]!, query: matched[3]! };
}

const trimmed = (path: string) => path.replace(/^\/+|\/+$/g, '');

function notOurs(where: string): ImageError {
	return new ImageError('invalid', `the location is not one of this store: ${where}`);
}
