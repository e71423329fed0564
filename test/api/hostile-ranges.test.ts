/** Ranges that no honest client sends, over real bytes: the right part, or the right refusal, and never a fault. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type ApiServer, startApi } from '../support/api-server.ts';

const TEN = Buffer.from('0123456789');
const HUGE = String(2n ** 63n);

/** header, then the part as [start, end) or the status of a refusal */
const CASES: readonly (readonly [range: string, expected: readonly [number, number] | 400 | 416])[] = [
	...['bytes=0-9', 'bytes=0-', 'bytes=0-10', `bytes=0-${HUGE}`, `bytes=-${HUGE}`, 'bytes=-10', 'bytes=00-09'].map(
		(range) => [range, [0, 10]] as const,
	),
	['bytes=0-0', [0, 1]],
	['bytes=9-', [9, 10]],
	['bytes=9-9', [9, 10]],
	['bytes=9-99', [9, 10]],
	['bytes=-1', [9, 10]],
	[' bytes=1-2 ', [1, 3]],
	['bytes= 1-2', [1, 3]],
	...[
		'bytes=0-0,-1',
		'bytes=0-0,0-0',
		'bytes=,',
		'bytes=0-1,',
		'bytes=,0-1',
		'bytes=0-1;2-3,4-5',
		'bytes=a,b',
		'bytes=99-,98-',
	].map((range) => [range, 400] as const),
	[`bytes=${Array.from({ length: 1500 }, (_, n) => `${n}-${n}`).join(',')}`, 400],
	...['bytes=-0', 'bytes=10-', 'bytes=10-11', `bytes=${HUGE}-`, `bytes=${HUGE}-${HUGE}`, 'bytes=5-2', 'bytes=9-8'].map(
		(range) => [range, 416] as const,
	),
	...[
		'bytes=',
		'bytes=-',
		'bytes',
		'bytes=--1',
		'bytes=-1-',
		'bytes=1--2',
		'bytes=1-2-3',
		'bytes=1 - 2',
		'bytes=1- 2',
		'bytes:0-1',
	].map((range) => [range, 416] as const),
	...['BYTES=0-1', 'Bytes=0-1', 'byte=0-1', 'items=0-1', 'none', 'foo', '0-1', '=0-1', 'bytes==0-1', 'bytes=0x0-0x1'].map(
		(range) => [range, 416] as const,
	),
	...[
		'bytes=1e0-2',
		'bytes=+1-2',
		'bytes=1-+2',
		'bytes=1.0-2',
		'bytes=NaN-',
		'bytes=-Infinity',
		'bytes=٠-١',
		'bytes=\u00a01-2',
	].map((range) => [range, 416] as const),
	...['bytes=0-1/10', 'bytes 0-1', 'bytes=0-1 bytes=2-3', 'bytes=%30-1', "bytes=0-1'--", 'bytes={}'].map(
		(range) => [range, 416] as const,
	),
];

describe('a range', () => {
	let api: ApiServer;
	let path: string;
	before(async () => {
		api = await startApi();
		path = `/v2/images/${await api.active(TEN)}/file`;
	});
	after(() => api[Symbol.asyncDispose]());

	it(`there are ${CASES.length} of them`, () => assert.ok(CASES.length >= 60));
	for (const [range, expected] of CASES)
		it(`${JSON.stringify(range).slice(0, 50)} is ${Array.isArray(expected) ? expected.join(' to ') : expected}`, async () => {
			const header = Buffer.from(range).toString('latin1');
			for (const method of ['GET', 'HEAD']) {
				const { status, headers, bytes } = await api.ask(method, path, { headers: { range: header } });
				if (typeof expected === 'number') {
					assert.deepEqual([status, headers['content-range']], [expected, expected === 416 ? 'bytes */10' : undefined], method);
					assert.equal(headers['content-md5'], undefined);
				} else {
					const [start, end] = expected;
					assert.deepEqual([status, headers['content-range']], [206, `bytes ${start}-${end - 1}/10`], method);
					assert.equal(headers['content-length'], String(end - start));
					assert.deepEqual(bytes, method === 'HEAD' ? Buffer.alloc(0) : TEN.subarray(start, end));
				}
			}
		});

	it('sent twice is refused', async () => {
		const socket = api.connect();
		socket.end(
			`GET ${path} HTTP/1.1\r\nHost: ${new URL(api.url).host}\r\nRange: bytes=0-1\r\nRange: bytes=2-3\r\nConnection: close\r\n\r\n`,
		);
		const answer = Buffer.concat(await Array.fromAsync(socket)).toString();
		assert.match(answer, /^HTTP\/1\.1 400 /);
	});
	it('of ten thousand parts does not fit into the headers', async () => {
		const range = `bytes=${Array.from({ length: 10_000 }, (_, n) => `${n}-${n}`).join(',')}`;
		assert.equal((await api.ask('GET', path, { headers: { range } })).status, 431);
	});
	it('of an image without bytes is never satisfied', async () => {
		const empty = `/v2/images/${await api.active(Buffer.alloc(0))}/file`;
		for (const range of ['bytes=0-0', 'bytes=-1', 'bytes=0-']) {
			const { status, headers } = await api.ask('GET', empty, { headers: { range } });
			assert.deepEqual([status, headers['content-range']], [416, 'bytes */0'], range);
		}
	});
});
