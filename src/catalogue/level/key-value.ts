/** The key-value contract over LevelDB. One process holds a database at a time. */
import { ClassicLevel } from 'classic-level';
import { ImageError } from '#domain/errors.ts';
import type { KeyValue } from '#lib/key-value.ts';
import { prefixed } from '../prefixed.ts';

type Database = ClassicLevel<string, Uint8Array>;

/** Entries asked of the engine at once: few at first, since most iterations end early, then more. */
const FIRST_PAGE_ENTRIES = 32;
const PAGE_ENTRIES_MAX = 1024;
const WRITE_BUFFER_BYTES = 8 * 1024 * 1024;
const CACHE_BYTES = 16 * 1024 * 1024;

/**
 * Opens the database in the directory `path`, made when absent.
 * Errors: `conflict` when another process has it open, `write-denied`, `full`, `corrupt`, `aborted`.
 */
export async function openLevel(path: string, options: { readonly signal?: AbortSignal } = {}): Promise<KeyValue> {
	if (options.signal?.aborted) throw aborted(path, options.signal);
	const db: Database = new ClassicLevel(path, {
		keyEncoding: 'utf8',
		valueEncoding: 'view',
		writeBufferSize: WRITE_BUFFER_BYTES,
		cacheSize: CACHE_BYTES,
	});
	await db.open().catch((error: unknown) => {
		throw openError(path, error);
	});
	if (options.signal?.aborted) {
		await db.close();
		throw aborted(path, options.signal);
	}
	return keyValueOver(db);
}

function keyValueOver(db: Database): KeyValue {
	const store: KeyValue = {
		get: (key) => getSync(db, key),
		getMany: (keys) => db.getMany([...keys]),
		entries: (range) => pages(() => db.iterator(range)),
		keys: (range) => pages(() => db.keys(range)),
		write: async (changes, { sync }) => {
			const batch = changes.map((change) =>
				'put' in change
					? ({ type: 'put', key: change.put, value: change.value } as const)
					: ({ type: 'del', key: change.del } as const),
			);
			await db.batch(batch, { sync }).catch((error: unknown) => {
				throw writeError(error);
			});
		},
		sub: (prefix) => prefixed(store, prefix),
		close: () => db.close(),
	};
	return store;
}

/**
 * The engine's fast path for text keys writes them into a buffer it reuses and cuts a long key that is not ASCII when
 * the buffer ends inside a character; such keys are therefore given as bytes.
 */
function getSync(db: Database, key: string): Uint8Array | undefined {
	const bytes = Buffer.byteLength(key);
	if (bytes === key.length) return db.getSync(key);
	return db.getSync<Uint8Array, Uint8Array>(Buffer.from(key), { keyEncoding: 'view', valueEncoding: 'view' });
}

interface Pages<T> {
	nextv(size: number): Promise<T[]>;
	close(): Promise<void>;
}

async function* pages<T>(open: () => Pages<T>): AsyncIterable<T> {
	const iterator = open();
	try {
		for (let size = FIRST_PAGE_ENTRIES; ; size = Math.min(size * 4, PAGE_ENTRIES_MAX)) {
			const page = await iterator.nextv(size);
			if (page.length === 0) return;
			yield* page;
		}
	} finally {
		await iterator.close();
	}
}

function openError(path: string, error: unknown): ImageError {
	const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
	const code = codeOfEngine(cause);
	if (code === 'LEVEL_LOCKED')
		return new ImageError('conflict', `data directory ${path} is in use by another process`, { cause });
	if (code === 'LEVEL_CORRUPTION')
		return new ImageError('corrupt', `data directory ${path} cannot be read: its database is damaged`, { cause });
	if (noSpace(cause)) return new ImageError('full', `data directory ${path} cannot be opened: no space left`, { cause });
	return new ImageError('write-denied', `data directory ${path} cannot be opened for writing`, { cause });
}

function writeError(cause: unknown): unknown {
	if (noSpace(cause)) return new ImageError('full', 'the record could not be stored: no space left', { cause });
	if (codeOfEngine(cause) === 'LEVEL_DATABASE_NOT_OPEN')
		return new ImageError('unavailable', 'the record could not be stored: the catalogue is closed', { cause });
	return new ImageError('unavailable', 'the record could not be stored', { cause });
}

function aborted(path: string, signal: AbortSignal): ImageError {
	return new ImageError('aborted', `opening data directory ${path} was given up`, { cause: signal.reason });
}

function codeOfEngine(error: unknown): unknown {
	return error instanceof Error && 'code' in error ? error.code : undefined;
}

function noSpace(error: unknown): boolean {
	return codeOfEngine(error) === 'ENOSPC' || (error instanceof Error && /no space left/i.test(error.message));
}
