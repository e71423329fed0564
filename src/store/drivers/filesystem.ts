/**
 * The file store, in Glance's own layout: `<dir>/<image id>`, so that an existing Glance can read it. A finished file of
 * the same host is taken by hard link, else by clone (reflink), else copied.
 */
import { constants } from 'node:fs';
import { access, copyFile, link, mkdir, open, readdir, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ByteRange } from '#domain/controller.ts';
import { type ErrorCode, ImageError } from '#domain/errors.ts';
import type { ObjectSource, StoredObject } from '#domain/ports/stores.ts';
import { syncDirectory } from '#lib/durable.ts';
import { FILE_SYSTEM_CODES } from '#lib/file-system-codes.ts';
import { MiB } from '#lib/sizes.ts';
import type { DriverKind, DriverManifest, StoreDriver } from '../driver.ts';
import { needed, parseOptions } from '../options.ts';

export interface FilesystemOptions {
	/** absolute path; Glance's filesystem_store_datadir */
	readonly dir: string;
}

const manifest: DriverManifest = {
	type: 'file',
	schemes: ['file', 'filesystem'],
	writable: true,
	ranged: true,
	removable: true,
	adoptsFiles: true,
};

const OPTIONS = { filesystem_store_datadir: needed };

export const filesystem: DriverKind = {
	manifest,
	check: (options) => void parseOptions(OPTIONS, options),
	open: (options) => openFilesystem({ dir: parseOptions(OPTIONS, options).filesystem_store_datadir }),
	properties: (options) => ({ data_dir: parseOptions(OPTIONS, options).filesystem_store_datadir }),
};

const KEY = /^[0-9A-Za-z][0-9A-Za-z-]{0,63}$/;
const PART_SUFFIX = '.part';
const READ_BYTES = MiB;

export async function openFilesystem({ dir }: FilesystemOptions): Promise<StoreDriver> {
	const root = resolve(dir);
	await inStoreTerms(mkdir(root, { recursive: true, mode: 0o750 }), root);
	await removeParts(root);
	const pathOf = (key: string) => {
		// Typed here once: nothing a tenant supplies becomes any other path.
		if (!KEY.test(key)) throw new ImageError('invalid', 'object keys are image ids');
		return join(root, key);
	};

	async function put(key: string, source: ObjectSource, { signal }: { signal: AbortSignal }): Promise<StoredObject> {
		const path = pathOf(key);
		const how = await inStoreTerms(adopt(path, source, signal), key);
		await syncDirectory(root);
		return { location: pathToFileURL(path).href, how, size: (await stat(path)).size };
	}

	return {
		manifest,
		put,
		async *get(location, range, { signal }) {
			const file = await inStoreTerms(open(keyPath(root, location), constants.O_RDONLY | constants.O_NOFOLLOW), location);
			try {
				yield* readRange(file, range === 'whole' ? { start: 0, end: (await file.stat()).size } : range, signal);
			} finally {
				await file.close();
			}
		},
		async stat(location) {
			const { size } = await inStoreTerms(stat(keyPath(root, location)), location);
			return { size };
		},
		async remove(location) {
			await inStoreTerms(unlink(keyPath(root, location)), location);
			await syncDirectory(root);
		},
		locate: (key) => pathToFileURL(pathOf(key)).href,
		check: () => inStoreTerms(access(root, constants.R_OK | constants.W_OK | constants.X_OK), root),
		async [Symbol.asyncDispose]() {},
	};
}

async function adopt(path: string, source: ObjectSource, signal: AbortSignal): Promise<StoredObject['how']> {
	if (source.file !== undefined) {
		if (source.size !== undefined && (await stat(source.file)).size !== source.size) throw wrongSize(source.size);
		if (await succeeds(link(source.file, path), LINK_REFUSED)) return 'link';
	}
	const part = `${path}${PART_SUFFIX}`;
	await rm(part, { force: true });
	try {
		const cloned =
			source.file !== undefined && (await succeeds(copyFile(source.file, part, constants.COPYFILE_FICLONE_FORCE), CLONE_REFUSED));
		await (cloned ? syncFile(part) : writeStream(part, source, signal));
		// A link, unlike a rename, never replaces an object that another writer finished meanwhile.
		await link(part, path);
		return cloned ? 'clone' : 'copy';
	} finally {
		await rm(part, { force: true });
	}
}

const LINK_REFUSED = ['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP'];
const CLONE_REFUSED = [...LINK_REFUSED, 'EINVAL', 'ENOSYS', 'ENOTTY', 'ETXTBSY'];

/** False when the file system cannot do this at all; other failures are thrown. */
async function succeeds(attempt: Promise<void>, refusals: readonly string[]): Promise<boolean> {
	try {
		await attempt;
		return true;
	} catch (error) {
		if (refusals.includes((error as NodeJS.ErrnoException).code ?? '')) return false;
		throw error;
	}
}

async function writeStream(path: string, source: ObjectSource, signal: AbortSignal): Promise<void> {
	const file = await open(path, 'wx', 0o440);
	try {
		let written = 0;
		for await (const chunk of source.read()) {
			signal.throwIfAborted();
			if (source.size !== undefined && written + chunk.length > source.size) throw wrongSize(source.size);
			await file.writeFile(chunk);
			written += chunk.length;
		}
		if (source.size !== undefined && written !== source.size) throw wrongSize(source.size);
		await file.sync();
	} finally {
		await file.close();
	}
}

async function* readRange(
	file: Awaited<ReturnType<typeof open>>,
	range: ByteRange,
	signal: AbortSignal,
): AsyncIterable<Uint8Array> {
	const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, Math.max(1, range.end - range.start)));
	for (let position = range.start; position < range.end; ) {
		signal.throwIfAborted();
		const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, range.end - position), position);
		if (bytesRead === 0) throw new ImageError('corrupt', 'the stored object is shorter than the range asked for');
		position += bytesRead;
		yield buffer.subarray(0, bytesRead);
	}
}

/** Only locations of this very directory: a location is data from a record, not a path to trust. */
function keyPath(root: string, location: string): string {
	const path = URL.canParse(location) && location.startsWith('file:///') ? fileURLToPath(location) : '';
	if (dirname(path) !== root || !KEY.test(path.slice(root.length + 1)))
		throw new ImageError('not-found', 'the location is not one of this store');
	return path;
}

/** What a crash left of a copy. */
async function removeParts(root: string): Promise<void> {
	const parts = (await readdir(root)).filter(
		(name) => name.endsWith(PART_SUFFIX) && KEY.test(name.slice(0, -PART_SUFFIX.length)),
	);
	await Promise.all(parts.map((name) => rm(join(root, name), { force: true })));
}

async function syncFile(path: string): Promise<void> {
	const file = await open(path, 'r');
	try {
		await file.sync();
	} finally {
		await file.close();
	}
}

function wrongSize(expected: number): ImageError {
	return new ImageError('invalid', `the object's data are not the ${expected} bytes announced`);
}

const CODES: Readonly<Record<string, ErrorCode>> = { ...FILE_SYSTEM_CODES, ENOENT: 'not-found', EEXIST: 'conflict' };

async function inStoreTerms<T>(work: Promise<T>, subject: string): Promise<T> {
	try {
		return await work;
	} catch (error) {
		const code = CODES[(error as NodeJS.ErrnoException).code ?? ''];
		if (code === undefined) throw error;
		throw new ImageError(code, `file store, ${subject}: ${(error as NodeJS.ErrnoException).code}`, { cause: error });
	}
}
