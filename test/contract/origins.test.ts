/** Contents read from stores: the real catalogue, the real content store, real drivers. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { memoryKeyValue } from '#catalogue/memory.ts';
import { lateSources } from '#content/late-sources.ts';
import type { ContentStore } from '#content/ports.ts';
import { codeOf } from '#domain/errors.ts';
import type { ContentRef } from '#domain/image.ts';
import { database } from '#domain/layers/database.ts';
import type { ImageStore } from '#domain/ports/stores.ts';
import { silentLog } from '#lib/log.ts';
import { createImageObjects } from '#replication/image-objects.ts';
import { createOrigins } from '#replication/origins.ts';
import { readingOrigins } from '#replication/reading-origins.ts';
import { openFilesystem } from '#store/drivers/filesystem.ts';
import { testCatalogue } from '../support/onion.ts';
import { chunks, openContent, put, readAll } from '../support/open-content.ts';
import { temporaryDir } from '../support/temporary-dir.ts';
import { testStore, testStores } from '../support/test-store.ts';

const MiB = 1024 * 1024;
const call = { signal: AbortSignal.timeout(60_000) };

/** A node with one file store, and an image in it of these bytes. */
async function scene(stack: AsyncDisposableStack, over: Partial<ImageStore> = {}, size = 5 * MiB + 77) {
	const dir = stack.use(await temporaryDir());
	const catalogue = stack.use(await testCatalogue('centre'));
	const driver = stack.use(await openFilesystem({ folders: [{ path: join(dir.path, 'images'), priority: 0 }] }));
	let gets: (readonly [start: number, end: number] | 'whole')[] = [];
	const bare = testStore('file', driver);
	const store: ImageStore = {
		...bare,
		get(location, range, options) {
			gets.push(range === 'whole' ? 'whole' : [range.start, range.end]);
			return bare.get(location, range, options);
		},
		...over,
	};
	const stores = testStores([store]);
	const sources = lateSources();
	const { store: stored } = stack.use(await openContent({ sources, limits: { sourceWaitMs: 50 } }));
	const origins = stack.use(createOrigins({ catalogue, stores, log: silentLog }));
	sources.connect(origins);
	const content = readingOrigins(stored, { origins, hasHolders: async () => false, log: silentLog });
	const objects = createImageObjects({ kv: memoryKeyValue(), content });

	const bytes = randomBytes(size);
	await using written = await put(stored, chunks(bytes));
	const ref = written.content;
	const id = randomUUID();
	const facts = { content: ref, checksum: 'a'.repeat(32), hashAlgorithm: 'sha512', hashValue: 'b'.repeat(128) };
	await database(catalogue).add({ id, diskFormat: 'raw', containerFormat: 'bare' });
	await catalogue.commit([{ type: 'image.status', id, status: 'saving' }]);
	await catalogue.commit([{ type: 'image.data', id, ...facts, virtualSize: null }]);
	const { url, metadata } = await objects.put({ id, owner: null, checksum: null }, ref, store, call);
	await catalogue.commit([{ type: 'copy.add', id, store: 'file', kind: 'backend', url, metadata }]);
	return {
		...{ content, stored, ref, bytes, path: fileURLToPath(url), origins },
		takeGets() {
			const taken = gets;
			gets = [];
			return taken;
		},
	};
}

async function readRange(content: ContentStore, ref: ContentRef, start: number, end: number): Promise<Buffer> {
	return Buffer.concat(await Array.fromAsync(content.read(ref, { start, end }, call), (chunk) => Buffer.from(chunk)));
}

describe('a content in a store of this node', () => {
	it('is read from there by ranges when its bytes have left, and verified', async () => {
		await using stack = new AsyncDisposableStack();
		const { content, ref, bytes, takeGets } = await scene(stack);
		await content.hollow(ref);
		assert.equal(content.presence(ref.root), 'partial');
		takeGets();
		assert.ok((await readRange(content, ref, 3 * MiB + 5, 3 * MiB + 50)).equals(bytes.subarray(3 * MiB + 5, 3 * MiB + 50)));
		assert.ok(takeGets().every((range) => range !== 'whole'));
		assert.ok((await readRange(content, ref, 0, bytes.length)).equals(bytes));
	});
	it('that has changed there is never given to a reader', async () => {
		await using stack = new AsyncDisposableStack();
		const { content, ref, bytes, path } = await scene(stack);
		await content.hollow(ref);
		const spoilt = Buffer.from(bytes);
		spoilt[2 * MiB + 9]! ^= 1;
		await chmod(path, 0o640);
		await writeFile(path, spoilt);
		assert.ok((await readRange(content, ref, 0, MiB)).equals(bytes.subarray(0, MiB)));
		await assert.rejects(readRange(content, ref, 2 * MiB, 3 * MiB), (error) => codeOf(error) === 'unavailable');
	});
	it('of a store without ranges is read whole, once', async () => {
		await using stack = new AsyncDisposableStack();
		const { content, ref, bytes, takeGets } = await scene(stack, { ranged: false });
		await content.hollow(ref);
		takeGets();
		const reads = await Promise.all([readRange(content, ref, 10, 20), readRange(content, ref, 4 * MiB, 4 * MiB + 10)]);
		assert.ok(reads[0]?.equals(bytes.subarray(10, 20)) && reads[1]?.equals(bytes.subarray(4 * MiB, 4 * MiB + 10)));
		assert.deepEqual(takeGets(), ['whole']);
		assert.equal(content.presence(ref.root), 'complete');
	});
	it('of which nothing is known here is read whole, and then by ranges no more', async () => {
		await using stack = new AsyncDisposableStack();
		const { content, ref, bytes, takeGets } = await scene(stack);
		await content.forget(ref.root);
		assert.equal(content.presence(ref.root), 'none');
		takeGets();
		assert.ok((await readAll(content, ref)).equals(bytes));
		assert.deepEqual(takeGets(), ['whole']);
	});
	it('is given to other nodes block by block', async () => {
		await using stack = new AsyncDisposableStack();
		const { content, ref, bytes } = await scene(stack);
		await content.hollow(ref);
		await using reader = await content.open(ref.root);
		const into = Buffer.alloc(MiB);
		assert.equal(reader?.has(2), true);
		assert.equal(await reader?.read(2, into), MiB);
		assert.ok(into.equals(bytes.subarray(2 * MiB, 3 * MiB)));
		assert.equal(await reader?.read(5, into), 77);
	});
	it('counts as held there only while the store answers and has all of it', async () => {
		await using stack = new AsyncDisposableStack();
		const { ref, origins, path } = await scene(stack);
		assert.equal(await origins.holds(ref, call), true);
		await rm(path);
		assert.equal(await origins.holds(ref, call), false);
	});
	it('is surveyed without a byte of it being kept', async () => {
		await using stack = new AsyncDisposableStack();
		const { content, ref, bytes, stored } = await scene(stack);
		await content.forget(ref.root);
		await using surveyed = await stored.survey(chunks(bytes), { hashAlgorithm: 'sha512', maxBytes: bytes.length, ...call });
		assert.deepEqual(surveyed.content, ref);
		assert.equal(stored.presence(ref.root), 'partial');
		assert.ok((await readAll(content, ref)).equals(bytes));
	});
});
