/** What becomes of S3 uploads and downloads when the link or the server misbehaves: the right error, and nothing left. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { after, describe, it, type TestContext } from 'node:test';
import { codeOf } from '#domain/errors.ts';
import type { ImageStore, ObjectSource } from '#domain/ports/stores.ts';
import type { StoreDriver } from '#store/driver.ts';
import type { StoreLimits } from '#store/store.ts';
import { eventually } from '../support/eventually.ts';
import { openS3, openS3In, radosgw, type S3Server } from '../support/s3-servers.ts';
import { collect, digestOf, signal, sourceOf } from '../support/store-driver-suite.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { temporaryDir } from '../support/temporary-dir.ts';
import { testStore } from '../support/test-store.ts';

const MiB = 1024 * 1024;
const PART = 5 * MiB;
const TOTAL = 3 * PART + 1000;
const call = { signal };
const found = await radosgw();
const skip = found.missing === false ? false : `s3 on ${found.name}: ${found.missing}`;
if (found.missing === false) {
	const { server } = found;
	after(() => server[Symbol.asyncDispose]());
}
const theServer = (): S3Server => {
	assert.ok(found.missing === false);
	return found.server;
};

interface Bench extends AsyncDisposable {
	readonly proxy: TcpProxy;
	readonly bucket: string;
	readonly driver: StoreDriver;
	readonly store: ImageStore;
	/** Fails unless there is nothing in the bucket, and nothing on its way. */
	isEmpty(): Promise<void>;
}

/** A store behind a link that can be broken. */
async function bench(t: TestContext, more: Record<string, string> = {}, limits: Partial<StoreLimits> = {}): Promise<Bench> {
	const server = theServer();
	await using stack = new AsyncDisposableStack();
	const proxy = stack.use(await startTcpProxy({ port: Number(new URL(server.endpoint).port) }));
	const bucket = await server.createBucket();
	const options = server.options(bucket, { s3_store_host: `http://127.0.0.1:${proxy.port}`, ...more });
	const driver = stack.use(await openS3(t, options));
	const parts = stack.move();
	return {
		proxy,
		bucket,
		driver,
		store: testStore('centre', driver, { tries: 1, ...limits }),
		async isEmpty() {
			// a request whose sender has gone may still be at work: what it leaves is taken back by the next check
			await eventually('an empty bucket', async () => {
				await driver.check(call);
				const left = [...(await server.keys(bucket)), ...(await server.pendingUploads(bucket))];
				return left.length === 0 ? true : undefined;
			});
		},
		[Symbol.asyncDispose]: () => parts.disposeAsync(),
	};
}

async function failsWith(codes: readonly string[], work: Promise<unknown>): Promise<void> {
	await assert.rejects(work, (error: unknown) => {
		assert.ok(codes.includes(codeOf(error) ?? ''), String(error));
		assert.match(String(error), /^ImageError: store centre: /);
		assert.doesNotMatch(String(error), /secret/);
		return true;
	});
}

/** Does something when so many bytes have been asked for. */
function sourceWith(atBytes: number, happens: () => void): ObjectSource {
	return {
		size: TOTAL,
		async *read() {
			const piece = randomBytes(64 * 1024);
			for (let sent = 0; sent < TOTAL; sent += piece.length) {
				if (sent <= atBytes && atBytes < sent + piece.length) happens();
				yield piece.subarray(0, Math.min(piece.length, TOTAL - sent));
			}
		},
	};
}

describe('s3 over a bad link', { skip }, () => {
	for (const [name, more] of [
		['in parts', {}],
		['in one piece', { s3_store_large_object_size: '100' }],
	] as const) {
		it(`an upload ${name} whose link is cut for good ends as unavailable, and leaves nothing`, async (t) => {
			await using at = await bench(t, more);
			for (let point = 0; point < 10; point += 1) {
				const bytes = Math.floor((TOTAL * point) / 9) - 1;
				await failsWith(['unavailable'], at.store.put(randomUUID(), sourceWith(Math.max(0, bytes), at.proxy.cut), call));
				at.proxy.mend();
				await at.isEmpty();
			}
		});

		it(`an upload ${name} whose connections are reset is stored whole or leaves nothing`, async (t) => {
			await using at = await bench(t, more);
			for (let point = 0; point < 10; point += 1) {
				const bytes = Math.max(0, Math.floor((TOTAL * point) / 9) - 1);
				const reset = () => {
					at.proxy.cut();
					at.proxy.mend();
				};
				const key = randomUUID();
				const put = at.store.put(key, sourceWith(bytes, reset), call);
				const stored = await put.then(
					({ location }) => location,
					(error: unknown) => assert.equal(codeOf(error), 'unavailable', String(error)),
				);
				if (typeof stored === 'string') await at.store.remove(stored, call);
				await at.isEmpty();
			}
		});
	}

	it('an upload whose link is cut while it begins or ends is stored whole or leaves nothing', async (t) => {
		await using at = await bench(t);
		const before = at.proxy.bytes();
		const { location } = await at.driver.put(randomUUID(), sourceOf(randomBytes(TOTAL)), call);
		const talk = at.proxy.bytes() - before;
		await at.driver.remove(location, call);
		for (let point = 0; point < 10; point += 1) {
			// early, where an upload begins, and late, where it ends
			const limit = point < 5 ? 200 + 400 * point : talk - 400 * (point - 5) - 1;
			const from = at.proxy.bytes();
			const watch = setInterval(() => at.proxy.bytes() - from >= limit && at.proxy.cut(), 0);
			const stored = await at.driver.put(randomUUID(), sourceOf(randomBytes(TOTAL)), call).then(
				(object) => object.location,
				(error: unknown) => assert.equal(codeOf(error), 'unavailable', String(error)),
			);
			clearInterval(watch);
			at.proxy.mend();
			if (typeof stored === 'string') await at.driver.remove(stored, call);
			await at.isEmpty();
		}
	});

	it('a repeatable source is sent again after the link has come back', async (t) => {
		await using at = await bench(t, { s3_store_large_object_size: '100' }, { tries: 3, pauseMs: 50 });
		let reads = 0;
		const data = randomBytes(2 * PART);
		const source: ObjectSource = {
			size: data.length,
			rereadable: true,
			async *read() {
				reads += 1;
				yield data.subarray(0, PART);
				if (reads === 1) at.proxy.cut();
				at.proxy.mend();
				yield data.subarray(PART);
			},
		};
		const { location } = await at.store.put(randomUUID(), source, call);
		assert.equal(reads, 2);
		assert.equal(digestOf(await collect(at.driver, location, 'whole')), digestOf(data));
	});

	it('a server that refuses connections is unavailable', async (t) => {
		await using at = await bench(t);
		const { location } = await at.store.put(randomUUID(), sourceOf(randomBytes(100)), call);
		at.proxy.cut();
		await failsWith(['unavailable'], at.store.put(randomUUID(), sourceOf(randomBytes(100)), call));
		await failsWith(['unavailable'], at.store.stat(location, call));
		await failsWith(['unavailable'], at.store.remove(location, call));
		await failsWith(['unavailable'], at.store.check(call));
		await failsWith(['unavailable'], readAll(at.store, location));
	});

	it('a link that swallows everything is given up, and what it held is taken back', async (t) => {
		await using at = await bench(t, {}, { stallMs: 500, answerMs: 500 });
		const { location } = await at.driver.put(randomUUID(), sourceOf(randomBytes(TOTAL)), call);
		const stalling: ObjectSource = {
			async *read() {
				try {
					yield randomBytes(2 * PART);
					at.proxy.pause();
					for (;;) yield randomBytes(PART);
				} finally {
					// given up
					at.proxy.resume();
				}
			},
		};
		await failsWith(['unavailable'], at.store.put(randomUUID(), stalling, call));
		at.proxy.pause();
		await failsWith(['unavailable'], at.store.stat(location, call));
		at.proxy.resume();
		await at.driver.remove(location, call);
		await at.isEmpty();
	});

	it('a download whose link is cut says so, and goes on where ranges are asked for', async (t) => {
		await using at = await bench(t, {}, { tries: 3 });
		const data = randomBytes(TOTAL);
		const { location } = await at.store.put(randomUUID(), sourceOf(data), call);
		const whole = async () => {
			for await (const chunk of at.store.get(location, 'whole', call)) if (chunk.length > 0) at.proxy.cut();
		};
		await failsWith(['unavailable'], whole());
		at.proxy.mend();
		const chunks: Uint8Array[] = [];
		for await (const chunk of at.store.get(location, { start: 5, end: TOTAL }, call)) {
			if (chunks.push(Buffer.from(chunk)) === 2) at.proxy.cut();
			at.proxy.mend();
		}
		assert.equal(digestOf(Buffer.concat(chunks)), digestOf(data.subarray(5)));
	});

	it('a crash leaves an upload that the next start takes back', async () => {
		const server = theServer();
		await using work = await temporaryDir();
		await using proxy = await startTcpProxy({ port: Number(new URL(server.endpoint).port) });
		const bucket = await server.createBucket();
		const options = server.options(bucket, { s3_store_host: `http://127.0.0.1:${proxy.port}` });
		const first = await openS3In(work.path, options);
		await assert.rejects(first.put(randomUUID(), sourceWith(2 * PART, proxy.cut), call));
		await first[Symbol.asyncDispose]();
		assert.equal((await server.pendingUploads(bucket)).length, 1);
		proxy.mend();
		await using _second = await openS3In(work.path, options);
		assert.deepEqual(await server.pendingUploads(bucket), []);
		assert.deepEqual(await server.keys(bucket), []);
	});
});

describe('an s3 server that talks nonsense', () => {
	const answers: Readonly<Record<string, readonly [string, string]>> = {
		'no HTTP at all': ['SSH-2.0-nonsense\r\n\r\n', 'store-failed'],
		'a page of some proxy': [http(200, '<html>welcome</html>'), 'store-failed'],
		'half an error document': [http(400, '<Error><Code>Weird</'), 'store-failed'],
		'too busy': [http(503, '<Error><Code>SlowDown</Code></Error>'), 'unavailable'],
		'an error of its own': [http(500, '<Error><Code>InternalError</Code></Error>'), 'unavailable'],
		'a full quota': [http(403, '<Error><Code>QuotaExceeded</Code></Error>'), 'full'],
		'an object too large': [http(400, '<Error><Code>EntityTooLarge</Code></Error>'), 'full'],
		'a closed door': [http(403, '<Error><Code>AccessDenied</Code></Error>'), 'forbidden'],
		'a bucket that has gone': [http(404, '<Error><Code>NoSuchBucket</Code></Error>'), 'store-failed'],
	};
	for (const [what, [answer, code]] of Object.entries(answers))
		it(`${what}: ${code}`, async (t) => {
			// what is asked before is answered as a server does that has a bucket and no objects
			await using fake = await speaking((request) =>
				request.startsWith('HEAD /images/ ') || request.startsWith('HEAD /images ')
					? http(200, '')
					: request.startsWith('HEAD')
						? http(404, '')
						: answer,
			);
			const options = {
				s3_store_host: `http://127.0.0.1:${fake.port}`,
				s3_store_access_key: 'a',
				s3_store_secret_key: 'secret',
				s3_store_bucket: 'images',
			};
			const store = testStore('centre', await openS3(t, options), { tries: 1 });
			await failsWith([code], store.put(randomUUID(), sourceOf(randomBytes(100)), call));
			if (what !== 'a page of some proxy') await failsWith([code], readAll(store, `s3://127.0.0.1:${fake.port}/images/x`));
		});
});

async function readAll(store: ImageStore, location: string): Promise<void> {
	for await (const chunk of store.get(location, { start: 0, end: 1 }, call)) assert.ok(chunk.length > 0);
}

function http(status: number, body: string): string {
	return `HTTP/1.1 ${status} X\r\nContent-Type: application/xml\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
}

/** Answers the first bytes of each connection, and closes it. */
async function speaking(answer: (request: string) => string): Promise<AsyncDisposable & { readonly port: number }> {
	const sockets = new Set<Socket>();
	const server = createServer((socket) => {
		sockets.add(socket);
		socket.once('close', () => sockets.delete(socket));
		socket.on('error', () => {});
		socket.once('data', (head) => socket.end(answer(head.toString('latin1'))));
		socket.resume();
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	return {
		port: (server.address() as AddressInfo).port,
		async [Symbol.asyncDispose]() {
			for (const socket of sockets) socket.destroy();
			server.close();
			if (server.listening) await once(server, 'close');
		},
	};
}
