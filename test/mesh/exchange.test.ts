/** Peers' doors over loopback TCP: who is let in, how logs travel, how sources come and go. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { NodeRecord } from '#domain/ports/catalogue.ts';
import { joinFleet } from '#exchange/join.ts';
import { startPeerExchange } from '#exchange/peer-exchange.ts';
import { BLOCKS_PROTOCOL } from '#exchange/protocols/blocks/constants.ts';
import { encodeOpen } from '#exchange/protocols/blocks/messages.ts';
import { HELLO_PROTOCOL } from '#exchange/protocols/hello/constants.ts';
import { decodeHello, encodeHello } from '#exchange/protocols/hello/messages.ts';
import { RECORDS_PROTOCOL } from '#exchange/protocols/records/constants.ts';
import { encodeHave } from '#exchange/protocols/records/messages.ts';
import { silentLog } from '#lib/log.ts';
import { eventually, within } from '../support/eventually.ts';
import { testContent, testFeed, testFleet, testIdentity, testShelf } from '../support/exchange-parts.ts';
import { closed, drain, frame, startRawPeer } from '../support/raw-peer.ts';
import { meet, startTestNode, type TestNode } from '../support/test-node.ts';

const signal = new AbortController().signal;
const PATIENCE_MS = 5_000;

async function holds(node: TestNode, log: string, entries: readonly string[]): Promise<void> {
	await eventually(`log ${log} to be ${entries}`, () => node.feed.entries(log).join() === entries.join() || undefined);
}

test('members meet by hello, tell their sites and ship their logs both ways as these grow', async () => {
	const fleet = testFleet();
	await using centre = await startTestNode({ fleet, keyed: true });
	centre.feed.append('centre', 'before');
	await using paris = await startTestNode({ fleet, site: 'paris', bootstrap: [centre] });
	await meet(centre, paris);
	assert.deepEqual(
		centre.exchange.peers().map(({ node, site }) => [node, site]),
		[[paris.identity.peer, 'paris']],
	);
	await holds(paris, 'centre', ['before']);
	paris.feed.append('paris', 'one');
	await holds(centre, 'paris', ['one']);
	centre.feed.append('centre', 'after');
	await holds(paris, 'centre', ['before', 'after']);
});

test('a log reaches a node that knows its writer only through a third', async () => {
	const fleet = testFleet();
	await using centre = await startTestNode({ fleet });
	await using paris = await startTestNode({ fleet, bootstrap: [centre] });
	await using oslo = await startTestNode({ fleet, bootstrap: [centre] });
	await meet(centre, paris);
	await meet(centre, oslo);
	paris.feed.append('paris', 'told');
	await holds(oslo, 'paris', ['told']);
});

test('a long log travels in batches and resumes where it stopped when the connection comes back', async () => {
	const fleet = testFleet();
	const limits = { recordsBatchBytes: 4096 };
	await using paris = await startTestNode({ fleet, limits });
	for (let number = 0; number < 500; number++) paris.feed.append('paris', `entry ${number}`);
	const identity = await testIdentity();
	const first = await startTestNode({ fleet, identity, bootstrap: [paris], limits });
	await eventually('some batches', () => first.feed.received.batches > 3 || undefined);
	await eventually('all of it', () => first.feed.entries('paris').length === 500 || undefined);
	const batches = first.feed.received.batches;
	for (const { node } of first.exchange.peers()) assert.equal(node, paris.identity.peer);
	paris.feed.append('paris', 'more');
	await eventually('the rest', () => first.feed.entries('paris').length === 501 || undefined);
	assert.equal(first.feed.received.batches, batches + 1, 'nothing is sent twice');
	await first[Symbol.asyncDispose]();
});

test('a bad entry ends the subscription and charges its sender; what others bring is still taken', async () => {
	const fleet = testFleet();
	await using liar = await startTestNode({ fleet });
	await using honest = await startTestNode({ fleet });
	await using reader = await startTestNode({ fleet, bootstrap: [liar, honest] });
	await meet(reader, liar);
	await meet(reader, honest);
	liar.feed.damaged = true;
	liar.feed.append('liar', 'rubbish');
	const sources = (): string[] => reader.exchange.sources.find(testContent(randomBytes(10)).ref).map(({ name }) => name);
	await eventually('the liar to be avoided', () => !sources().includes(liar.identity.peer) || undefined);
	assert.deepEqual(sources(), [honest.identity.peer]);
	assert.deepEqual(reader.feed.entries('liar'), []);
	honest.feed.append('honest', 'news');
	await holds(reader, 'honest', ['news']);
});

test('entries that cannot be taken yet are asked for again, a beat later, and charge nobody', async () => {
	const fleet = testFleet();
	await using holder = await startTestNode({ fleet });
	holder.feed.append('centre', 'one');
	holder.feed.append('centre', 'two');
	const missing = holder.feed.missing.bind(holder.feed);
	let asked = 0;
	holder.feed.missing = async (have, maxBytes) => {
		const entries = await missing(have, maxBytes);
		return ++asked <= 2 && entries.length === 2 ? entries.slice(1) : entries;
	};
	await using reader = await startTestNode({ fleet, bootstrap: [holder], limits: { recordsBeatMs: 30 } });
	await holds(reader, 'centre', ['one', 'two']);
	assert.ok(asked >= 3);
	assert.equal(reader.exchange.sources.find(testContent(randomBytes(10)).ref).length, 1);
});

test('a stranger gets nothing: each protocol resets it unheard and the connection is closed', async () => {
	const fleet = testFleet();
	await using node = await startTestNode({ fleet });
	const content = testContent(randomBytes(5000));
	node.shelf.add(content);
	node.feed.append('centre', 'secret');
	const asks = {
		[BLOCKS_PROTOCOL]: encodeOpen(content.ref.root),
		[RECORDS_PROTOCOL]: encodeHave(new Map()),
		'/ipfs/id/1.0.0': Buffer.alloc(0),
	};
	for (const [protocol, ask] of Object.entries(asks)) {
		await using stranger = await startRawPeer({ fleet: testFleet('other') });
		const connection = await stranger.dial(node);
		const stream = await connection.newStream([protocol]);
		const heard = drain(stream);
		if (ask.byteLength > 0 && stream.status === 'open') stream.send(frame(ask));
		assert.equal((await within('the reset', PATIENCE_MS, heard)).byteLength, 0, protocol);
		await within('the end of the connection', PATIENCE_MS, closed(connection));
	}
	assert.equal(node.shelf.opened.reads, 0);
	assert.deepEqual(node.exchange.peers(), []);
});

test('a stranger that says nothing is closed when its time is up, and only so many may wait', async () => {
	const fleet = testFleet();
	await using node = await startTestNode({ fleet, limits: { probationMs: 400, maxProbation: 2 } });
	await using strangers = new AsyncDisposableStack();
	const connections = [];
	for (let number = 0; number < 2; number++)
		connections.push(await strangers.use(await startRawPeer({ fleet: testFleet('other') })).dial(node));
	const third = strangers.use(await startRawPeer({ fleet: testFleet('other') }));
	const turnedAway = await third.dial(node).catch(() => undefined);
	if (turnedAway !== undefined) await within('the third to be turned away', 350, closed(turnedAway));
	for (const connection of connections) await within('the end of probation', PATIENCE_MS, closed(connection));
	await using member = await startTestNode({ fleet, bootstrap: [node] });
	await meet(node, member);
});

test('a stranger that sends more than hello needs is cut off, whatever it sends', async () => {
	await using node = await startTestNode({ fleet: testFleet() });
	await using stranger = await startRawPeer({ fleet: testFleet('other') });
	const connection = await stranger.dial(node);
	const stream = await connection.newStream([HELLO_PROTOCOL]);
	const end = closed(connection);
	stream.send(Buffer.concat([Buffer.from([0, 0, 0x3f, 0xff]), Buffer.alloc(1000)]));
	for (let number = 0; number < 60; number++)
		(await connection.newStream([HELLO_PROTOCOL]).catch(() => undefined))?.send(Buffer.alloc(16_000));
	await within('the end of the connection', PATIENCE_MS, end);
});

test('a member of another fleet is refused, whoever dials', async () => {
	const ours = testFleet('ours');
	const theirs = testFleet('theirs');
	await using node = await startTestNode({ fleet: ours });
	const content = testContent(randomBytes(100));
	node.shelf.add(content);
	await using foreign = await startTestNode({ fleet: theirs, bootstrap: [node] });
	const raw = await startRawPeer({ fleet: theirs });
	await assert.rejects(raw.join(node), { code: 'forbidden', message: /not valid for this peer in this fleet/ });
	await raw[Symbol.asyncDispose]();
	assert.deepEqual(foreign.exchange.sources.find(content.ref), []);
	assert.deepEqual([node.exchange.peers(), foreign.exchange.peers()], [[], []]);
});

test('a certificate of another peer, one that has run out, and rubbish are refused and end the connection', async () => {
	const fleet = testFleet();
	await using node = await startTestNode({ fleet, keyed: true });
	const other = await testIdentity();
	for (const make of [
		() => fleet.certify(other.peer, 'paris'),
		(peer: string) => fleet.certify(peer, 'paris', -1000),
		() => 'rubbish',
	]) {
		await using raw = await startRawPeer({ fleet });
		const connection = await raw.dial(node);
		const stream = await connection.newStream([HELLO_PROTOCOL]);
		const heard = drain(stream);
		stream.send(frame(encodeHello({ type: 'greeting', certificate: make(raw.identity.peer) })));
		const answer = decodeHello((await within('the refusal', PATIENCE_MS, heard)).subarray(4));
		assert.equal(answer.type === 'refused' && answer.refusal.code, 'forbidden');
		await within('the end of the connection', PATIENCE_MS, closed(connection));
	}
});

test('a dialled peer that cannot prove membership is left at once', async () => {
	const ours = testFleet('ours');
	await using impostor = await startTestNode({ fleet: testFleet('theirs') });
	await using node = await startTestNode({ fleet: ours, bootstrap: [impostor], site: 'paris' });
	// the impostor would take anybody as a member, and still has nothing to show
	impostor.membership.admits = () => 'anywhere';
	node.feed.append('paris', 'secret');
	await eventually('some attempts', () => impostor.feed.received.batches === 0 || undefined, { timeoutMs: 500 });
	assert.deepEqual(impostor.feed.entries('paris'), []);
	assert.deepEqual(node.exchange.peers(), []);
});

test('a certificate that runs out while its holder is connected ends the connection', async () => {
	const fleet = testFleet();
	await using node = await startTestNode({ fleet, limits: { reviewEveryMs: 50 } });
	await using brief = await startTestNode({
		fleet,
		bootstrap: [node],
		certificate: (peer) => fleet.certify(peer, 'paris', 600),
		limits: { redialMinMs: 60_000 },
	});
	await meet(node, brief);
	await eventually('the member to be gone', () => node.exchange.peers().length === 0 || undefined);
	await eventually('the connection to be gone', () => brief.exchange.peers().length === 0 || undefined);
});

test('a certificate past half its life is renewed by hello, in either direction', async () => {
	const fleet = testFleet();
	const ageing = (peer: string): string => {
		// 10 s of validity left of an hour
		const certificate = fleet.certify(peer, 'paris', 10_000);
		return fleet.age(certificate, 3_600_000);
	};
	await using centre = await startTestNode({ fleet, keyed: true });
	await using dials = await startTestNode({ fleet, site: 'paris', bootstrap: [centre], certificate: ageing });
	await eventually('the dialler to be renewed', () => dials.membership.accepted.length === 1 || undefined);

	await using listens = await startTestNode({ fleet, site: 'paris', certificate: ageing });
	await using keyed = await startTestNode({ fleet, keyed: true, bootstrap: [listens] });
	await eventually('the listener to be renewed', () => listens.membership.accepted.length === 1 || undefined);
	assert.equal(keyed.membership.accepted.length, 0);
});

test('a token gives one certificate to one peer; without the key, or reused by another, it is refused with the reason', async () => {
	const fleet = testFleet();
	await using centre = await startTestNode({ fleet, keyed: true });
	await using paris = await startTestNode({ fleet, site: 'paris', bootstrap: [centre] });
	const token = fleet.invite('oslo');
	const [me, other] = [await testIdentity(), await testIdentity()];
	const join = (seed: Uint8Array, at: string) =>
		joinFleet({ seed, bootstrap: [at], token, signal: AbortSignal.timeout(PATIENCE_MS), log: silentLog });

	await assert.rejects(join(me.seed, paris.address()), { code: 'forbidden' });
	const joined = await join(me.seed, centre.address());
	assert.equal(joined.peer, centre.identity.peer);
	assert.equal(paris.membership.admits(me.peer, joined.certificate), 'oslo');
	await assert.rejects(join(other.seed, centre.address()), { code: 'forbidden', message: /join token is not valid/ });
	assert.equal(paris.membership.admits(me.peer, (await join(me.seed, centre.address())).certificate), 'oslo');

	await using oslo = await startTestNode({
		fleet,
		identity: me,
		site: 'oslo',
		certificate: () => joined.certificate,
		bootstrap: [centre],
	});
	await meet(oslo, centre);
});

test('joining tries the next address, and says what is wrong when none answers or the one that answers is another', async () => {
	const fleet = testFleet();
	await using centre = await startTestNode({ fleet, keyed: true });
	const [me, absent] = [await testIdentity(), await testIdentity()];
	const dead = `/ip4/127.0.0.1/tcp/1/p2p/${absent.peer}`;
	const options = { seed: me.seed, token: fleet.invite('oslo'), signal: AbortSignal.timeout(PATIENCE_MS), log: silentLog };
	await assert.rejects(joinFleet({ ...options, bootstrap: [dead] }), { code: 'unavailable' });
	const masked = centre.address().replace(/p2p\/.*/, `p2p/${absent.peer}`);
	await assert.rejects(joinFleet({ ...options, bootstrap: [masked] }), { code: 'unavailable' });
	await assert.rejects(joinFleet({ ...options, bootstrap: ['/ip4/127.0.0.1/tcp/1'] }), { code: 'invalid' });
	await assert.rejects(joinFleet({ ...options, bootstrap: ['nonsense'] }), { code: 'invalid' });
	assert.equal(fleet.redeemed.length, 0);
	assert.equal((await joinFleet({ ...options, bootstrap: [dead, centre.address()] })).peer, centre.identity.peer);
});

test('whoever announced a copy is asked first, then the own site; a bad source is avoided; listeners hear of changes', async () => {
	const fleet = testFleet();
	await using far = await startTestNode({ fleet, site: 'oslo' });
	await using near = await startTestNode({ fleet, site: 'paris' });
	await using holder = await startTestNode({ fleet, site: 'rome' });
	await using reader = await startTestNode({ fleet, site: 'paris', bootstrap: [far, near, holder] });
	let changes = 0;
	const stop = reader.exchange.sources.onChange(() => changes++);
	for (const node of [far, near, holder]) await meet(reader, node);
	assert.ok(changes >= 3);
	const { ref } = testContent(randomBytes(10));
	reader.holders.set(ref.root, [holder.identity.peer]);
	const names = (): string[] => reader.exchange.sources.find(ref).map(({ name }) => name);
	assert.deepEqual(
		names(),
		[holder, near, far].map(({ identity }) => identity.peer),
	);
	reader.exchange.sources.reportBad(holder.identity.peer, ref, 0);
	assert.deepEqual(
		names(),
		[near, far].map(({ identity }) => identity.peer),
	);
	const before = changes;
	await near[Symbol.asyncDispose]();
	await eventually('the leaver to be gone', () => names().length === 1 || undefined);
	assert.ok(changes > before);
	far.feed.append('oslo', 'a copy, perhaps');
	const heard = changes;
	await eventually('word of the announcement', () => changes > heard || undefined);
	stop();
});

test('content that may not be served to a peer is forbidden, and not read', async () => {
	const fleet = testFleet();
	await using holder = await startTestNode({ fleet });
	await using asker = await startTestNode({ fleet, bootstrap: [holder] });
	await meet(holder, asker);
	const content = testContent(randomBytes(1000));
	holder.shelf.add(content);
	holder.forbidden.add(content.ref.root);
	const [source] = asker.exchange.sources.find(content.ref);
	await assert.rejects(source?.open(content.ref, { signal }) ?? assert.fail(), { code: 'forbidden' });
	assert.equal(holder.shelf.opened.count, 0);
	assert.deepEqual(asker.exchange.sources.find(content.ref), [], 'and is not asked again at once');
	await eventually('a later try', () => asker.exchange.sources.find(content.ref).length === 1 || undefined);
});

test('a peer that comes back on its address is found again, and one that the roster names is dialled at once', async () => {
	const fleet = testFleet();
	const identity = await testIdentity();
	const first = await startTestNode({ fleet, identity });
	await using reader = await startTestNode({ fleet, bootstrap: [first] });
	await meet(reader, first);
	const listen = [first.address().replace(/\/p2p\/.*/, '')];
	await first[Symbol.asyncDispose]();
	await eventually('the peer to be gone', () => reader.exchange.peers().length === 0 || undefined);
	await using again = await startTestNode({ fleet, identity, listen });
	await meet(reader, again);

	await using late = await startTestNode({ fleet });
	let nodes: NodeRecord[] = [];
	const told = new Set<() => void>();
	const me = await testIdentity();
	await using watcher = await startPeerExchange({
		seed: me.seed,
		listen: [],
		bootstrap: [],
		membership: fleet.membership(me.peer),
		nodes: () => nodes,
		onNodes: (listener) => {
			told.add(listener);
			return () => told.delete(listener);
		},
		feed: testFeed(),
		shelf: testShelf(),
		mayServe: () => true,
		holders: () => [],
		log: silentLog,
		limits: { redialMinMs: 60_000, redialMaxMs: 60_000 },
	});
	const record = (addresses: string[]): NodeRecord => ({
		node: late.identity.peer,
		site: 'oslo',
		certificate: '',
		addresses,
		self: false,
	});
	nodes = [record(['/ip4/127.0.0.1/tcp/1'])];
	for (const listener of told) listener();
	nodes = [record([late.address().replace(/\/p2p\/.*/, '')])];
	for (const listener of told) listener();
	await eventually('the dial upon the news', () => watcher.peers().length === 1 || undefined);
});

test('a node does not start while session keys would be printed, nor on an address that is taken', async () => {
	const fleet = testFleet();
	await using node = await startTestNode({ fleet });
	await assert.rejects(startTestNode({ fleet, listen: [node.address().replace(/\/p2p\/.*/, '')] }), { code: 'unavailable' });
	process.env.DUMP_SESSION_KEYS = '1';
	try {
		await assert.rejects(startTestNode({ fleet }), { code: 'invalid', message: /DUMP_SESSION_KEYS/ });
	} finally {
		delete process.env.DUMP_SESSION_KEYS;
	}
});
