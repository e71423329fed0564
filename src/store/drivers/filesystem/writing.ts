/** How an object comes into a folder: by hard link, else by clone (reflink), else copied. Never half, never over another. */
import { constants } from 'node:fs';
import { copyFile, type FileHandle, link, open, rm, stat } from 'node:fs/promises';
import { ImageError } from '#domain/errors.ts';
import type { ObjectSource, StoredObject } from '#domain/ports/stores.ts';
import { partOf } from './objects.ts';

export interface Writing {
	/** absent: 0640, less the umask */
	readonly mode?: number;
	/** bytes that are looked at for zeros at once; absent: zeros are written like everything else */
	readonly holes?: number;
	readonly signal: AbortSignal;
}

const DEFAULT_MODE = 0o640;
const PERMISSIONS = 0o777;

/** Durable but for its name. */
export async function adopt(path: string, source: ObjectSource, writing: Writing): Promise<StoredObject['how']> {
	const { file, size } = source;
	if (file !== undefined && size !== undefined && (await stat(file)).size !== size) throw wrongSize(size);
	if (file !== undefined && (await mayLink(file, writing)) && (await succeeds(link(file, path), LINK_REFUSED))) return 'link';
	const part = partOf(path);
	try {
		const cloned = file !== undefined && (await succeeds(copyFile(file, part, CLONE), CLONE_REFUSED));
		await (cloned ? finish(part, writing) : writeStream(part, source, writing));
		// A link, unlike a rename, never replaces an object that another writer finished meanwhile.
		await link(part, path);
		return cloned ? 'clone' : 'copy';
	} finally {
		await rm(part, { force: true });
	}
}

/** Both names of a linked file have one mode, and the other name is not ours to change. */
async function mayLink(file: string, { mode }: Writing): Promise<boolean> {
	return mode === undefined || ((await stat(file)).mode & PERMISSIONS) === mode;
}

const CLONE = constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL;
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

async function finish(part: string, { mode = DEFAULT_MODE }: Writing): Promise<void> {
	await using file = await open(part, constants.O_RDONLY | constants.O_NOFOLLOW);
	await file.chmod(mode);
	await file.sync();
}

async function writeStream(part: string, source: ObjectSource, { mode, holes, signal }: Writing): Promise<void> {
	await using file = await open(part, 'wx', DEFAULT_MODE);
	let written = 0;
	for await (const chunk of source.read()) {
		signal.throwIfAborted();
		if (source.size !== undefined && written + chunk.length > source.size) throw wrongSize(source.size);
		for (const run of holes === undefined ? [chunk] : runsOfData(chunk, written, holes))
			await writeAll(file, run, written + run.byteOffset - chunk.byteOffset);
		written += chunk.length;
	}
	if (source.size !== undefined && written !== source.size) throw wrongSize(source.size);
	// a hole at the end
	if (holes !== undefined) await file.truncate(written);
	if (mode !== undefined) await file.chmod(mode);
	await file.sync();
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
	for (let done = 0; done < bytes.length; )
		done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}

/** What of a chunk must be written: all but pieces that are zeros throughout. Pieces end where the file's do, every `step` bytes. */
function* runsOfData(chunk: Uint8Array, position: number, step: number): Generator<Uint8Array> {
	let begin = 0;
	for (let at = 0; at < chunk.length; ) {
		const next = Math.min(chunk.length, at + step - ((position + at) % step));
		if (isZero(chunk.subarray(at, next))) {
			if (begin < at) yield chunk.subarray(begin, at);
			begin = next;
		}
		at = next;
	}
	if (begin < chunk.length) yield chunk.subarray(begin);
}

const ZEROS = Buffer.alloc(65_536);

function isZero(piece: Uint8Array): boolean {
	for (let at = 0; at < piece.length; at += ZEROS.length) {
		const length = Math.min(ZEROS.length, piece.length - at);
		if (ZEROS.compare(piece, at, at + length, 0, length) !== 0) return false;
	}
	return true;
}

function wrongSize(expected: number): ImageError {
	return new ImageError('invalid', `the object's data are not the ${expected} bytes announced`);
}
