/** What a datastore's files are over HTTP: their addresses, and what a status of an answer means. */
import { type ErrorCode, ImageError } from '#domain/errors.ts';

/** A file of a datastore. */
export interface FilePlace {
	/** inventory path of the datacenter */
	readonly datacenter: string;
	/** the datastore's name */
	readonly datastore: string;
	/** within the datastore, without a slash at its begin */
	readonly path: string;
}

/** Path and query of a request. */
export function folderPath({ datacenter, datastore, path }: FilePlace): string {
	const steps = path.split('/').map(encodeURIComponent).join('/');
	return `/folder/${steps}?dcPath=${encodeURIComponent(datacenter)}&dsName=${encodeURIComponent(datastore)}`;
}

/** As FileManager wants it. */
export function datastorePath({ datastore, path }: Pick<FilePlace, 'datastore' | 'path'>): string {
	return `[${datastore}] ${path}`;
}

const STATUSES: Readonly<Record<number, ErrorCode>> = {
	401: 'unauthenticated',
	403: 'forbidden',
	404: 'not-found',
	409: 'conflict',
	413: 'full',
	416: 'corrupt',
	429: 'unavailable',
	502: 'unavailable',
	503: 'unavailable',
	504: 'unavailable',
	507: 'full',
};

export function statusError(status: number | undefined): ImageError {
	return new ImageError(STATUSES[status ?? 0] ?? 'store-failed', `the server answers with status ${status ?? 'none'}`);
}
