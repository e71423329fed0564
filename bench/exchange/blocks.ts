/** Our own way: blocks/1 between two peers' doors, over tuned Noise (or stock, for comparison). */
import { open } from 'node:fs/promises';
import type { BlockShelf } from '#content/ports.ts';
import { startPeerExchange } from '#exchange/peer-exchange.ts';
import type { PeerExchange } from '#exchange/ports.ts';
import { silentLog } from '#lib/log.ts';
import { testFeed, testFleet, testIdentity } from '../../test/support/exchange-parts.ts';
import { BLOCK_BYTES, type Measured, meter, openLanding, type Task } from './common.ts';

const ROOT = 'bench';
const DEPTH = 16;

export async function serveBlocks(task: Task, noise: 'tuned' | 'stock'): Promise<string> {
	const file = await open(task.file, 'r');
	const content = { root: ROOT, size: task.size, blockSize: BLOCK_BYTES };
	const shelf: BlockShelf = {
		digests: async () => ({ content, digests: new Uint8Array(0) }),
		open: async () => ({
			content,
			has: () => true,
			read: async (index, into) => (await file.read(into, 0, into.byteLength, index * BLOCK_BYTES)).bytesRead,
			async [Symbol.asyncDispose]() {},
		}),
	};
	const exchange = await startDoor(shelf, [], noise);
	return exchange.addresses()[0] as string;
}

export async function fetchBlocks(task: Task, noise: 'tuned' | 'stock'): Promise<Measured> {
	const none: BlockShelf = { digests: async () => undefined, open: async () => undefined };
	const exchange = await startDoor(none, [task.address as string], noise);
	const content = { root: ROOT, size: task.size, blockSize: BLOCK_BYTES };
	while (exchange.sources.find(content).length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
	const [source] = exchange.sources.find(content);
	const signal = new AbortController().signal;
	const measured = await meter(async () => {
		if (source === undefined) throw new Error('no source');
		await using session = await source.open(content, { signal });
		const landing = await openLanding(task.to, task.size);
		const blocks = Math.ceil(task.size / BLOCK_BYTES);
		let next = 0;
		const lane = async (): Promise<void> => {
			const buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);
			while (next < blocks) {
				const index = next++;
				const into = buffer.subarray(0, Math.min(BLOCK_BYTES, task.size - index * BLOCK_BYTES));
				await session.fetch(index, into, { signal });
				await landing.land(index, into);
			}
		};
		await Promise.all(Array.from({ length: DEPTH }, lane));
		return landing.finish();
	});
	await exchange[Symbol.asyncDispose]();
	return measured;
}

/** Both processes make the same fleet: one key, announced to each other by hello. */
async function startDoor(shelf: BlockShelf, bootstrap: string[], noise: 'tuned' | 'stock'): Promise<PeerExchange> {
	const identity = await testIdentity();
	const fleet = testFleet('bench', Buffer.alloc(32, 7));
	return startPeerExchange({
		seed: identity.seed,
		listen: bootstrap.length === 0 ? ['/ip4/127.0.0.1/tcp/0'] : [],
		bootstrap,
		membership: fleet.membership(identity.peer),
		nodes: () => [],
		onNodes: () => () => {},
		feed: testFeed(),
		shelf,
		mayServe: () => true,
		holders: () => [],
		log: silentLog,
		limits: { blockDepth: DEPTH },
		noise,
	});
}
