/** Members that lie, flood, stall or vanish: the door stays up, memory stays bounded, buffers stay their owners'. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { Stream } from '@libp2p/interface';
import type { BlockSession, BlockSource } from '#content/ports.ts';
import type { ContentRef } from '#domain/image.ts';
import { createFrameCheck } from '#exchange/bounded-yamux.ts';
import { openFrames } from '#exchange/frames.ts';
import { BLOCKS_PROTOCOL, MAX_OPEN_FRAME_BYTES } from '#exchange/protocols/blocks/constants.ts';
import {
	type AnswerHeader,
	decodeOpenAnswer,
	encodeAnswerHeader,
	encodeOpen,
	encodeOpenAnswer,
	encodeRequest,
} from '#exchange/protocols/blocks/messages.ts';
import { HELLO_PROTOCOL } from '#exchange/protocols/hello/constants.ts';
import { RECORDS_PROTOCOL } from '#exchange/protocols/records/constants.ts';
import { encodeHave } from '#exchange/protocols/records/messages.ts';
import { eventually, within } from '../support/eventually.ts';
import { type TestContent, testContent, testFleet } from '../support/exchange-parts.ts';
import { closed, drain, frame, type RawPeer, startRawPeer } from '../support/raw-peer.ts';
import { meet, startTestNode, type TestNode } from '../support/test-node.ts';

const BLOCK = 1 << 16;
const PATTERN = 0xa5;
const PATIENCE_MS = 5_000;
const never = new AbortController().signal;
const content = testContent(randomBytes(8 * BLOCK + 99), BLOCK);
const block = (index: number): Buffer => Buffer.from(content.bytes.subarray(index * BLOCK, (index + 1) * BLOCK));

function answer(header: AnswerHeader, body: Uint8Array = Buffer.alloc(0)): Buffer {
	return Buffer.concat([encodeAnswerHeader(header), body]);
}

const good = (index: number): Buffer => answer({ kind: 'block', index, length: block(index).byteLength }, block(index));

interface Lie extends AsyncDisposable {
	readonly node: TestNode;
	readonly liar: RawPeer;
	readonly source: BlockSource;
}

/** A node with one member beside it that accepts every content and answers the first requests with `say`. */
async function beside(say: (stream: Stream) => void, ref: ContentRef = content.ref): Promise<Lie> {
	const fleet = testFleet();
	const node = await startTestNode({ fleet, limits: { blockSilenceMs: 400 } });
	const { size, blockSize } = ref;
	const liar = await startRawPeer({
		fleet,
		handlers: {
			async [BLOCKS_PROTOCOL](stream) {
				const channel = openFrames(stream, { maxFrameBytes: MAX_OPEN_FRAME_BYTES });
				await channel.read({ signal: never });
				await channel.write(encodeOpenAnswer({ type: 'accepted', size, blockSize }), { signal: never });
				channel.detach();
				stream.addEventListener('message', () => say(stream), { once: true });
			},
		},
	});
	await liar.join(node);
	await eventually('the member to be a source', () => node.exchange.sources.find(content.ref).length === 1 || undefined);
	const [source] = node.exchange.sources.find(content.ref);
	assert.ok(source);
	return {
		node,
		liar,
		source,
		async [Symbol.asyncDispose]() {
			await liar[Symbol.asyncDispose]();
			await node[Symbol.asyncDispose]();
		},
	};
}

function ask(session: BlockSession, indexes: readonly number[]) {
	const given = indexes.map((index) => Buffer.alloc(block(index).byteLength, PATTERN));
	const fetches = indexes.map((index, place) => session.fetch(index, given[place] as Buffer, { signal: never }));
	return { given, results: Promise.allSettled(fetches) };
}

const codes = (results: PromiseSettledResult<void>[]): string[] =>
	results.map((result) => (result.status === 'fulfilled' ? 'fulfilled' : result.reason.code));

const BROKEN: Readonly<Record<string, Buffer>> = {
	'blocks in another order than asked': Buffer.concat([good(1), good(0)]),
	'a block that nobody asked for': Buffer.concat([good(0), good(1), good(2), good(2)]),
	'a block shorter than it is': answer({ kind: 'block', index: 0, length: 10 }, Buffer.alloc(10)),
	'a block longer than it is': answer({ kind: 'block', index: 0, length: BLOCK + 1 }, Buffer.alloc(BLOCK + 1)),
	'a block of four gigabytes': answer({ kind: 'block', index: 0, length: 0xffff_ffff }, Buffer.alloc(BLOCK)),
	'missing, with bytes': answer({ kind: 'missing', index: 0, length: 5 }, Buffer.alloc(5)),
	'a manifest for a block': answer({ kind: 'manifest', index: 0, length: BLOCK }, Buffer.alloc(BLOCK)),
	'an answer of an unknown kind': Buffer.from([9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
	'reserved bytes that are set': Buffer.from([1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0]),
};

for (const [what, bytes] of Object.entries(BROKEN)) {
	test(`${what}: the session fails as corrupt and the peer is avoided`, async () => {
		await using lie = await beside((stream) => stream.send(bytes));
		const session = await lie.source.open(content.ref, { signal: never });
		const { results } = ask(session, [0, 1, 2]);
		const outcome = codes(await within('the verdict', PATIENCE_MS, results));
		const late = await session.fetch(3, Buffer.alloc(BLOCK), { signal: never }).catch(({ code }) => code);
		assert.ok([...outcome, late].includes('corrupt'), `${outcome} ${late}`);
		assert.deepEqual(lie.node.exchange.sources.find(content.ref), []);
	});
}

test('flipped bytes of the right length are delivered as they came: the reader above verifies', async () => {
	const flipped = block(0);
	flipped.writeUInt8(flipped.readUInt8(7) ^ 1, 7);
	await using lie = await beside((stream) => stream.send(answer({ kind: 'block', index: 0, length: BLOCK }, flipped)));
	await using session = await lie.source.open(content.ref, { signal: never });
	const { given, results } = ask(session, [0]);
	assert.deepEqual(codes(await results), ['fulfilled']);
	assert.ok(given[0]?.equals(flipped));
	lie.node.exchange.sources.reportBad(lie.source.name, content.ref, 0);
	assert.deepEqual(lie.node.exchange.sources.find(content.ref), []);
});

test('another size than the content has is corrupt before a block is asked for', async () => {
	await using lie = await beside(() => assert.fail('nothing may be asked'), { ...content.ref, size: content.ref.size - 1 });
	await assert.rejects(lie.source.open(content.ref, { signal: never }), { code: 'corrupt' });
});

test('a source that stops in the middle of a block times out, and the buffer is its owner’s again', async () => {
	let stream: Stream | undefined;
	await using lie = await beside((opened) => {
		stream = opened;
		opened.send(Buffer.concat([good(0), good(1).subarray(0, 1000)]));
	});
	const session = await lie.source.open(content.ref, { signal: never });
	const { given, results } = ask(session, [0, 1]);
	assert.deepEqual(codes(await within('the time-out', PATIENCE_MS, results)), ['fulfilled', 'timeout']);
	given[1]?.fill(PATTERN);
	try {
		stream?.send(good(1).subarray(1000));
	} catch {
		// the stream has been reset: as good
	}
	await eventually(
		'the source to be asked again some time',
		() => lie.node.exchange.sources.find(content.ref).length === 1 || undefined,
	);
	assert.ok(given[1]?.every((byte) => byte === PATTERN));
});

test('a connection that dies in the middle of a block fails every fetch as unavailable', async () => {
	await using lie = await beside((stream) => {
		stream.send(good(0).subarray(0, 30_000));
		setImmediate(() => void lie.liar[Symbol.asyncDispose]());
	});
	const session = await lie.source.open(content.ref, { signal: never });
	const { given, results } = ask(session, [0, 1, 2]);
	assert.deepEqual(codes(await within('the end', PATIENCE_MS, results)), Array(3).fill('unavailable'));
	for (const buffer of given) buffer.fill(PATTERN);
	await assert.rejects(session.fetch(3, Buffer.alloc(BLOCK), { signal: never }), { code: 'unavailable' });
	assert.ok(given.every((buffer) => buffer.every((byte) => byte === PATTERN)));
	await eventually('the peer to be gone', () => lie.node.exchange.peers().length === 0 || undefined);
});

interface Besieged extends AsyncDisposable {
	readonly node: TestNode;
	/** a stream of blocks/1 on which the content has been accepted */
	open(peer: RawPeer): Promise<Stream>;
	member(): Promise<RawPeer>;
}

async function besieged(limits: object = {}, held: TestContent = content): Promise<Besieged> {
	const fleet = testFleet();
	const stack = new AsyncDisposableStack();
	const node = stack.use(await startTestNode({ fleet, limits }));
	node.shelf.add(held);
	const connections = new Map<RawPeer, Awaited<ReturnType<RawPeer['join']>>>();
	return {
		node,
		async member() {
			const peer = stack.use(await startRawPeer({ fleet }));
			connections.set(peer, await peer.join(node));
			return peer;
		},
		async open(peer) {
			const stream = await connections.get(peer)?.newStream([BLOCKS_PROTOCOL]);
			assert.ok(stream);
			const channel = openFrames(stream, { maxFrameBytes: MAX_OPEN_FRAME_BYTES });
			await channel.write(encodeOpen(held.ref.root), { signal: never });
			const reply = decodeOpenAnswer((await channel.read({ signal: never })) ?? assert.fail());
			channel.detach();
			if (reply.type === 'refused') throw new Error(reply.refusal.code);
			return stream;
		},
		[Symbol.asyncDispose]: () => stack.disposeAsync(),
	};
}

/** The node still serves an honest member. */
async function assertServes(node: TestNode, siege: Besieged): Promise<void> {
	const peer = await siege.member();
	const stream = await siege.open(peer);
	const { promise, resolve } = Promise.withResolvers<void>();
	let bytes = 0;
	stream.addEventListener('message', ({ data }) => {
		bytes += data.byteLength;
		if (bytes > 1000) resolve();
	});
	stream.send(encodeRequest({ kind: 'block', index: 0 }));
	await within('a block for an honest member', PATIENCE_MS, promise);
	assert.ok(node.exchange.peers().length > 0);
}

test('a frame beyond the bound is refused by its length alone, on every protocol', async () => {
	await using siege = await besieged();
	for (const protocol of [HELLO_PROTOCOL, RECORDS_PROTOCOL, BLOCKS_PROTOCOL]) {
		const peer = await siege.member();
		const connection = await peer.join(siege.node);
		const stream = await connection.newStream([protocol]);
		const end = drain(stream);
		stream.send(Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 2, 3]));
		await within(`the reset of ${protocol}`, PATIENCE_MS, end);
	}
	await assertServes(siege.node, siege);
});

test('messages that are no dag-cbor, of the wrong shape or with fields too many end their stream', async () => {
	await using siege = await besieged();
	const peer = await siege.member();
	const connection = await peer.join(siege.node);
	const { encode } = await import('@ipld/dag-cbor');
	const wrong = [
		[RECORDS_PROTOCOL, Buffer.from('rubbish')],
		[RECORDS_PROTOCOL, encode([1, 2])],
		[RECORDS_PROTOCOL, encode({ type: 'have', logs: { a: -1 } })],
		[RECORDS_PROTOCOL, encode({ type: 'have', logs: { a: 1.5 } })],
		[RECORDS_PROTOCOL, encode({ type: 'have', logs: { ['x'.repeat(200)]: 1 } })],
		[RECORDS_PROTOCOL, encode({ type: 'have', logs: {}, more: 1 })],
		[BLOCKS_PROTOCOL, encode({ type: 'open', root: 7 })],
		[BLOCKS_PROTOCOL, encode({ type: 'open', root: 'x'.repeat(500) })],
		[BLOCKS_PROTOCOL, encode({ type: 'close', root: 'x' })],
	] as const;
	for (const [protocol, bytes] of wrong) {
		const stream = await connection.newStream([protocol]);
		const heard = drain(stream);
		stream.send(frame(bytes));
		assert.equal((await within('the reset', PATIENCE_MS, heard)).byteLength, 0);
	}
	await assertServes(siege.node, siege);
});

test('more requests than the protocol allows reset the stream; so do rubbish and blocks beyond the last', async () => {
	await using siege = await besieged({ maxOutstandingBlocks: 8 });
	const peer = await siege.member();
	const floods = [
		Buffer.concat(Array.from({ length: 500 }, () => encodeRequest({ kind: 'block', index: 0 }))),
		Buffer.from([7, 0, 0, 0, 0, 0, 0, 0]),
		encodeRequest({ kind: 'block', index: 9 }),
		encodeRequest({ kind: 'manifest', index: 9 }),
	];
	for (const flood of floods) {
		const stream = await siege.open(peer);
		const end = closed(stream);
		stream.send(flood);
		await within('the reset', PATIENCE_MS, end);
	}
	await eventually('all readers to be closed', () => siege.node.shelf.opened.count === 0 || undefined);
	await assertServes(siege.node, siege);
});

test('one member may have only so many streams of blocks; another is served meanwhile', async () => {
	await using siege = await besieged({ maxBlockStreams: 3 });
	const greedy = await siege.member();
	const streams = [await siege.open(greedy), await siege.open(greedy), await siege.open(greedy)];
	await assert.rejects(siege.open(greedy), /limit-exceeded/);
	await assertServes(siege.node, siege);
	await streams[0]?.close();
	await eventually('room for one more', () => siege.open(greedy).catch(() => undefined));
});

test('a storm of streams is reset beyond the burst and the node lives', async () => {
	await using siege = await besieged({ streamsPerSecond: 5, streamBurst: 10 });
	const peer = await siege.member();
	const outcomes = await Promise.allSettled(Array.from({ length: 60 }, () => within('an answer', PATIENCE_MS, siege.open(peer))));
	const refused = outcomes.filter(({ status }) => status === 'rejected');
	assert.ok(refused.length >= 50, `${refused.length} of 60 were refused`);
	await eventually('all readers of the storm to be closed', () => siege.node.shelf.opened.count <= 10 || undefined);
	await assertServes(siege.node, siege);
});

test('a reader that takes no bytes is reset in time, holds two slots at most and leaves nothing open', async () => {
	const large = testContent(randomBytes(24 << 20));
	await using siege = await besieged({ blockStallMs: 300, streamWindowBytes: 1 << 20, readBufferBytes: 2 << 20 }, large);
	const peer = await siege.member();
	const stream = await siege.open(peer);
	stream.pause();
	const end = closed(stream);
	for (let index = 0; index < 24; index++) stream.send(encodeRequest({ kind: 'block', index }));
	await within('the reset of the stalled reader', PATIENCE_MS, end);
	await eventually('the shelf to be closed', () => siege.node.shelf.opened.count === 0 || undefined);
	assert.ok(siege.node.shelf.opened.reads < 24, `${siege.node.shelf.opened.reads} blocks were read for nobody`);
	await assertServes(siege.node, siege);
});

test('a subscriber that asks and never listens costs one batch', async () => {
	await using siege = await besieged({ recordsBatchBytes: 64 * 1024 });
	for (let number = 0; number < 3000; number++) siege.node.feed.append('centre', `${'x'.repeat(1000)} ${number}`);
	let calls = 0;
	const missing = siege.node.feed.missing.bind(siege.node.feed);
	siege.node.feed.missing = (have, maxBytes) => {
		calls++;
		return missing(have, maxBytes);
	};
	const peer = await siege.member();
	const connection = await peer.join(siege.node);
	const stream = await connection.newStream([RECORDS_PROTOCOL]);
	stream.pause();
	for (let number = 0; number < 100; number++) stream.send(frame(encodeHave(new Map())));
	await eventually('the first batch', () => calls > 0 || undefined);
	await assertServes(siege.node, siege);
	assert.ok(calls < 40, `${calls} batches were made for nobody`);
});

test('a muxer frame larger than any window is refused by its header', () => {
	const frameOf = (length: number): Buffer => {
		const header = Buffer.alloc(12);
		header.writeUInt32BE(length, 8);
		return header;
	};
	const check = createFrameCheck(1000);
	check(Buffer.concat([frameOf(1000), Buffer.alloc(1000, 0xff), frameOf(7).subarray(0, 5)]));
	check(Buffer.concat([frameOf(7).subarray(5), Buffer.alloc(3, 0xff)]));
	check(Buffer.alloc(4, 0xff));
	const windowUpdate = frameOf(0xffff_ffff);
	windowUpdate[1] = 1;
	check(windowUpdate);
	check(frameOf(1001).subarray(0, 11));
	assert.throws(() => check(frameOf(1001).subarray(11)), { code: 'corrupt' });
});

test('two honest nodes go on exchanging blocks beside a member that misbehaves', async () => {
	const fleet = testFleet();
	await using holder = await startTestNode({ fleet });
	holder.shelf.add(content);
	await using asker = await startTestNode({ fleet, bootstrap: [holder] });
	await meet(holder, asker);
	await using rude = await startRawPeer({ fleet });
	const connection = await rude.join(holder);
	for (let number = 0; number < 20; number++) {
		const stream = await connection.newStream([BLOCKS_PROTOCOL]).catch(() => undefined);
		stream?.send(randomBytes(5000));
	}
	const [source] = asker.exchange.sources.find(content.ref);
	await using session = (await source?.open(content.ref, { signal: never })) ?? assert.fail();
	for (let index = 0; index < 9; index++) {
		const into = Buffer.alloc(block(index).byteLength);
		await session.fetch(index, into, { signal: never });
		assert.ok(into.equals(block(index)));
	}
});
