/**
 * The file store, in Glance's own layout: `<dir>/<image id>`, so that an existing Glance can read it, and this store what
 * Glance wrote. `docs/stores/file.md`.
 */
import { lstatSync } from 'node:fs';
import { lstat, opendir, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ByteRange } from '#domain/controller.ts';
import { codeOf, ImageError } from '#domain/errors.ts';
import type { ListedObject, ObjectSource, StoreCall, StoredObject } from '#domain/ports/stores.ts';
import { syncDirectory } from '#lib/durable.ts';
import { MiB } from '#lib/sizes.ts';
import type { DriverKind, DriverManifest, StoreDriver } from '../driver.ts';
import { checkFolder, chooseFolder, type OpenFolder, openFolder } from './filesystem/folders.ts';
import { metadataOf } from './filesystem/location-metadata.ts';
import * as objects from './filesystem/objects.ts';
import { DEFAULT_CHUNK_BYTES, type FilesystemSettings, filesystemSettings } from './filesystem/options.ts';
import { inTerms, READING, REMOVING, WRITING } from './filesystem/terms.ts';
import { adopt } from './filesystem/writing.ts';

const manifest: DriverManifest = {
	type: 'file',
	schemes: ['file', 'filesystem'],
	writable: true,
	ranged: true,
	removable: true,
	adoptsFiles: true,
	lists: true,
};

export const filesystem: DriverKind = {
	manifest,
	check: (options) => void filesystemSettings(options),
	open: (options) => openFilesystem(filesystemSettings(options)),
	properties(options) {
		const { folders, chunkBytes, thin } = filesystemSettings(options);
		return { data_dir: folders.map(({ path }) => path).join(','), chunk_size: chunkBytes, thin_provisioning: thin };
	},
};

const LEAST_READ_BYTES = MiB;
/** Nobody who still writes lets a part lie for so long; another node that shares the folder may be writing the others. */
const STALE_MS = 3_600_000;

export async function openFilesystem(settings: FilesystemSettings): Promise<StoreDriver> {
	const { metadata = [], mode, chunkBytes = DEFAULT_CHUNK_BYTES, thin = false } = settings;
	const folders = await Promise.all(settings.folders.map(openFolder));
	const paths = folders.map(({ path }) => path);
	const sweep = () => Promise.all(paths.map(removeParts));
	await sweep();
	const later = setTimeout(() => void sweep().catch(() => undefined), STALE_MS + 1).unref();

	/** What is not found may be on a disk that is not there: then nobody can say that it is gone. */
	async function at<T>(location: string, work: (path: string) => Promise<T>): Promise<T> {
		const path = objects.pathOfLocation(paths, location);
		try {
			return await work(path);
		} catch (error) {
			if (codeOf(error) === 'not-found') await folders.find((folder) => folder.path === dirname(path))?.expectMounted();
			throw error;
		}
	}

	async function folderFor(key: string, { file, size }: ObjectSource): Promise<OpenFolder> {
		for (const path of paths)
			if (await exists(objects.pathOfKey(path, key))) throw new ImageError('conflict', `${key} is there already`);
		const device = file === undefined ? undefined : (await stat(file).catch(() => undefined))?.dev;
		return chooseFolder(folders, { size, device });
	}

	async function put(key: string, source: ObjectSource, { signal }: StoreCall): Promise<StoredObject> {
		const folder = await folderFor(key, source);
		const path = objects.pathOfKey(folder.path, key);
		const writing = { signal, ...(mode !== undefined && { mode }), ...(thin && { holes: chunkBytes }) };
		const how = await inTerms(WRITING, `${key} cannot be written`, adopt(path, source, writing));
		const size = await settled(path).catch(async (error: unknown) => {
			await rm(path, { force: true });
			throw error;
		});
		const told = metadataOf(path, metadata);
		return { location: objects.locationOf(path), how, size, ...(told !== undefined && { metadata: told }) };
	}

	return {
		manifest,
		put,
		async *get(location, range, { signal }) {
			await using file = await at(location, objects.openObject);
			const wanted = range === 'whole' ? { start: 0, end: (await file.stat()).size } : range;
			yield* readRange(file, wanted, Math.max(chunkBytes, LEAST_READ_BYTES), signal);
		},
		async stat(location) {
			const { size } = await at(location, objects.statObject);
			return { size };
		},
		async remove(location) {
			await at(location, async (path) => {
				await inTerms(REMOVING, 'the object cannot be removed', unlink(path));
				await syncDirectory(dirname(path));
			});
		},
		locate(key) {
			const places = paths.map((path) => objects.pathOfKey(path, key));
			// of several folders, free space will decide
			const place =
				places.length === 1 ? places[0] : places.find((path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined);
			return place && objects.locationOf(place);
		},
		async check() {
			for (const folder of folders) await checkFolder(folder);
		},
		async *list({ signal }) {
			for (const path of paths) yield* listFolder(path, signal);
		},
		async [Symbol.asyncDispose]() {
			clearTimeout(later);
		},
	};
}

/** With its name on disk; bytes. */
async function settled(path: string): Promise<number> {
	await inTerms(WRITING, 'the folder cannot be written', syncDirectory(dirname(path)));
	return (await objects.statObject(path)).size;
}

async function exists(path: string): Promise<boolean> {
	// whatever lies there, the name is taken
	return objects.statObject(path).then(
		() => true,
		(error: unknown) => codeOf(error) !== 'not-found',
	);
}

async function* readRange(
	file: Awaited<ReturnType<typeof objects.openObject>>,
	range: ByteRange,
	pieceBytes: number,
	signal: AbortSignal,
): AsyncIterable<Uint8Array> {
	const buffer = Buffer.allocUnsafe(Math.min(pieceBytes, Math.max(1, range.end - range.start)));
	for (let position = range.start; position < range.end; ) {
		signal.throwIfAborted();
		const reading = file.read(buffer, 0, Math.min(buffer.length, range.end - position), position);
		const { bytesRead } = await inTerms(READING, 'the object cannot be read', reading);
		if (bytesRead === 0) throw new ImageError('corrupt', 'the stored object is shorter than the range asked for');
		position += bytesRead;
		yield buffer.subarray(0, bytesRead);
	}
}

async function* listFolder(folder: string, signal: AbortSignal): AsyncGenerator<ListedObject> {
	for await (const entry of await inTerms(READING, 'a folder of the store cannot be read', opendir(folder))) {
		signal.throwIfAborted();
		if (!entry.isFile() || !objects.isImageId(entry.name)) continue;
		const path = join(folder, entry.name);
		const found = await objects.statObject(path).catch(() => undefined);
		// what went meanwhile is not there
		if (found !== undefined) yield { key: entry.name, location: objects.locationOf(path), size: found.size };
	}
}

/** What a crash left of a copy. */
async function removeParts(folder: string): Promise<void> {
	for await (const { name } of await opendir(folder)) {
		if (!objects.isPart(name)) continue;
		const path = join(folder, name);
		const found = await lstat(path).catch(() => undefined);
		if (found !== undefined && Date.now() - found.mtimeMs > STALE_MS) await rm(path, { force: true });
	}
}
