/**
 * The file system as the store uses it: failures as the house's errors, and one rule about `fsync`. After a failed
 * one nobody knows which pages were lost and asking again may answer yes, so the store takes no more writes until it
 * is started again; what was durable before stays readable.
 */
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { type ErrorCode, ImageError } from '#domain/errors.ts';
import { FILE_SYSTEM_CODES } from '#lib/file-system-codes.ts';
import type { Log } from '#lib/log.ts';

/** Writes that go together at most: bounds how long a block waits for its neighbours. */
const MAX_RUN = 16;

const CODES: Readonly<Record<string, ErrorCode>> = FILE_SYSTEM_CODES;

export interface Disk {
	/** Throws `write-denied` after a failed sync. */
	assertWritable(): void;
	/** Data and what is needed to read it back. */
	sync(handle: FileHandle): Promise<void>;
	/** Names in a directory. */
	syncDirectory(path: string): Promise<void>;
	/**
	 * Writes all of it. Writes to one file go one after another, since at the same time they would only spin on its lock;
	 * those that wait and follow each other in the file go together.
	 */
	write(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void>;
}

export function createDisk(log: Log): Disk {
	let broken: unknown;
	const queues = new WeakMap<FileHandle, QueuedWrite[]>();

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

	/** One write after another, each of all that has queued up in one piece meanwhile. */
	const drain = async (handle: FileHandle, queue: QueuedWrite[]): Promise<void> => {
		while (queue.length > 0) {
			const run = takeRun(queue);
			try {
				assertWritable();
				await writeRun(handle, run);
				for (const { done } of run) done.resolve();
			} catch (error) {
				const failure = storageError(error, 'writing content failed');
				for (const { done } of run) done.reject(failure);
			}
		}
		queues.delete(handle);
	};

	return {
		assertWritable,
		sync: (handle) => guarded(() => handle.datasync()),
		syncDirectory: (path) =>
			guarded(async () => {
				await using directory = await open(path, 'r');
				await directory.sync();
			}),
		write(handle, bytes, position) {
			const done = Promise.withResolvers<void>();
			const queue = queues.get(handle);
			if (queue !== undefined) queue.push({ bytes, position, done });
			else {
				const begun = [{ bytes, position, done }];
				queues.set(handle, begun);
				void drain(handle, begun);
			}
			return done.promise;
		},
	};
}

interface QueuedWrite {
	readonly bytes: Uint8Array;
	readonly position: number;
	readonly done: PromiseWithResolvers<void>;
}

/** The oldest write and those that follow it in the file, taken out of the queue. */
function takeRun(queue: QueuedWrite[]): readonly QueuedWrite[] {
	const run: QueuedWrite[] = [];
	let next = queue.shift();
	while (next !== undefined) {
		run.push(next);
		const end = next.position + next.bytes.length;
		const following = run.length < MAX_RUN ? queue.findIndex(({ position }) => position === end) : -1;
		next = following === -1 ? undefined : queue.splice(following, 1)[0];
	}
	return run;
}

async function writeRun(handle: FileHandle, run: readonly QueuedWrite[]): Promise<void> {
	let rest = run.map(({ bytes }) => bytes);
	let position = run[0]?.position ?? 0;
	while (rest.length > 0) {
		const { bytesWritten } = await handle.writev(rest, position);
		position += bytesWritten;
		rest = after(rest, bytesWritten);
	}
}

/** What is left of the pieces when so many bytes of them are written. */
function after(pieces: readonly Uint8Array[], written: number): Uint8Array[] {
	let skip = written;
	return pieces.flatMap((piece) => {
		const gone = Math.min(skip, piece.length);
		skip -= gone;
		return gone === piece.length ? [] : [piece.subarray(gone)];
	});
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
