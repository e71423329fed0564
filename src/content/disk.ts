/**
 * The file system as the store uses it: failures as the house's errors, and one rule about `fsync`. After a failed
 * one nobody knows which pages were lost and asking again may answer yes, so the store takes no more writes until it
 * is started again; what was durable before stays readable.
 */
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { type ErrorCode, ImageError } from '#domain/errors.ts';
import type { Log } from '#lib/log.ts';
import { createMutex, type Mutex } from './mutex.ts';

const CODES: Readonly<Record<string, ErrorCode>> = {
	ENOSPC: 'full',
	EDQUOT: 'full',
	EFBIG: 'full',
	EACCES: 'write-denied',
	EPERM: 'write-denied',
	EROFS: 'write-denied',
};

export interface Disk {
	/** Throws `write-denied` after a failed sync. */
	assertWritable(): void;
	/** Data and what is needed to read it back. */
	sync(handle: FileHandle): Promise<void>;
	/** Names in a directory. */
	syncDirectory(path: string): Promise<void>;
	/** Writes all of it. Writes to one file go one after another: at the same time they would only spin on its lock. */
	write(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void>;
}

export function createDisk(log: Log): Disk {
	let broken: unknown;
	const turns = new WeakMap<FileHandle, Mutex>();

	const turnOf = (handle: FileHandle): Mutex => {
		const turn = turns.get(handle) ?? createMutex();
		turns.set(handle, turn);
		return turn;
	};

	const assertWritable = (): void => {
		if (broken !== undefined)
			throw new ImageError('write-denied', 'the content store takes no writes since a sync to disk failed', { cause: broken });
	};

	const guarded = async (work: () => Promise<void>): Promise<void> => {
		assertWritable();
		try {
			await work();
		} catch (error) {
			broken = error;
			log.error({ err: error }, 'a sync to disk failed; no more writes are taken until the next start');
			throw storageError(error, 'making content durable failed');
		}
	};

	return {
		assertWritable,
		sync: (handle) => guarded(() => handle.datasync()),
		syncDirectory: (path) =>
			guarded(async () => {
				await using directory = await open(path, 'r');
				await directory.sync();
			}),
		write: (handle, bytes, position) =>
			turnOf(handle)(async () => {
				assertWritable();
				try {
					let done = 0;
					while (done < bytes.length) {
						const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
						done += bytesWritten;
					}
				} catch (error) {
					throw storageError(error, 'writing content failed');
				}
			}),
	};
}

/** A failure of the file system as the house's error; anything else is passed on. */
export function storageError(error: unknown, what: string): unknown {
	const code = errnoOf(error);
	const ours = code === undefined ? undefined : CODES[code];
	if (ours === undefined) return error;
	return new ImageError(
		ours,
		ours === 'full' ? `${what}: no space left in the content store` : `${what}: the content store may not be written`,
		{ cause: error },
	);
}

export function errnoOf(error: unknown): string | undefined {
	if (!(error instanceof Error) || !('code' in error)) return undefined;
	return typeof error.code === 'string' ? error.code : undefined;
}
