/** Names of objects, and what may lie under them: files of this store's own folders and nothing else, whatever a location says. */
import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ImageError } from '#domain/errors.ts';
import { inTerms, READING } from './terms.ts';

const KEY = /^[0-9A-Za-z][0-9A-Za-z-]{0,63}$/;
const IMAGE_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const PART = /^[0-9A-Za-z][0-9A-Za-z-]{0,63}\.[0-9a-f]{8}\.part$/;

/** Typed here once: nothing that a tenant supplies becomes any other path. */
export function pathOfKey(folder: string, key: string): string {
	if (!KEY.test(key)) throw new ImageError('invalid', 'object keys are image ids');
	return join(folder, key);
}

/** Beside the object, so that it can be linked; two who write one key do not meet in it. */
export function partOf(path: string): string {
	const mark = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
	return `${path}.${mark.toString(16).padStart(8, '0')}.part`;
}

export function isPart(name: string): boolean {
	return PART.test(name);
}

/** Whether Glance would have given a file this name. */
export function isImageId(name: string): boolean {
	return IMAGE_ID.test(name);
}

export function locationOf(path: string): string {
	return pathToFileURL(path).href;
}

/** A location is data from a record: it begins with one of our folders, letter for letter, and ends in a key. Nothing is normalised. */
export function pathOfLocation(folders: readonly string[], location: string): string {
	for (const folder of folders)
		for (const prefix of prefixesOf(folder))
			if (location.startsWith(prefix) && KEY.test(location.slice(prefix.length)))
				return join(folder, location.slice(prefix.length));
	throw new ImageError('not-found', 'the location is not one of this store');
}

/** Glance writes paths as they are; we escape what a URL must escape. */
function prefixesOf(folder: string): readonly string[] {
	const path = folder.endsWith('/') ? folder : `${folder}/`;
	return ['file', 'filesystem'].flatMap((scheme) => [`${scheme}://${path}`, `${scheme}://${pathToFileURL(path).pathname}`]);
}

/** Neither follows a symbolic link nor waits for the other end of a pipe. */
export async function openObject(path: string): Promise<FileHandle> {
	const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
	const file = await inTerms(READING, 'the object cannot be read', open(path, flags));
	try {
		expectFile(await file.stat());
		return file;
	} catch (error) {
		await file.close();
		throw error;
	}
}

export async function statObject(path: string): Promise<Stats> {
	const found = await inTerms(READING, 'the object cannot be looked at', lstat(path));
	expectFile(found);
	return found;
}

function expectFile(found: Stats): void {
	if (!found.isFile()) throw new ImageError('store-failed', 'what lies in the place of the object is no file');
}
