/** The tools of the whole-node tests are themselves tested: a proxy that loses bytes would accuse the product. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { sampleContent } from '../support/sample-content.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

const MIB = 1024 * 1024;

/** Sends everything back. */
async function startEcho() {
	const server = createServer((socket) => {
		pipeline(socket, socket).catch(() => {});
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	return { port: (server.address() as AddressInfo).port, [Symbol.dispose]: () => void server.close() };
}

async function roundTrip(port: number, bytes: Buffer): Promise<string> {
	const socket = connect(port, '127.0.0.1');
	const hash = createHash('sha256');
	let received = 0;
	socket.end(bytes);
	for await (const chunk of socket as AsyncIterable<Buffer>) {
		hash.update(chunk);
		received += chunk.length;
	}
	assert.equal(received, bytes.length);
	return hash.digest('hex');
}

test('sample content is the same bytes at every offset', async () => {
	const content = sampleContent('offsets', 3 * MIB + 77);
	const whole = Buffer.concat(await Array.fromAsync(content.pieces()));
	assert.equal(whole.length, content.size);
	for (const [start, end] of [
		[0, 1],
		[15, 17],
		[MIB - 3, MIB + 5],
		[2 * MIB, content.size],
	] as const)
		assert.deepEqual(content.slice(start, end), whole.subarray(start, end));
	assert.equal(content.sha512(), createHash('sha512').update(whole).digest('hex'));
	assert.notEqual(sampleContent('other', MIB).sha512(), sampleContent('offsets', MIB).sha512());
});

test('the proxy passes bytes on unchanged, also when slowed and delayed', async () => {
	using echo = await startEcho();
	await using proxy = await startTcpProxy(echo);
	const bytes = sampleContent('proxy', 4 * MIB).slice(0, 4 * MIB);
	const expected = createHash('sha256').update(bytes).digest('hex');
	assert.equal(await roundTrip(proxy.port, bytes), expected);
	proxy.delay(5);
	proxy.limit(64 * MIB);
	assert.equal(await roundTrip(proxy.port, bytes), expected);
	assert.equal(proxy.bytes(), 4 * bytes.length);
});

test('a cut link breaks what runs, refuses what comes, and works again when mended', async () => {
	using echo = await startEcho();
	await using proxy = await startTcpProxy(echo);
	const socket = connect(proxy.port, '127.0.0.1');
	await once(socket, 'connect');
	socket.write('x');
	await once(socket, 'data');
	const broken = new Promise((resolve) => socket.once('error', resolve));
	proxy.cut();
	await broken;
	await assert.rejects(roundTrip(proxy.port, Buffer.from('y')));
	proxy.mend();
	await roundTrip(proxy.port, Buffer.from('z'));
});

test('a paused link keeps its connections and delivers nothing until it is resumed', async () => {
	using echo = await startEcho();
	await using proxy = await startTcpProxy(echo);
	proxy.pause();
	const back = roundTrip(proxy.port, Buffer.from('late'));
	const socket = connect(proxy.port, '127.0.0.1');
	await once(socket, 'connect');
	socket.destroy();
	assert.equal(proxy.bytes(), 0);
	proxy.resume();
	await back;
	await eventually('both directions counted', () => (proxy.bytes() === 8 ? true : undefined));
});
