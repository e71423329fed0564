/** Whoever is not a member gets nothing of the peers' door: no block, no record, no list of protocols. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { identify } from '@libp2p/identify';
import type { Connection, Libp2p } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import { eventually, within } from '../support/eventually.ts';
import { createFleet, type Fleet, type Member } from '../support/fleet.ts';
import { runSundog } from '../support/node-process.ts';
import { sampleContent } from '../support/sample-content.ts';

const MIB = 1024 * 1024;
const PATIENCE_MS = 15_000;
const PROTOCOLS = ['/sundog/blocks/1', '/sundog/records/1', '/ipfs/id/1.0.0', '/ipfs/id/push/1.0.0', '/ipfs/ping/1.0.0'] as const;

let fleet: Fleet;
let centre: Member;
const strangers: Libp2p[] = [];

before(async () => {
	fleet = await createFleet();
	centre = await fleet.centre({ env: { SUNDOG_LOG_LEVEL: 'info' } });
	await centre.client.add(sampleContent('not for strangers', MIB));
});
after(async () => {
	for (const stranger of strangers) await stranger.stop();
	await fleet[Symbol.asyncDispose]();
});

async function stranger(): Promise<Libp2p> {
	const host = await createLibp2p({
		transports: [tcp()],
		connectionEncrypters: [noise()],
		streamMuxers: [yamux()],
		services: { identify: identify({ runOnConnectionOpen: false }) },
		connectionMonitor: { enabled: false },
	});
	strangers.push(host);
	return host;
}

/** Everything the other side sends on a stream of this protocol until it ends it. */
async function gleaned(connection: Connection, protocol: string): Promise<number> {
	const stream = await connection.newStream(protocol, { signal: AbortSignal.timeout(PATIENCE_MS) });
	let bytes = 0;
	const over = new Promise<void>((resolve) => {
		stream.addEventListener('message', ({ data }) => {
			bytes += data.byteLength;
		});
		stream.addEventListener('close', () => resolve());
		stream.addEventListener('end', () => resolve());
	});
	stream.send(Uint8Array.of(0, 0, 0, 4, 0xa1, 0x64, 0x74, 0x79));
	await within(`end of ${protocol}`, PATIENCE_MS, over);
	return bytes;
}

for (const protocol of PROTOCOLS) {
	test(`a stranger learns nothing by ${protocol}`, async () => {
		const host = await stranger();
		const connection = await host.dial(multiaddr(centre.node.peer)).catch(() => undefined);
		if (connection === undefined) return;
		const bytes = await gleaned(connection, protocol).catch(() => 0);
		assert.equal(bytes, 0);
		assert.equal((await centre.client.call('GET', '/healthcheck')).status, 200);
	});
}

test('a stranger that says nothing is shown the door', async () => {
	const host = await stranger();
	const connection = await host.dial(multiaddr(centre.node.peer));
	const closed = new Promise((resolve) => connection.addEventListener('close', resolve));
	if (connection.status === 'open') await within('the end of a silent stranger', PATIENCE_MS, closed);
	assert.notEqual(connection.status, 'open');
});

test('many strangers do not keep a member out', async () => {
	const paris = await fleet.join(centre, 'paris');
	await paris.node.stop();
	const crowd = await Promise.all(Array.from({ length: 24 }, () => stranger()));
	await Promise.allSettled(
		crowd.map((host) => host.dial(multiaddr(centre.node.peer), { signal: AbortSignal.timeout(PATIENCE_MS) })),
	);
	await fleet.revive(paris);
	const content = sampleContent('for members', 2 * MIB);
	const { id } = await centre.client.add(content);
	await paris.client.until(id, 'active at paris', ({ status }) => status === 'active');
	assert.equal((await paris.client.download(id)).sha512, content.sha512());
});

test('a node of another fleet is no member here', async () => {
	const other = await fleet.centre();
	const run = await runSundog(['fleet', 'invite', '--site', 'paris'], { SUNDOG_DATA_DIR: other.node.dataDir });
	assert.equal(run.code, 0, run.stderr);
	const foreign = await fleet.join(other, 'paris', { join: run.stdout.trim(), bootstrap: [other.node.peer] });
	await foreign.node.stop();
	await fleet.revive(foreign, { bootstrap: [centre.node.peer] });
	await eventually('a refusal at the gate', () => (/refused at the gate/.test(centre.node.log()) ? true : undefined));
	const [image] = await centre.client.list();
	assert.ok(image !== undefined);
	assert.equal(await foreign.client.show(image.id), undefined);
	assert.deepEqual(await foreign.client.list(), []);
});
