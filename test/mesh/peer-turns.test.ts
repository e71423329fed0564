/** One peer has more contents than it allows conversations: these go round, and being busy is no failure. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { BlockSession, BlockSource } from '#content/ports.ts';
import { openFrames } from '#exchange/frames.ts';
import { BLOCKS_PROTOCOL, MAX_OPEN_FRAME_BYTES } from '#exchange/protocols/blocks/constants.ts';
import { encodeOpenAnswer } from '#exchange/protocols/blocks/messages.ts';
import type { RefusalCode } from '#exchange/refusals.ts';
import { eventually, within } from '../support/eventually.ts';
import { type TestContent, testContent, testFleet } from '../support/exchange-parts.ts';
import { startRawPeer } from '../support/raw-peer.ts';
import { meet, startTestNode, type TestNode } from '../support/test-node.ts';

const signal = new AbortController().signal;
const PATIENCE_MS = 5_000;
const SMALL_BLOCK = 1 << 16;

function sourceFor(node: TestNode, { ref }: TestContent): BlockSource {
	const [source] = node.exchange.sources.find(ref);
	assert.ok(source, 'there is a source');
	return source;
}

async function readBlock(session: BlockSession, { bytes, ref }: TestContent, index: number): Promise<void> {
	const block = bytes.subarray(index * ref.blockSize, (index + 1) * ref.blockSize);
	const into = Buffer.alloc(block.byteLength);
	await session.fetch(index, into, { signal });
	assert.ok(into.equals(block), `block ${index}`);
}

async function readWhole(session: BlockSession, content: TestContent): Promise<void> {
	const count = Math.ceil(content.ref.size / content.ref.blockSize);
	await Promise.all(Array.from({ length: count }, (_, index) => readBlock(session, content, index)));
}

test('more contents at once than one peer may have streams are all served by it, while earlier ones are still open', async () => {
	const fleet = testFleet();
	await using holder = await startTestNode({ fleet });
	await using asker = await startTestNode({ fleet, bootstrap: [holder] });
	await meet(holder, asker);
	const contents = Array.from({ length: 20 }, () => testContent(randomBytes(3 * SMALL_BLOCK + 1), SMALL_BLOCK));
	for (const content of contents) holder.shelf.add(content);
	await using sessions = new AsyncDisposableStack();
	const reading = contents.map(async (content) => {
		const source = sourceFor(asker, content);
		assert.deepEqual(Buffer.from(await source.manifest(content.ref, { signal })), content.digests);
		const session = sessions.use(await source.open(content.ref, { signal }));
		await readWhole(session, content);
		return { session, content };
	});
	const open = await Promise.all(reading);
	for (const { session, content } of open) await readWhole(session, content);
	assert.equal(asker.exchange.sources.find({ root: 'any', size: 0, blockSize: 1 }).length, 1, 'nothing counts as a failure');
});

test('sessions that are never idle have the conversations with a peer by turns, and never more of them than it allows', async () => {
	const fleet = testFleet();
	const limits = { maxBlockStreams: 1, blockTurnMs: 0, blockDepth: 2 };
	await using holder = await startTestNode({ fleet });
	await using asker = await startTestNode({ fleet, bootstrap: [holder], limits });
	await meet(holder, asker);
	const contents = Array.from({ length: 3 }, () => testContent(randomBytes(30 * SMALL_BLOCK), SMALL_BLOCK));
	for (const content of contents) holder.shelf.add(content);
	let most = 0;
	// asked just before a conversation opens its content
	holder.forbidden.has = () => {
		most = Math.max(most, holder.shelf.opened.count + 1);
		return false;
	};
	await using sessions = new AsyncDisposableStack();
	const open = contents.map(async (content) => {
		const session = sessions.use(await sourceFor(asker, content).open(content.ref, { signal }));
		let reading = true;
		const next = async (index: number): Promise<void> => {
			if (reading) await readBlock(session, content, index);
			if (reading) await next((index + 1) % 30);
		};
		// two at a time: there is always one under way
		const streams = [next(0), next(15)];
		return { content, session, streams, stop: () => (reading = false) };
	});
	const readers = await within('all to be served', PATIENCE_MS, Promise.all(open));
	for (const { session, content } of readers) await within('a whole content', PATIENCE_MS, readWhole(session, content));
	for (const { stop } of readers) stop();
	await Promise.all(readers.flatMap(({ streams }) => streams));
	assert.equal(most, 1);
});

test('a content that waits for its turn may leave the line, and closing a session gives its turn on', async () => {
	const fleet = testFleet();
	await using holder = await startTestNode({ fleet });
	await using asker = await startTestNode({ fleet, bootstrap: [holder], limits: { maxBlockStreams: 1, blockDepth: 1 } });
	await meet(holder, asker);
	const [busy, impatient, patient] = Array.from({ length: 3 }, () => testContent(randomBytes(100), SMALL_BLOCK));
	assert.ok(busy && impatient && patient);
	for (const content of [busy, impatient, patient]) holder.shelf.add(content);
	const held = Promise.withResolvers<void>();
	const digests = holder.shelf.digests.bind(holder.shelf);
	holder.shelf.digests = async (root) => {
		if (root === busy.ref.root) await held.promise;
		return digests(root);
	};
	const opening = sourceFor(asker, busy).open(busy.ref, { signal });
	const leaving = new AbortController();
	const left = sourceFor(asker, impatient).open(impatient.ref, { signal: leaving.signal });
	const waiting = sourceFor(asker, patient).open(patient.ref, { signal });
	leaving.abort();
	await assert.rejects(left);
	held.resolve();
	const first = await opening;
	await readWhole(first, busy);
	await first[Symbol.asyncDispose]();
	await using second = await within('the turn', PATIENCE_MS, waiting);
	await readWhole(second, patient);
	await assert.rejects(readWhole(first, busy), { code: 'aborted' });
	assert.equal(asker.exchange.sources.find(busy.ref).length, 1, 'leaving is nobody’s failure');
});

interface Scripted extends AsyncDisposable {
	readonly node: TestNode;
	readonly content: TestContent;
	/** conversations that were asked for */
	asked(): number;
}

/** A member that answers each opening of a conversation with the next of these, and the last of them from then on. */
async function scripted(...answers: readonly ('accepted' | RefusalCode)[]): Promise<Scripted> {
	const fleet = testFleet();
	const content = testContent(randomBytes(100), SMALL_BLOCK);
	const { size, blockSize } = content.ref;
	const node = await startTestNode({ fleet, limits: { maxBlockStreams: 1, coolDownMs: 60_000 } });
	let asked = 0;
	const peer = await startRawPeer({
		fleet,
		handlers: {
			async [BLOCKS_PROTOCOL](stream) {
				const channel = openFrames(stream, { maxFrameBytes: MAX_OPEN_FRAME_BYTES });
				await channel.read({ signal });
				const code = answers[Math.min(asked++, answers.length - 1)] ?? 'accepted';
				const refused = code !== 'accepted' && ({ type: 'refused', refusal: { code, reason: 'as the script says' } } as const);
				await channel.write(encodeOpenAnswer(refused || { type: 'accepted', size, blockSize }), { signal });
				stream.addEventListener('end', () => void stream.close());
			},
		},
	});
	await peer.join(node);
	await eventually('the member to be a source', () => node.exchange.sources.find(content.ref).length === 1 || undefined);
	return {
		node,
		content,
		asked: () => asked,
		async [Symbol.asyncDispose]() {
			await peer[Symbol.asyncDispose]();
			await node[Symbol.asyncDispose]();
		},
	};
}

test('a peer that is busy for a moment is asked again, and that is no failure', async () => {
	await using busy = await scripted('limit-exceeded', 'limit-exceeded', 'accepted');
	await using _session = await sourceFor(busy.node, busy.content).open(busy.content.ref, { signal });
	assert.equal(busy.asked(), 3);
	assert.equal(busy.node.exchange.sources.find(busy.content.ref).length, 1);
});

test('a peer that stays busy is asked only so often, then left in peace', async () => {
	await using busy = await scripted('limit-exceeded');
	const source = sourceFor(busy.node, busy.content);
	await assert.rejects(source.open(busy.content.ref, { signal }), { code: 'limit-exceeded' });
	assert.equal(busy.asked(), 6);
	assert.deepEqual(busy.node.exchange.sources.find(busy.content.ref), []);
});

test('a content that the peer lets go while another has its turn ends the session, not one block of it', async () => {
	await using forgetful = await scripted('accepted', 'accepted', 'not-found');
	const { node, content } = forgetful;
	await using session = await sourceFor(node, content).open(content.ref, { signal });
	await using _other = await sourceFor(node, content).open(content.ref, { signal });
	assert.equal(forgetful.asked(), 2, 'the first has given its turn to the second');
	await assert.rejects(readWhole(session, content), { code: 'unavailable' });
	await assert.rejects(readWhole(session, content), { code: 'unavailable' });
	assert.equal(forgetful.asked(), 3);
});
