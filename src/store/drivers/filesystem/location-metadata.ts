/** Glance's `filesystem_store_metadata_file`: what a location of this store tells those who would mount the disk themselves. */
import { readFileSync } from 'node:fs';
import { OptionError } from '#store/options.ts';

export interface LocationMetadata {
	readonly id: string;
	/** absolute; of files below it */
	readonly mountpoint: string;
	readonly [name: string]: unknown;
}

/** An object, or an array of such; everything in it is a text, a list or an object, since nothing else may stand in a location. */
export function readMetadataFile(path: string, name: string): readonly LocationMetadata[] {
	const refuse = (why: string, cause?: unknown) => new OptionError(`option ${name}: ${path} ${why}`, { cause });
	let parsed: unknown;
	try {
		parsed = JSON.parse(readFileSync(path, 'utf8'));
	} catch (error) {
		throw refuse(error instanceof SyntaxError ? 'is not JSON' : 'cannot be read', error);
	}
	const entries: readonly unknown[] = Array.isArray(parsed) ? parsed : [parsed];
	for (const entry of entries) {
		if (!isMetadata(entry)) throw refuse('must have objects with an id and an absolute mountpoint');
		if (!Object.values(entry).every(isPlain)) throw refuse('may have texts, lists and objects only');
	}
	return entries as readonly LocationMetadata[];
}

/** Of the first entry whose mount point the file is below. */
export function metadataOf(path: string, entries: readonly LocationMetadata[]): LocationMetadata | undefined {
	return entries.find(({ mountpoint }) => path.startsWith(mountpoint.endsWith('/') ? mountpoint : `${mountpoint}/`));
}

function isMetadata(entry: unknown): entry is LocationMetadata {
	if (typeof entry !== 'object' || entry === null) return false;
	const { id, mountpoint } = entry as Readonly<Record<string, unknown>>;
	return typeof id === 'string' && typeof mountpoint === 'string' && mountpoint.startsWith('/');
}

function isPlain(value: unknown): boolean {
	if (typeof value === 'string') return true;
	return typeof value === 'object' && value !== null && Object.values(value).every(isPlain);
}
