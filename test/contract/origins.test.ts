/** Contents read from stores: the real catalogue, the real content store, real drivers. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
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
import { httpSettings } from '#store/drivers/http/options.ts';
import { openHttp } from '#store/drivers/http.ts';
import { eventually } from '../support/eventually.ts';
import { missingNginx, startNginx } from '../support/nginx.ts';
import { testCatalogue } from '../support/onion.ts';
import { chunks, openContent, put, readAll } from '../support/open-content.ts';
import { temporaryDir } from '../support/temporary-dir.ts';
import { testStore, testStores } from '../support/test-store.ts';
import { startWebServer } from '../support/web-server.ts';

const MiB = 1024 * 1024;
const call = { signal: AbortSignal.timeout(60_000) };

/** A node with one file store, and an image in it of these bytes. */
async function scene(stack: AsyncDisposableStack, over: Partial<ImageStore> = {}, more: { readonly keepOnMs?: number } = {}) {
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
	const content = readingOrigins(stored, { origins, hasHolders: async () => false, log: silentLog, ...more });
	const objects = createImageObjects({ kv: memoryKeyValue(), content });

	const bytes = randomBytes(5 * MiB + 77);
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
		await content.complete(ref, call);
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

/** A content whose only place is a web server, and of which only what verifies it is here. */
async function onTheWeb(stack: AsyncDisposableStack, url: string, bytes: Buffer, keepOnMs: number) {
	const catalogue = stack.use(await testCatalogue('edge'));
	const settings = httpSettings({ http_allowed_hosts: '127.0.0.1', http_allowed_ports: new URL(url).port });
	const stores = testStores([testStore('web', openHttp(settings), { tries: 1 })]);
	const sources = lateSources();
	const opened = stack.use(await openContent({ sources, limits: { sourceWaitMs: 200 } }));
	const origins = stack.use(createOrigins({ catalogue, stores, log: silentLog }));
	sources.connect(origins);
	const content = readingOrigins(opened.store, { origins, hasHolders: async () => false, log: silentLog, keepOnMs });
	const id = randomUUID();
	await using surveyed = await opened.store.survey(chunks(bytes), { hashAlgorithm: 'sha512', maxBytes: bytes.length, ...call });
	const ref = surveyed.content;
	const facts = { content: ref, checksum: 'a'.repeat(32), hashAlgorithm: 'sha512', hashValue: 'b'.repeat(128) };
	await database(catalogue).add({ id, diskFormat: 'raw', containerFormat: 'bare' });
	await catalogue.commit([{ type: 'image.status', id, status: 'saving' }]);
	await catalogue.commit([{ type: 'image.data', id, ...facts, virtualSize: null }]);
	await catalogue.commit([{ type: 'copy.add', id, store: 'web', kind: 'backend', url, metadata: { store: 'web' } }]);
	return { content, ref, ledger: opened.ledger };
}

describe('a content that lies on a server without ranges only', { skip: missingNginx }, () => {
	const bytes = randomBytes(70 * MiB + 77);
	const RANGES = [
		[bytes.length - 10, bytes.length],
		[0, 10],
		[33 * MiB - 3, 35 * MiB + 3],
		[5, 2 * MiB],
		[60 * MiB, 60 * MiB + 1],
	] as const;

	async function onNginx(stack: AsyncDisposableStack, served = bytes) {
		const nginx = stack.use(await startNginx('location /whole/ { rewrite ^/whole/(.*)$ /$1 break; max_ranges 0; }'));
		await writeFile(join(nginx.files, 'image'), served);
		return { nginx, ...(await onTheWeb(stack, `${nginx.url}/whole/image`, bytes, 60_000)) };
	}

	it('is given by any ranges, together and one after another, and comes from there once', async () => {
		await using stack = new AsyncDisposableStack();
		const { nginx, content, ref } = await onNginx(stack);
		const check = async ([start, end]: readonly [start: number, end: number]) =>
			assert.ok((await readRange(content, ref, start, end)).equals(bytes.subarray(start, end)), `${start}-${end}`);
		await Promise.all(RANGES.map(check));
		for (const range of RANGES) await check(range);
		assert.ok((await readAll(content, ref)).equals(bytes));
		await content.complete(ref, call);
		assert.equal(content.presence(ref.root), 'complete');
		const sent = await nginx.sent('/whole/', 2);
		assert.equal(sent.filter((each) => each === bytes.length).length, 1);
		// the other one showed that there are no ranges, and was left at once
		assert.equal(sent.length, 2);
		assert.ok(Math.min(...sent) < 32 * MiB, `${sent}`);
	});

	it('is never given when it has changed there, but what comes before the change is', async () => {
		await using stack = new AsyncDisposableStack();
		const spoilt = Buffer.from(bytes);
		spoilt[9 * MiB + 1]! ^= 1;
		const { content, ref } = await onNginx(stack, spoilt);
		await assert.rejects(readRange(content, ref, 9 * MiB, 9 * MiB + 10), (error) => codeOf(error) === 'unavailable');
		assert.ok((await readRange(content, ref, 0, 9 * MiB)).equals(bytes.subarray(0, 9 * MiB)));
		assert.equal(content.presence(ref.root), 'partial');
	});
});

describe('a content that goes by as a whole', () => {
	const bytes = randomBytes(20 * MiB);

	/** Sends so much of it to those who ask for the whole, one after another, and no more; then all of it. */
	async function stoppingAfter(stack: AsyncDisposableStack, ...lengths: number[]) {
		const requests: { readonly ended: Promise<unknown>; readonly whole: boolean }[] = [];
		const server = stack.use(
			await startWebServer((request, response) => {
				const whole = request.headers.range === undefined;
				requests.push({ whole, ended: once(response, 'close') });
				response.writeHead(200, { 'content-length': bytes.length });
				const length = whole ? (lengths.shift() ?? bytes.length) : MiB;
				if (length < bytes.length) response.write(bytes.subarray(0, length));
				else response.end(bytes);
			}),
		);
		return { requests, ...(await onTheWeb(stack, `${server.url}/image`, bytes, 0)) };
	}

	it('is given as far as it has come, kept, and left when nobody wants it any more', async () => {
		await using stack = new AsyncDisposableStack();
		const { requests, content, ref, ledger } = await stoppingAfter(stack, 5 * MiB + 5);
		assert.ok((await readRange(content, ref, MiB, 3 * MiB)).equals(bytes.subarray(MiB, 3 * MiB)));
		await Promise.all(requests.map(({ ended }) => ended));
		assert.deepEqual(
			requests.map(({ whole }) => whole),
			[false, true],
		);
		assert.ok((await readRange(content, ref, MiB, 3 * MiB)).equals(bytes.subarray(MiB, 3 * MiB)));
		assert.equal(requests.length, 2);
		assert.ok(ledger.of(ref.root).some(({ kind, name, bytes: came }) => kind === 'origin' && name === 'store:web' && came > 0));
	});

	it('is left by a reader who leaves, who is not kept waiting, and is asked for again by the next one', async () => {
		await using stack = new AsyncDisposableStack();
		const { requests, content, ref } = await stoppingAfter(stack, 5 * MiB);
		const leaving = new AbortController();
		const reading = Array.fromAsync(content.read(ref, { start: 10 * MiB, end: 11 * MiB }, { signal: leaving.signal }));
		reading.catch(() => undefined);
		await eventually('the whole to be asked for', () => requests.some(({ whole }) => whole) || undefined);
		leaving.abort();
		await assert.rejects(reading);
		await Promise.all(requests.map(({ ended }) => ended));
		assert.ok((await readRange(content, ref, 10 * MiB, 11 * MiB)).equals(bytes.subarray(10 * MiB, 11 * MiB)));
		assert.equal(requests.filter(({ whole }) => whole).length, 2);
	});

	it('is asked for again when somebody comes in the moment in which it is left', async () => {
		await using stack = new AsyncDisposableStack();
		const next = Promise.withResolvers<Buffer>();
		let gets = 0;
		const get: ImageStore['get'] = async function* (_location, _range, { signal }) {
			gets += 1;
			if (gets > 1) return yield* chunks(its.bytes);
			await once(signal, 'abort');
			next.resolve(readRange(its.content, its.ref, 0, MiB));
			// so that the other one meets a read that is still being left
			await new Promise(setImmediate);
			signal.throwIfAborted();
		};
		const its = await scene(stack, { ranged: false, get }, { keepOnMs: 0 });
		await its.content.hollow(its.ref);
		const leaving = new AbortController();
		const reading = Array.fromAsync(its.content.read(its.ref, { start: 0, end: 10 }, { signal: leaving.signal }));
		reading.catch(() => undefined);
		await eventually('the whole to be asked for', () => gets > 0 || undefined);
		leaving.abort();
		await assert.rejects(reading);
		assert.ok((await next.promise).equals(its.bytes.subarray(0, MiB)));
	});
});
