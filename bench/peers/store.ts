/**
 * One store as a node has it, in a process of its own: `take FILE` into the node's own contents (BENCH_CONTENTS), `put CONTENT KEY`
 * from there, `get FILE LOCATION`, `remove LOCATION`, of the store that BENCH_STORE describes. Prints what the next one needs, and
 * the memory before and at the most.
 */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLevel } from '#catalogue/level/key-value.ts';
import { openContentStore } from '#content/content-store.ts';
import { memoryLedger } from '#content/ledger.ts';
import type { ContentStore } from '#content/ports.ts';
import type { ContentRef } from '#domain/image.ts';
import type { ImageStore } from '#domain/ports/stores.ts';
import { silentLog } from '#lib/log.ts';
import { MiB } from '#lib/sizes.ts';
import type { StoreOptions } from '#store/options.ts';
import { openStores } from '#store/stores.ts';
import { peakResidentBytes, residentBytes } from '../../test/support/proc.ts';

const { type, options } = JSON.parse(process.env.BENCH_STORE ?? '') as { readonly type: string; readonly options: StoreOptions };
const [action = '', what = '', place = ''] = process.argv.slice(2);
const call = { signal: new AbortController().signal };
const workDir = join(tmpdir(), `sundog-bench-store-${randomUUID()}`);
try {
	await using stores = await openStores({ specs: [{ id: 'bench', type, options }], workDir, log: silentLog });
	const store = stores.find('bench');
	if (store === undefined) throw new TypeError('there is no store');
	await store.check(call);
	await using contents = await openContents(process.env.BENCH_CONTENTS ?? '');
	const idleRssBytes = residentBytes(process.pid);
	const result = await act(store, contents.store);
	process.stdout.write(`${JSON.stringify({ result, idleRssBytes, peakRssBytes: peakResidentBytes(process.pid) })}\n`);
} finally {
	await rm(workDir, { recursive: true, force: true });
}

async function act(store: ImageStore, contents: ContentStore): Promise<string> {
	if (action === 'take') return JSON.stringify(await take(contents, what));
	if (action === 'put') return put(store, contents, JSON.parse(what) as ContentRef, place);
	if (action === 'get') await write(store.get(place, 'whole', call), what);
	else if (action === 'remove') await store.remove(what, call);
	else throw new TypeError(`what is ${action}?`);
	return place;
}

async function openContents(dir: string) {
	await mkdir(dir, { recursive: true });
	await using stack = new AsyncDisposableStack();
	const index = stack.adopt(await openLevel(join(dir, 'index')), (database) => database.close());
	const store = stack.use(
		await openContentStore({
			directory: join(dir, 'contents'),
			index: index.sub('content/'),
			sources: { find: () => [], onChange: () => () => undefined, reportBad: () => undefined },
			ledger: memoryLedger(),
			shareBlocks: false,
			log: silentLog,
		}),
	);
	const parts = stack.move();
	return { store, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

async function take(contents: ContentStore, path: string): Promise<ContentRef> {
	const how = { hashAlgorithm: 'sha512', maxBytes: Number.MAX_SAFE_INTEGER, ...call };
	await using written = await contents.write(createReadStream(path), how);
	return written.content;
}

/** As a node puts an image that it holds; a store on the same disk would only link it, and is given nothing to link. */
async function put(store: ImageStore, contents: ContentStore, content: ContentRef, key: string): Promise<string> {
	const { size } = content;
	const read = () => contents.read(content, { start: 0, end: size }, { ...call, check: true });
	return (await store.put(key, { size, rereadable: true, checked: true, read }, call)).location;
}

/** In pieces of a block, as a node writes what it keeps. */
async function write(chunks: AsyncIterable<Uint8Array>, path: string): Promise<void> {
	await using file = await open(path, 'w');
	for await (const chunk of chunks)
		for (let at = 0; at < chunk.length; at += MiB) await file.write(chunk.subarray(at, Math.min(chunk.length, at + MiB)));
}
