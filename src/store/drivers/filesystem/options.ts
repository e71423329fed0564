/** What an operator says of a file store, by Glance's names. */
import { resolve } from 'node:path';
import {
	count,
	flag,
	ignored,
	many,
	maybeText,
	OptionError,
	parseOptions,
	type Read,
	type StoreOptions,
} from '#store/options.ts';
import { type LocationMetadata, readMetadataFile } from './location-metadata.ts';

export interface Folder {
	/** absolute */
	readonly path: string;
	/** the higher, the sooner it is filled */
	readonly priority: number;
}

export interface FilesystemSettings {
	/** highest priority first, then as said */
	readonly folders: readonly Folder[];
	readonly metadata?: readonly LocationMetadata[];
	/** of new files; absent: 0640, less the umask */
	readonly mode?: number;
	/** bytes: what is looked at for zeros at once, and the least that is read at once. Default: Glance's */
	readonly chunkBytes?: number;
	/** zeros become holes. Default false */
	readonly thin?: boolean;
}

const DEFAULT_DIR = '/var/lib/glance/images';
export const DEFAULT_CHUNK_BYTES = 65_536;
const MAX_CHUNK_BYTES = 64 * 1024 * 1024;

/** Digits of octal, as everybody writes a mode; 0 is none. */
const mode: Read<number | undefined> = (value, name) => {
	const said = maybeText(value, name) ?? '0';
	const bits = /^0*[0-7]{1,3}$/.test(said) ? Number.parseInt(said, 8) : Number.NaN;
	if (Number.isNaN(bits)) throw new OptionError(`option ${name}: "${said}" is no mode of three octal digits`);
	if (bits === 0) return undefined;
	if ((bits & 0o400) === 0) throw new OptionError(`option ${name}: with "${said}" the owner could not read the images`);
	return bits;
};

const metadataFile: Read<readonly LocationMetadata[] | undefined> = (value, name) => {
	const path = maybeText(value, name);
	return path === undefined ? undefined : readMetadataFile(path, name);
};

/** `dir[:priority]`, each dir once; twice with the same priority is what it was. */
const folders: Read<readonly Folder[]> = (value, name) => {
	const found = new Map<string, number>();
	for (const said of many(value, name)) {
		const { path: dir = said, priority: digits = '0' } = /^(?<path>.+):(?<priority>-?\d{1,9})$/.exec(said.trim())?.groups ?? {};
		const path = absolute(dir, name);
		const priority = Number(digits);
		if ((found.get(path) ?? priority) !== priority) throw new OptionError(`option ${name}: ${path} has two priorities`);
		found.set(path, priority);
	}
	return [...found].map(([path, priority]) => ({ path, priority })).sort((a, b) => b.priority - a.priority);
};

const folder: Read<string | undefined> = (value, name) => {
	const said = maybeText(value, name);
	return said === undefined ? undefined : absolute(said, name);
};

function absolute(path: string, name: string): string {
	if (path.includes('\0')) throw new OptionError(`option ${name}: a path has no NUL`);
	return resolve(path.trim());
}

const OPTIONS = {
	filesystem_store_datadir: folder,
	filesystem_store_datadirs: folders,
	filesystem_store_metadata_file: metadataFile,
	filesystem_store_file_perm: mode,
	filesystem_store_chunk_size: count(DEFAULT_CHUNK_BYTES, { min: 1, max: MAX_CHUNK_BYTES }),
	filesystem_thin_provisioning: flag(false),
	// this process waits for a disk in threads that Node keeps, and what stalls is given up by the rules of all stores
	filesystem_store_timeout: ignored,
	filesystem_store_thread_pool_size: ignored,
	filesystem_store_threadpool_threshold: ignored,
};

export function filesystemSettings(options: StoreOptions): FilesystemSettings {
	const said = parseOptions(OPTIONS, options);
	const { filesystem_store_datadir: dir, filesystem_store_datadirs: dirs } = said;
	if (dir !== undefined && dirs.length > 0)
		throw new OptionError('option filesystem_store_datadirs cannot stand beside filesystem_store_datadir');
	const { filesystem_store_metadata_file: metadata, filesystem_store_file_perm } = said;
	return {
		folders: dirs.length > 0 ? dirs : [{ path: dir ?? DEFAULT_DIR, priority: 0 }],
		chunkBytes: said.filesystem_store_chunk_size,
		thin: said.filesystem_thin_provisioning,
		...(metadata !== undefined && { metadata }),
		...(filesystem_store_file_perm !== undefined && { mode: filesystem_store_file_perm }),
	};
}
