/** Image data through the clients' door: ranges and conditions, bad uploads, clients that go or stall. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { get as httpGet, request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { ImageError } from '#domain/errors.ts';
import type { ImageData } from '#domain/ports/image-data.ts';
import { type ApiServer, OCTETS, replyOf, startApi } from '../support/api-server.ts';
import { eventually } from '../support/eventually.ts';
import { memoryImageData } from '../support/memory-image-data.ts';
import { testSite } from '../support/onion.ts';

const TEN = Buffer.from('0123456789');
let api: ApiServer;
let data: ReturnType<typeof memoryImageData>;
before(async () => {
	data = memoryImageData();
	api = await startApi({ site: await testSite({ data }) });
});
after(() => api[Symbol.asyncDispose]());

const put = (id: string, headers: Readonly<Record<string, string>>, body?: Uint8Array) =>
	api.ask('PUT', `/v2/images/${id}/file`, { headers, ...(body && { body }) });
const statusOf = async (id: string) => (await api.ask('GET', `/v2/images/${id}`)).json.status;
const untilQueued = (id: string) =>
	eventually('the image to be queued again', async () => ((await statusOf(id)) === 'queued' ? true : undefined));

/** An upload that is under way: the server has begun to read. */
async function beginUpload(id: string, headers: Readonly<Record<string, string>> = {}) {
	const request = httpRequest(`${api.url}/v2/images/${id}/file`, {
		method: 'PUT',
		agent: false,
		headers: { ...OCTETS, ...headers },
	});
	const response = new Promise<IncomingMessage>((resolve, reject) => request.once('response', resolve).on('error', reject));
	response.catch(() => {});
	request.write('begin');
	await eventually('the image to be saving', async () => ((await statusOf(id)) === 'saving' ? true : undefined));
	return { request, response };
}

describe('download', () => {
	let id: string;
	const get = (headers: Readonly<Record<string, string>> = {}, method = 'GET') =>
		api.ask(method, `/v2/images/${id}/file`, { headers });
	before(async () => {
		id = await api.active(TEN);
	});

	it("has Glance's headers and those of a static file", async () => {
		const { status, headers, bytes } = await get();
		assert.equal(status, 200);
		assert.deepEqual(bytes, TEN);
		assert.deepEqual(
			[headers['content-type'], headers['content-length'], headers['content-md5'], headers['accept-ranges']],
			['application/octet-stream', '10', '781e5e245d69b566979b86e28d23f2c7', 'bytes'],
		);
		assert.match(String(headers.etag), /^"[0-9a-f]{128}"$/);
		assert.match(String(headers['x-openstack-request-id']), /^req-/);
	});
	it('HEAD has the same headers and no body', async () => {
		const [whole, head] = [await get(), await get({}, 'HEAD')];
		assert.deepEqual([head.status, head.bytes.length], [200, 0]);
		for (const name of ['content-type', 'content-length', 'content-md5', 'accept-ranges', 'etag'])
			assert.equal(head.headers[name], whole.headers[name], name);
		const part = await get({ range: 'bytes=2-4' }, 'HEAD');
		assert.deepEqual([part.status, part.headers['content-length'], part.headers['content-range']], [206, '3', 'bytes 2-4/10']);
	});

	const RANGES: readonly (readonly [header: string, status: number, body: string, contentRange?: string])[] = [
		['bytes=0-4', 206, '01234', 'bytes 0-4/10'],
		['bytes=4-', 206, '456789', 'bytes 4-9/10'],
		['bytes=4-100', 206, '456789', 'bytes 4-9/10'],
		['bytes=-2', 206, '89', 'bytes 8-9/10'],
		['bytes=-20', 206, '0123456789', 'bytes 0-9/10'],
		['bytes=10-', 416, '', 'bytes */10'],
		['bytes=5-2', 416, '', 'bytes */10'],
		['foo', 416, '', 'bytes */10'],
		['bytes=0-1,3-4', 400, ''],
	];
	for (const [range, status, body, contentRange] of RANGES)
		it(`Range: ${range} is ${status}`, async () => {
			const reply = await get({ range });
			assert.deepEqual([reply.status, reply.headers['content-range']], [status, contentRange]);
			if (status === 206)
				assert.deepEqual([reply.text, reply.headers['content-md5']], [body, '781e5e245d69b566979b86e28d23f2c7']);
		});
	it('the legacy Content-Range request header works', async () => {
		const reply = await get({ 'content-range': 'bytes 1-3/*' });
		assert.deepEqual([reply.status, reply.text, reply.headers['content-range']], [206, '123', 'bytes 1-3/10']);
	});
	it('conditions: 304 for who has it, the whole for who has something else', async () => {
		const etag = String((await get()).headers.etag);
		assert.equal((await get({ 'if-none-match': etag })).status, 304);
		assert.equal((await get({ 'if-none-match': '"other"' })).status, 200);
		assert.equal((await get({ range: 'bytes=0-1', 'if-range': etag })).status, 206);
		assert.equal((await get({ range: 'bytes=0-1', 'if-range': '"other"' })).status, 200);
	});
	it('an empty image is 200 and empty, an image without data 204', async () => {
		const empty = await api.ask('GET', `/v2/images/${await api.active(Buffer.alloc(0))}/file`);
		assert.deepEqual([empty.status, empty.headers['content-length']], [200, '0']);
		const queued = await api.queued();
		for (const method of ['GET', 'HEAD']) assert.equal((await api.ask(method, `/v2/images/${queued}/file`)).status, 204);
	});
	it('several megabytes arrive as they were sent', async () => {
		const bytes = randomBytes(5 * 1024 * 1024 + 123);
		const big = await api.active(bytes);
		assert.ok((await api.ask('GET', `/v2/images/${big}/file`)).bytes.equals(bytes));
		const part = await api.ask('GET', `/v2/images/${big}/file`, { headers: { range: 'bytes=1048000-3145999' } });
		assert.ok(part.bytes.equals(bytes.subarray(1_048_000, 3_146_000)));
	});
});

describe('a download whose source fails', () => {
	const failing = (read: ImageData['read']) => async () =>
		startApi({ site: await testSite({ data: { ...memoryImageData(), read } }) });

	it('before the first byte is a clean 503', async () => {
		const nothing = () => ({
			[Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new ImageError('unavailable', 'no holder has block 0')) }),
		});
		await using broken = await failing(nothing)();
		const { status, headers } = await broken.ask('GET', `/v2/images/${await broken.active(TEN)}/file`);
		assert.deepEqual([status, headers['retry-after'], headers['content-md5']], [503, '10', undefined]);
	});
	it('later cuts the connection: a short body never looks complete', async () => {
		await using broken = await failing(async function* () {
			yield TEN.subarray(0, 4);
			throw new ImageError('unavailable', 'no holder has block 1');
		})();
		const id = await broken.active(TEN);
		await assert.rejects(broken.ask('GET', `/v2/images/${id}/file`), { code: 'ECONNRESET' });
		assert.equal(broken.events.at(-1)?.priority, 'error');
		assert.equal((await broken.ask('GET', '/livez')).status, 200);
	});
	it('that gives too little or too much is cut as well', async () => {
		for (const given of [TEN.subarray(0, 9), Buffer.concat([TEN, TEN])]) {
			await using broken = await failing(async function* () {
				yield given;
			})();
			await assert.rejects(broken.ask('GET', `/v2/images/${await broken.active(TEN)}/file`), `${given.length} bytes`);
		}
	});
	it('stops being read when the client goes', async () => {
		const stopped = Promise.withResolvers<unknown>();
		await using endless = await failing(async function* (_content, _range, { signal }) {
			yield TEN.subarray(0, 1);
			signal.addEventListener('abort', () => stopped.resolve(signal.reason));
			await stopped.promise;
			throw signal.reason;
		})();
		const id = await endless.active(TEN);
		const request = httpGet(`${endless.url}/v2/images/${id}/file`, (response) => response.once('data', () => request.destroy()));
		request.on('error', () => {});
		assert.equal(((await stopped.promise) as ImageError).code, 'aborted');
	});
	it('a client that takes nothing is given up', async () => {
		const bytes = Buffer.alloc(64 * 1024 * 1024);
		const log: object[] = [];
		const errors = { debug() {}, info: (fields: object) => void log.push(fields), warn() {}, error() {}, child: () => errors };
		await using stalled = await startApi({ limits: { stallMs: 50 }, log: errors });
		const id = await stalled.active(bytes);
		const response = await new Promise<IncomingMessage>((resolve) => httpGet(`${stalled.url}/v2/images/${id}/file`, resolve));
		response.on('error', () => {}).pause();
		await eventually('the download to be cut', () => (log.some((line) => 'cut' in line) ? true : undefined));
		response.destroy();
	});
});

describe('upload', () => {
	it('needs application/octet-stream', async () => {
		const id = await api.queued();
		for (const headers of [{}, { 'content-type': 'text/plain' }, { 'content-type': 'application/json' }])
			assert.equal((await put(id, headers, TEN)).status, 415);
		assert.equal(await statusOf(id), 'queued');
	});
	it('needs both formats, a queued image and one that exists', async () => {
		const { json } = await api.ask('POST', '/v2/images', { body: {} });
		assert.equal((await put(json.id, OCTETS, TEN)).status, 400);
		assert.equal((await put(await api.active(TEN), OCTETS, TEN)).status, 409);
		assert.equal((await put(crypto.randomUUID(), OCTETS, TEN)).status, 404);
	});
	it('takes chunked bodies, and empty ones', async () => {
		const id = await api.queued();
		const request = httpRequest(`${api.url}/v2/images/${id}/file`, { method: 'PUT', agent: false, headers: OCTETS });
		const response = once(request, 'response');
		request.write('01234');
		request.end('56789');
		assert.equal(((await response) as [IncomingMessage])[0].statusCode, 204);
		assert.equal((await api.ask('GET', `/v2/images/${id}`)).json.size, 10);
		assert.equal((await put(await api.queued(), { ...OCTETS, 'content-length': '0' })).status, 204);
	});
	it('a body shorter or longer than X-OpenStack-Image-Size is 400, and the image queued again', async () => {
		const id = await api.queued();
		for (const size of ['9', '11', 'x', '-1', '1.5', '']) {
			const { status } = await put(id, { ...OCTETS, 'x-openstack-image-size': size }, TEN);
			assert.equal(status, 400, size);
			assert.equal(await statusOf(id), 'queued');
		}
		assert.equal((await put(id, { ...OCTETS, 'x-openstack-image-size': '10' }, TEN)).status, 204);
	});
	it('of two at once one is 409 and the other one served', async () => {
		const id = await api.queued();
		const first = await beginUpload(id);
		assert.equal((await put(id, OCTETS, TEN)).status, 409);
		first.request.end();
		assert.equal((await first.response).statusCode, 204);
		assert.equal((await api.ask('GET', `/v2/images/${id}/file`)).text, 'begin');
	});
	it('a client that goes leaves the image queued and no bytes', async () => {
		const id = await api.queued();
		const before = data.contents.size;
		const { request } = await beginUpload(id, { 'content-length': '1000' });
		request.destroy();
		await untilQueued(id);
		assert.equal(data.contents.size, before);
		assert.equal((await put(id, OCTETS, TEN)).status, 204);
	});
	it('of an image deleted meanwhile is 410', async () => {
		const id = await api.queued();
		const { request, response } = await beginUpload(id);
		assert.equal((await api.ask('DELETE', `/v2/images/${id}`)).status, 204);
		request.end('rest');
		assert.equal((await response).statusCode, 410);
	});
	it('too slow is 408', async () => {
		await using slow = await startApi({ limits: { pace: { minBytes: 100, windowMs: 30 } } });
		const id = await slow.queued();
		const request = httpRequest(`${slow.url}/v2/images/${id}/file`, {
			method: 'PUT',
			headers: { ...OCTETS, 'content-length': '1000' },
		});
		const response = new Promise<IncomingMessage>((resolve) => request.once('response', resolve).on('error', () => {}));
		request.write('a few');
		assert.equal((await response).statusCode, 408);
		request.destroy();
		assert.equal((await slow.ask('GET', `/v2/images/${id}`)).json.status, 'queued');
	});
	it('too large is 413 and tells nobody to send on', async () => {
		await using small = await startApi({
			site: await testSite({ limits: { imageSizeCap: 5, imageProperties: 9, imageTags: 9, imageMembers: 9 } }),
		});
		const id = await small.queued();
		assert.equal((await small.ask('PUT', `/v2/images/${id}/file`, { headers: OCTETS, body: TEN })).status, 413);
		assert.equal((await small.ask('GET', `/v2/images/${id}`)).json.status, 'queued');
	});
});

describe('an answer before the body', () => {
	it('reaches a client that is still sending, and the connection ends', async () => {
		await using hasty = await startApi({ limits: { drain: { maxBytes: 1024 * 1024, maxMs: 200 } } });
		const id = await hasty.queued();
		const socket = hasty.connect();
		let answer = '';
		socket.on('data', (chunk) => {
			answer += chunk;
		});
		socket.on('error', () => {});
		socket.write(
			`PUT /v2/images/${id}/file HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n`,
		);
		const chunk = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(0x10000), Buffer.from('\r\n')]);
		const send = (error?: Error | null) => {
			if (!error && socket.writable) socket.write(chunk, send);
		};
		send();
		await new Promise((resolve) => socket.once('close', resolve));
		assert.match(answer, /^HTTP\/1\.1 415 .*connection: close.*octet-stream/is);
	});
	it('reaches a client that reads only when it has sent everything', async () => {
		const id = await api.queued();
		const socket = api.connect().pause();
		const body = Buffer.alloc(8 * 1024 * 1024);
		socket.write(
			`PUT /v2/images/${id}/file HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n`,
		);
		await new Promise<void>((resolve, reject) => socket.write(body, (error) => (error ? reject(error) : resolve())));
		assert.match(await text(socket), /^HTTP\/1\.1 415 /);
	});
	it('100 Continue comes after the checks, never before a refusal', async () => {
		const ask = async (id: string) => {
			const request = httpRequest(`${api.url}/v2/images/${id}/file`, {
				method: 'PUT',
				agent: false,
				headers: { ...OCTETS, 'content-length': '10', expect: '100-continue' },
			});
			let continued = false;
			request.on('continue', () => {
				continued = true;
				request.end(TEN);
			});
			request.on('error', () => {});
			request.flushHeaders();
			const response = await new Promise<IncomingMessage>((resolve) => request.once('response', resolve));
			const { status } = await replyOf(response);
			request.destroy();
			return [status, continued];
		};
		const id = await api.queued();
		assert.deepEqual(await ask(id), [204, true]);
		assert.deepEqual(await ask(id), [409, false]);
		assert.deepEqual(await ask(crypto.randomUUID()), [404, false]);
	});
	it('a connection is kept for the next request when the body has arrived', async () => {
		const socket = api.connect();
		const body = JSON.stringify({ name: 3 });
		const request = `POST /v2/images HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
		socket.write(request);
		await once(socket, 'data');
		socket.write(`${request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')}`);
		assert.match(await text(socket), /400 Bad Request/);
	});
});

describe('stage', () => {
	it('takes bytes that are not served, and refuses what an upload refuses', async () => {
		await using api = await startApi();
		const id = await api.queued();
		const stage = (headers: Readonly<Record<string, string>>, body: Buffer) =>
			api.ask('PUT', `/v2/images/${id}/stage`, { headers, body });
		assert.equal((await stage({}, Buffer.from('x'))).status, 415);
		assert.equal((await stage({ ...OCTETS, 'x-openstack-image-size': '9' }, Buffer.from('x'))).status, 400);
		const staged = await stage(OCTETS, Buffer.from('staged'));
		assert.deepEqual([staged.status, staged.text], [204, '']);
		const { json } = await api.ask('GET', `/v2/images/${id}`);
		assert.deepEqual([json.status, json.size, json.checksum, 'staged' in json], ['uploading', 6, null, false]);
		assert.equal((await api.ask('GET', `/v2/images/${id}/file`)).status, 204);
		assert.equal((await stage(OCTETS, Buffer.from('again'))).status, 409);
		assert.equal((await api.ask('GET', `/v2/images/${id}/stage`)).headers.allow, 'PUT');
	});
});
