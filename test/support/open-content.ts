/** A content store in a directory of its own, over the real index engine. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openLevel } from '#catalogue/level/key-value.ts';
import { openContentStore } from '#content/content-store.ts';
import { memoryLedger } from '#content/ledger.ts';
import type { ContentLimits } from '#content/limits.ts';
import type { BlockSources, ContentStore, TransferLedger } from '#content/ports.ts';
import type { ByteRange } from '#domain/controller.ts';
import type { ContentRef } from '#domain/image.ts';
import type { ReadOptions, WrittenData } from '#domain/ports/image-data.ts';
import type { KeyValue } from '#lib/key-value.ts';
import { silentLog } from '#lib/log.ts';
import { testSources } from './block-sources.ts';
import { type TemporaryDir, temporaryDir } from './temporary-dir.ts';

export interface OpenContent extends AsyncDisposable {
	readonly path: string;
	readonly store: ContentStore;
	readonly index: KeyValue;
	readonly ledger: TransferLedger;
	/** Closes and opens again over the same bytes. */
	reopened(): Promise<OpenContent>;
}

export interface OpenContentOptions {
	readonly shareBlocks?: boolean;
	readonly sources?: BlockSources;
	readonly limits?: Partial<ContentLimits>;
	readonly base?: string;
	/** an existing directory, which then stays */
	readonly path?: string;
}

export async function openContent(options: OpenContentOptions = {}): Promise<OpenContent> {
	const directory: TemporaryDir =
		options.path === undefined
			? await temporaryDir(options.base)
			: { path: options.path, [Symbol.asyncDispose]: async () => undefined };
	return openIn(directory, options);
}

async function openIn(directory: TemporaryDir, options: OpenContentOptions): Promise<OpenContent> {
	const database = await openLevel(join(directory.path, 'index'));
	const index = database.sub('content/');
	const ledger = memoryLedger();
	const store = await openContentStore({
		directory: join(directory.path, 'content'),
		index,
		sources: options.sources ?? testSources(),
		ledger,
		shareBlocks: options.shareBlocks ?? true,
		log: silentLog,
		...(options.limits === undefined ? {} : { limits: options.limits }),
	});
	const close = async (): Promise<void> => {
		await store[Symbol.asyncDispose]();
		await database.close();
	};
	let moved = false;
	return {
		path: join(directory.path, 'content'),
		store,
		index,
		ledger,
		async reopened() {
			moved = true;
			await close();
			return openIn(directory, options);
		},
		async [Symbol.asyncDispose]() {
			if (moved) return;
			await close();
			await directory[Symbol.asyncDispose]();
		},
	};
}

const never = new AbortController().signal;

export function put(
	store: ContentStore,
	source: AsyncIterable<Uint8Array>,
	options: {
		readonly hashAlgorithm?: string;
		readonly signal?: AbortSignal;
		readonly maxBytes?: number;
		readonly declaredSize?: number;
	} = {},
): Promise<WrittenData> {
	return store.write(source, { hashAlgorithm: 'sha512', maxBytes: 2 ** 40, signal: never, ...options });
}

/** One chunk, copied by nobody. */
export async function* chunks(...list: Uint8Array[]): AsyncGenerator<Uint8Array> {
	yield* list;
}

/** All bytes of a range, copied out chunk by chunk as the port demands. */
export async function readAll(
	store: ContentStore,
	content: ContentRef,
	range: ByteRange = { start: 0, end: content.size },
	{ signal = never, check = false }: Partial<ReadOptions> = {},
): Promise<Buffer> {
	const bytes = Buffer.alloc(range.end - range.start);
	let at = 0;
	for await (const chunk of store.read(content, range, { signal, check })) {
		bytes.set(chunk, at);
		at += chunk.length;
	}
	return bytes.subarray(0, at);
}

/** Every file under a directory with the bytes it takes on disk. */
export async function filesUnder(path: string): Promise<Map<string, number>> {
	const files = new Map<string, number>();
	for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
		if (!entry.isFile()) continue;
		const name = join(entry.parentPath, entry.name);
		files.set(name.slice(path.length + 1), (await stat(name)).blocks * 512);
	}
	return files;
}

export async function diskBytes(path: string, ending = '.data'): Promise<number> {
	let bytes = 0;
	for (const [name, taken] of await filesUnder(path)) if (name.endsWith(ending)) bytes += taken;
	return bytes;
}
