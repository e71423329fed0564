/** Tuned and stock Noise are the same on the wire, and the tuned one never uses memory again that somebody may still read. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { Libp2p, Stream } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { createLibp2p } from 'libp2p';
import { emptied } from '#exchange/emptied.ts';
import { giveBack } from '#exchange/loans.ts';
import { tunedNoise } from '#exchange/tuned-noise/tuned-noise.ts';
import { eventually } from '../support/eventually.ts';
import { testIdentity } from '../support/exchange-parts.ts';

const MiB = 1 << 20;
const PROTOCOL = '/test/bytes/1';
const NOISES = { tuned: await tunedNoise(), stock: noise() };
type Kind = keyof typeof NOISES;

async function startNode(kind: Kind, listen: string[] = []): Promise<Libp2p> {
	const encrypter = NOISES[kind];
	assert.ok(encrypter, 'the native library loads on this machine');
	return createLibp2p({
		addresses: { listen },
		transports: [tcp()],
		connectionEncrypters: [encrypter],
		streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: 4 * MiB, maxReadBufferLength: 8 * MiB } })],
		connectionMonitor: { enabled: false },
	});
}

interface Pair extends AsyncDisposable {
	readonly near: Stream;
	readonly far: Stream;
}

/** Two nodes and both ends of one stream between them. */
async function openPair(dialler: Kind, listener: Kind): Promise<Pair> {
	const [a, b] = await Promise.all([startNode(dialler), startNode(listener, ['/ip4/127.0.0.1/tcp/0'])]);
	const arrived = Promise.withResolvers<Stream>();
	await b.handle(PROTOCOL, (stream) => arrived.resolve(stream));
	const connection = await a.dial(b.getMultiaddrs());
	const near = await connection.newStream([PROTOCOL]);
	return {
		near,
		far: await arrived.promise,
		async [Symbol.asyncDispose]() {
			await Promise.all([a.stop(), b.stop()]);
		},
	};
}

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Sends in pieces of many sizes out of one buffer, which is overwritten as soon as the stream says it has taken the bytes. */
async function sendAll(stream: Stream, data: Uint8Array, sizes: readonly number[]): Promise<void> {
	const scratch = Buffer.alloc(Math.max(...sizes));
	for (let at = 0, turn = 0; at < data.byteLength; turn++) {
		const size = Math.min(sizes[turn % sizes.length] as number, data.byteLength - at);
		scratch.set(data.subarray(at, at + size));
		stream.send(scratch.subarray(0, size));
		await emptied(stream, 10_000);
		scratch.fill(0xee);
		at += size;
	}
}

/** Resolves with what came. Most pieces are given back at once, some are held: these must read the same at the end. */
function receiveAll(stream: Stream, length: number): Promise<string> {
	const { promise, resolve, reject } = Promise.withResolvers<string>();
	const hash = createHash('sha256');
	const held: { piece: Uint8Array; digest: string }[] = [];
	let received = 0;
	let pieces = 0;
	stream.addEventListener('close', ({ error }) => error && reject(error));
	stream.addEventListener('message', ({ data }) => {
		for (const piece of data instanceof Uint8Array ? [data] : data) {
			hash.update(piece);
			received += piece.byteLength;
			if (pieces++ % 7 === 0) held.push({ piece, digest: hashOf(piece) });
			else giveBack(piece);
		}
		if (received < length) return;
		assert.equal(received, length);
		assert.ok(held.length > 10);
		for (const { piece, digest } of held) assert.equal(hashOf(piece), digest, 'a piece has changed while it was held');
		resolve(hash.digest('hex'));
	});
	return promise;
}

for (const [dialler, listener] of [
	['tuned', 'tuned'],
	['tuned', 'stock'],
	['stock', 'tuned'],
] as const) {
	test(`64 MiB go both ways at once between ${dialler} and ${listener} noise, byte for byte`, async () => {
		await using pair = await openPair(dialler, listener);
		const there = randomBytes(64 * MiB);
		const back = randomBytes(64 * MiB);
		const arrivals = Promise.all([receiveAll(pair.far, there.byteLength), receiveAll(pair.near, back.byteLength)]);
		const sizes = [1, 65_519, 65_520, 12, 200_001, 1_048_576, 2_047, 2_048, 32_768, 32_769, 300_000, 17];
		const send = (kind: Kind, stream: Stream, data: Uint8Array): Promise<void> =>
			// stock noise keeps references to what it is given: its buffers are not overwritten
			kind === 'tuned' ? sendAll(stream, data, sizes) : Promise.resolve(void stream.send(data));
		await Promise.all([send(dialler, pair.near, there), send(listener, pair.far, back)]);
		const [far, near] = await arrivals;
		assert.equal(far, hashOf(there));
		assert.equal(near, hashOf(back));
	});
}

test('pieces of random sizes arrive as they were sent', async () => {
	await using pair = await openPair('tuned', 'tuned');
	const data = randomBytes(8 * MiB);
	const sizes = Array.from({ length: 200 }, () => 1 + (randomBytes(3).readUIntBE(0, 3) % 150_000));
	const arrival = receiveAll(pair.far, data.byteLength);
	await sendAll(pair.near, data, sizes);
	assert.equal(await arrival, hashOf(data));
});

test('a flipped bit on the wire ends the connection and delivers nothing of the message', async () => {
	const { createSealer, createOpener, loadSodium } = await import('#exchange/tuned-noise/cipher.ts');
	const sodium = await loadSodium();
	assert.ok(sodium);
	const key = randomBytes(32);
	const plain = randomBytes(1000);
	const sealed = Buffer.alloc(1016);
	createSealer(sodium, key).seal(plain, sealed);
	const good = Buffer.from(sealed);
	createOpener(sodium, key).open(good, good.subarray(0, 1000));
	assert.deepEqual(good.subarray(0, 1000), plain);
	sealed.writeUInt8(sealed.readUInt8(500) ^ 1, 500);
	const target = Buffer.alloc(1000);
	assert.throws(() => createOpener(sodium, key).open(sealed, target), { code: 'corrupt' });
	assert.deepEqual(target, Buffer.alloc(1000));
});

test('both sides learn who the other is, and a dialler refuses whoever is not the one it asked for', async () => {
	const [a, b, c] = await Promise.all([
		startNode('tuned'),
		startNode('tuned', ['/ip4/127.0.0.1/tcp/0']),
		startNode('stock', ['/ip4/127.0.0.1/tcp/0']),
	]);
	try {
		const connection = await a.dial(b.getMultiaddrs());
		assert.equal(connection.remotePeer.toString(), b.peerId.toString());
		await eventually(
			'the listener to know the dialler',
			() => b.getPeers().map(String).includes(a.peerId.toString()) || undefined,
		);
		const [address] = c.getMultiaddrs();
		assert.ok(address);
		const { peer } = await testIdentity();
		await assert.rejects(a.dial(address.decapsulate('/p2p').encapsulate(`/p2p/${peer}`)), /does not match expected/);
	} finally {
		await Promise.all([a.stop(), b.stop(), c.stop()]);
	}
});
