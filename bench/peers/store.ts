/**
 * One store as a node has it, in a process of its own: `put FILE KEY`, `get FILE LOCATION`, `remove LOCATION`, of the store that
 * BENCH_STORE describes. Prints where the object is, and the memory before and at the most.
 */
import { randomUUID } from 'node:crypto';
import { open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImageStore } from '#domain/ports/stores.ts';
import { silentLog } from '#lib/log.ts';
import { MiB } from '#lib/sizes.ts';
import type { StoreOptions } from '#store/options.ts';
import { openStores } from '#store/stores.ts';
import { peakResidentBytes, residentBytes } from '../../test/support/proc.ts';

const { type, options } = JSON.parse(process.env.BENCH_STORE ?? '') as { readonly type: string; readonly options: StoreOptions };
const [action = '', path = '', place = ''] = process.argv.slice(2);
const call = { signal: new AbortController().signal };
const workDir = join(tmpdir(), `sundog-bench-store-${randomUUID()}`);
try {
	await using stores = await openStores({ specs: [{ id: 'bench', type, options }], workDir, log: silentLog });
	const store = stores.find('bench');
	if (store === undefined) throw new TypeError('there is no store');
	await store.check(call);
	const idleRssBytes = residentBytes(process.pid);
	const location = await act(store, action);
	process.stdout.write(`${JSON.stringify({ location, idleRssBytes, peakRssBytes: peakResidentBytes(process.pid) })}\n`);
} finally {
	await rm(workDir, { recursive: true, force: true });
}

async function act(store: ImageStore, name: string): Promise<string> {
	if (name === 'put') {
		const { size } = await stat(path);
		return (await store.put(place, { size, rereadable: true, read }, call)).location;
	}
	if (name === 'get') await write(store.get(place, 'whole', call));
	else if (name === 'remove') await store.remove(path, call);
	else throw new TypeError(`what is ${name}?`);
	return place;
}

/** From one buffer: a chunk is valid until the next one is asked for. */
async function* read(): AsyncGenerator<Uint8Array> {
	await using file = await open(path);
	const buffer = Buffer.allocUnsafe(MiB);
	for (;;) {
		const { bytesRead } = await file.read(buffer);
		if (bytesRead === 0) return;
		yield buffer.subarray(0, bytesRead);
	}
}

async function write(chunks: AsyncIterable<Uint8Array>): Promise<void> {
	await using file = await open(path, 'w');
	for await (const chunk of chunks) await file.write(chunk);
}
