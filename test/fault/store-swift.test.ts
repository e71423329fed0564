/** A Swift behind a link that breaks, stalls or talks nonsense: the right word, the store's name, and nothing left behind. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { after, describe, it, type TestContext } from 'node:test';
import { codeOf, type ErrorCode } from '#domain/errors.ts';
import type { ObjectSource } from '#domain/ports/stores.ts';
import type { StoreLimits } from '#store/store.ts';
import { openSwiftDriver, SEGMENT, startSwift } from '../support/real-swift.ts';
import { digestOf, rejectsWith, signal, sourceOf } from '../support/store-driver-suite.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { testStore } from '../support/test-store.ts';

const server = await startSwift();
after(async () => {
	if (server.missing === false) await server[Symbol.asyncDispose]();
});
const skip = server.missing === false ? false : `Swift: ${server.missing}`;
const real = server.missing === false ? server : (undefined as never);
const call = { signal };
const PIECE = 64_000;

describe('a swift store behind a bad link', { skip }, () => {
	const points = [
		1,
		PIECE,
		SEGMENT / 2,
		SEGMENT - 1,
		SEGMENT,
		SEGMENT + 1,
		2 * SEGMENT,
		2.5 * SEGMENT,
		3 * SEGMENT,
		4 * SEGMENT - 1,
	];
	for (const size of [undefined, 4 * SEGMENT, 2 * SEGMENT - 1])
		for (const point of points.filter((each) => each < (size ?? Infinity)))
			it(`${size === undefined ? 'a stream' : `an upload of ${size} bytes`} is cut after ${point} bytes`, { skip }, async (t) => {
				const { store, proxy, names } = await setUp(t);
				const source = harmed(4 * SEGMENT, point, proxy.cut, proxy.mend);
				await failsWith('unavailable', store.put(randomUUID(), { ...source, ...(size !== undefined && { size }) }, call));
				assert.deepEqual(await names(), []);
			});

	it('what cannot be removed while the link is cut goes before the next upload', { skip }, async (t) => {
		const { store, proxy, names } = await setUp(t);
		const key = randomUUID();
		const source = harmed(4 * SEGMENT, 2.5 * SEGMENT, proxy.cut, () => undefined);
		await failsWith('unavailable', store.put(key, source, call));
		assert.equal((await names()).length, 3);
		await failsWith('unavailable', store.put(key, sourceOf(randomBytes(10)), call));
		proxy.mend();
		await store.put(key, sourceOf(randomBytes(10)), call);
		assert.deepEqual(await names(), [key]);
	});

	it('what can be read again is sent again', { skip }, async (t) => {
		const { store, proxy } = await setUp(t);
		const bytes = randomBytes(3 * SEGMENT);
		let cuts = 0;
		const source: ObjectSource = {
			rereadable: true,
			async *read() {
				for (let at = 0; at < bytes.length; at += PIECE) {
					if (at === 20 * PIECE && cuts++ === 0) breakOnce(proxy);
					yield bytes.subarray(at, at + PIECE);
				}
			},
		};
		const { location } = await store.put(randomUUID(), source, call);
		assert.equal(cuts, 2);
		assert.equal(digestOf(await readAll(store.get(location, { start: 0, end: bytes.length }, call))), digestOf(bytes));
	});

	it('a download goes on where it was cut', { skip }, async (t) => {
		const { store, proxy } = await setUp(t);
		const bytes = randomBytes(6 * SEGMENT);
		const { location } = await store.put(randomUUID(), sourceOf(bytes), call);
		let cut = false;
		const chunks: Uint8Array[] = [];
		for await (const chunk of store.get(location, { start: 0, end: bytes.length }, call)) {
			chunks.push(Buffer.from(chunk));
			if (!cut) breakOnce(proxy);
			cut = true;
		}
		assert.equal(digestOf(Buffer.concat(chunks)), digestOf(bytes));
	});

	it('refuses while nobody listens, and works again after', { skip }, async (t) => {
		const { store, proxy, names } = await setUp(t);
		proxy.cut();
		await failsWith('unavailable', store.put(randomUUID(), sourceOf(randomBytes(9)), call));
		await failsWith('unavailable', store.check(call));
		proxy.mend();
		await store.check(call);
		assert.deepEqual(await names(), []);
	});

	for (const point of [PIECE, 2.5 * SEGMENT])
		it(`an upload that stalls after ${point} bytes is given up`, { skip }, async (t) => {
			const { store, proxy, names } = await setUp(t, { stallMs: 700 });
			const source = harmed(8 * SEGMENT, point, proxy.pause, proxy.resume);
			await failsWith('unavailable', store.put(randomUUID(), source, call));
			assert.deepEqual(await names(), []);
		});

	it('a download that stalls is given up', { skip }, async (t) => {
		const { store, proxy } = await setUp(t, { stallMs: 700, tries: 1 });
		const bytes = randomBytes(8 * SEGMENT);
		const { location } = await store.put(randomUUID(), sourceOf(bytes), call);
		proxy.pause();
		await failsWith('unavailable', readAll(store.get(location, 'whole', call)));
	});

	it('nonsense is no reason to try again', { skip }, async (t) => {
		const nonsense = createServer((socket) => {
			socket.on('error', () => undefined);
			socket.once('data', (head) => {
				const status = /^HEAD \/v1\/AUTH_test\/[^/]+\//.test(head.toString()) ? '404 Not Found' : '204 No Content';
				const sense = `HTTP/1.1 ${status}\r\nconnection: close\r\n\r\n`;
				socket.end(head.toString().startsWith('HEAD') ? sense : 'SSH-2.0-OpenSSH_9.2\r\n\r\n');
			});
		}).listen(0, '127.0.0.1');
		t.after(() => void nonsense.close());
		await once(nonsense, 'listening');
		const driver = await openSwiftDriver(t, options((nonsense.address() as AddressInfo).port));
		t.after(() => driver[Symbol.asyncDispose]());
		const store = testStore('depot', driver);
		const location = driver.locate('key') ?? '';
		await failsWith('store-failed', store.put(randomUUID(), sourceOf(randomBytes(9)), call));
		await failsWith('store-failed', readAll(store.get(location, 'whole', call)));
		const auth = { swift_store_auth_address: `http://127.0.0.1:${(nonsense.address() as AddressInfo).port}/auth/v1.0` };
		await rejectsWith('store-failed', openSwiftDriver(t, { ...options(real.port), ...auth }));
	});
});

function options(port: number) {
	return {
		swift_store_auth_version: '1',
		swift_store_auth_address: real.authUrl,
		swift_store_user: 'test:tester',
		swift_store_key: 'testing',
		swift_store_endpoint: `http://127.0.0.1:${port}/v1/AUTH_test`,
		swift_store_container: `c-${randomUUID()}`,
		swift_store_create_container_on_put: 'true',
		swift_store_large_object_size: '2',
		swift_store_large_object_chunk_size: '1',
	};
}

/** The login goes straight, everything else through the link. */
async function setUp(t: TestContext, limits: Partial<StoreLimits> = {}) {
	const proxy = await startTcpProxy({ port: real.port });
	const said = options(proxy.port);
	const driver = await openSwiftDriver(t, said);
	t.after(async () => {
		await driver[Symbol.asyncDispose]();
		await proxy[Symbol.asyncDispose]();
	});
	const names = async () => (await real.account.names(said.swift_store_container)) ?? [];
	return { store: testStore('depot', driver, limits), proxy, names };
}

/** Harms the link once so many bytes are given, and mends it when nobody reads any more. */
function harmed(total: number, point: number, harm: () => void, mend: () => void): ObjectSource {
	return {
		async *read() {
			try {
				for (let sent = 0; sent < total; ) {
					const next = Math.min(PIECE, sent < point ? point - sent : total - sent);
					yield randomBytes(next);
					sent += next;
					if (sent === point) harm();
				}
			} finally {
				mend();
			}
		},
	};
}

function breakOnce(proxy: TcpProxy): void {
	proxy.cut();
	proxy.mend();
}

async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
	const all: Uint8Array[] = [];
	for await (const chunk of chunks) all.push(Buffer.from(chunk));
	return Buffer.concat(all);
}

async function failsWith(code: ErrorCode, work: Promise<unknown>): Promise<void> {
	await assert.rejects(work, (error: unknown) => {
		assert.equal(codeOf(error), code, String(error));
		assert.match((error as Error).message, /^store depot: /);
		return true;
	});
}
