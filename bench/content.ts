/**
 * The content store alone: taking in, reading and fetching 1 GiB on this machine's disk, beside what the machine can do
 * with the same bytes in the same minute. CPU is user + system of this process and its threads.
 */
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { openLevel } from '#catalogue/level/key-value.ts';
import { openContentStore } from '#content/content-store.ts';
import { memoryLedger } from '#content/ledger.ts';
import type { BlockSource, BlockSources, ContentStore } from '#content/ports.ts';
import type { ContentRef } from '#domain/image.ts';
import { silentLog } from '#lib/log.ts';
import { GiB, MiB } from '#lib/sizes.ts';

const SIZE = GiB;
const ROUNDS = 3;
const PIECE_BYTES = 64 * 1024;
const never = new AbortController().signal;

interface Row {
	readonly name: string;
	readonly value: number;
	readonly unit: string;
}

interface Cost {
	readonly seconds: number;
	readonly cpuSeconds: number;
	readonly peakRssMiB: number;
}

export async function benchContent(): Promise<object[]> {
	const directory = await mkdtemp(join(tmpdir(), 'sundog-bench-'));
	try {
		return await measureAll(directory);
	} finally {
		await rm(directory, { recursive: true, force: true });
	}
}

async function measureAll(directory: string): Promise<Row[]> {
	const payload = incompressible(64 * MiB);
	const rounds: Record<string, Cost[]> = {};
	const note = (name: string, cost: Cost): void => {
		rounds[name] = [...(rounds[name] ?? []), cost];
	};

	for (let round = 0; round < ROUNDS; round++) {
		const near = await openStore(join(directory, `near-${round}`));
		const far = await openStore(
			join(directory, `far-${round}`),
			holder(() => near.store),
		);
		let content: ContentRef | undefined;
		note(
			'content.ingest',
			await measure(async () => {
				const written = await near.store.write(stream(payload, SIZE, round), {
					hashAlgorithm: 'sha512',
					maxBytes: SIZE,
					declaredSize: SIZE,
					signal: never,
				});
				content = written.content;
				await written[Symbol.asyncDispose]();
			}),
		);
		if (content === undefined) throw new TypeError('nothing was written');
		const ref = content;
		note('content.read', await measure(() => drain(near.store, ref)));
		note(
			'content.rehash',
			await measure(() => near.store.digest(ref, { hashAlgorithm: 'sha512', signal: never }).then(() => undefined)),
		);
		note('content.fill', await measure(() => far.store.complete(ref, { signal: never })));
		const file = near.store.file(ref.root) ?? '';
		note('peer.pipelined-hashes', await measure(() => hashPipelined(payload, SIZE, round)));
		note('peer.durable-copy', await measure(() => copyDurably(file, join(directory, 'copy'))));
		await far.close();
		await near.close();
		await rm(join(directory, `near-${round}`), { recursive: true });
		await rm(join(directory, `far-${round}`), { recursive: true });
	}
	return Object.entries(rounds).flatMap(([name, costs]) => rowsOf(name, costs));
}

function rowsOf(name: string, costs: readonly Cost[]): Row[] {
	return [
		{ name: `${name}.rate`, value: round1(SIZE / MiB / median(costs.map(({ seconds }) => seconds))), unit: 'MiB/s' },
		{ name: `${name}.cpu`, value: round2(median(costs.map(({ cpuSeconds }) => cpuSeconds)) / (SIZE / GiB)), unit: 'CPU s/GiB' },
		// Of the first round alone: later ones stand on what the earlier ones left to the collector. Includes the payload's 64 MiB.
		...(name === 'content.ingest'
			? [{ name: `${name}.peak-rss`, value: round1(costs[0]?.peakRssMiB ?? Number.NaN), unit: 'MiB' }]
			: []),
	];
}

async function measure(work: () => Promise<void>): Promise<Cost> {
	globalThis.gc?.();
	let peak = process.memoryUsage.rss();
	const sampler = setInterval(() => {
		peak = Math.max(peak, process.memoryUsage.rss());
	}, 20);
	const [startedAt, cpu] = [performance.now(), process.cpuUsage()];
	await work();
	const used = process.cpuUsage(cpu);
	clearInterval(sampler);
	return { seconds: (performance.now() - startedAt) / 1000, cpuSeconds: (used.user + used.system) / 1e6, peakRssMiB: peak / MiB };
}

interface OpenStore {
	readonly store: ContentStore;
	close(): Promise<void>;
}

async function openStore(path: string, sources: BlockSources = nobody): Promise<OpenStore> {
	await mkdir(path, { recursive: true });
	const database = await openLevel(join(path, 'index'));
	const store = await openContentStore({
		directory: join(path, 'content'),
		index: database.sub('content/'),
		sources,
		ledger: memoryLedger(),
		shareBlocks: true,
		log: silentLog,
	});
	return {
		store,
		async close() {
			await store[Symbol.asyncDispose]();
			await database.close();
		},
	};
}

const nobody: BlockSources = { find: () => [], onChange: () => () => undefined, reportBad: () => undefined };

/** The other store as a source in the same process: what filling costs apart from any network. */
function holder(store: () => ContentStore): BlockSources {
	const source: BlockSource = {
		name: 'near',
		kind: 'peer',
		manifest: async ({ root }) => (await store().digests(root))?.digests ?? new Uint8Array(0),
		async open({ root }) {
			const reader = await store().open(root);
			if (reader === undefined) throw new TypeError('the other store has nothing');
			return {
				depth: 16,
				async fetch(index, into) {
					await reader.read(index, into);
				},
				[Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
			};
		},
	};
	return { ...nobody, find: () => [source] };
}

async function drain(store: ContentStore, content: ContentRef): Promise<void> {
	let bytes = 0;
	for await (const chunk of store.read(content, { start: 0, end: content.size }, { signal: never })) bytes += chunk.length;
	if (bytes !== content.size) throw new RangeError(`${bytes} bytes read`);
}

/** `size` bytes in socket-sized pieces; every MiB is different, so that nothing is stored as a duplicate. */
async function* stream(payload: Uint8Array, size: number, salt: number): AsyncGenerator<Uint8Array> {
	for (let at = 0; at < size; at += PIECE_BYTES) {
		const piece = payload.subarray(at % payload.length, (at % payload.length) + Math.min(PIECE_BYTES, size - at));
		if (at % MiB === 0) new DataView(piece.buffer, piece.byteOffset).setFloat64(0, at + salt + 0.5);
		yield piece;
	}
}

function incompressible(size: number): Uint8Array {
	const bytes = new Uint8Array(size);
	const words = new Uint32Array(bytes.buffer);
	let state = 0x9e3779b9;
	for (let index = 0; index < words.length; index++) {
		state ^= state << 13;
		state ^= state >>> 17;
		state ^= state << 5;
		words[index] = state;
	}
	return bytes;
}

/** The bare hashing: md5 in one thread; sha512 and sha2-256 of each block in another; shared memory, a ring of 16. */
async function hashPipelined(payload: Uint8Array, size: number, salt: number): Promise<void> {
	const ring = 16;
	const memory = new SharedArrayBuffer(ring * MiB);
	const slots = new Uint8Array(memory);
	const threads = [['md5'], ['sha512', 'each']].map(
		(hashes) => new Worker(HASHER, { eval: true, workerData: { memory, hashes, blockBytes: MiB } }),
	);
	const owed = new Map<number, number>();
	let freed: (() => void) | undefined;
	for (const thread of threads) {
		thread.on('message', (slot: number) => {
			owed.set(slot, (owed.get(slot) ?? 1) - 1);
			freed?.();
		});
	}
	let [block, filled] = [0, 0];
	for await (const piece of stream(payload, size, salt)) {
		const slot = block % ring;
		while ((owed.get(slot) ?? 0) > 0)
			await new Promise<void>((resolve) => {
				freed = resolve;
			});
		slots.set(piece, slot * MiB + filled);
		filled += piece.length;
		if (filled < MiB) continue;
		owed.set(slot, threads.length);
		for (const thread of threads) thread.postMessage(slot);
		block++;
		filled = 0;
	}
	while ([...owed.values()].some((count) => count > 0))
		await new Promise<void>((resolve) => {
			freed = resolve;
		});
	await Promise.all(threads.map((thread) => thread.terminate()));
}

const HASHER = `
const { createHash, hash } = require('node:crypto');
const { parentPort, workerData: { memory, hashes, blockBytes } } = require('node:worker_threads');
const whole = createHash(hashes[0]);
parentPort.on('message', (slot) => {
	const bytes = new Uint8Array(memory, slot * blockBytes, blockBytes);
	if (hashes[1] === 'each') hash('sha256', bytes, 'buffer');
	whole.update(bytes);
	parentPort.postMessage(slot);
});`;

async function copyDurably(from: string, to: string): Promise<void> {
	const buffer = Buffer.allocUnsafeSlow(MiB);
	await using source = await open(from, 'r');
	await using target = await open(to, 'w');
	for (;;) {
		const { bytesRead } = await source.read(buffer, 0, MiB, null);
		if (bytesRead === 0) break;
		await target.write(buffer, 0, bytesRead);
	}
	await target.datasync();
	await rm(to);
}

function median(values: readonly number[]): number {
	return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const round1 = (value: number): number => Math.round(value * 10) / 10;
const round2 = (value: number): number => Math.round(value * 100) / 100;

if (import.meta.main) for (const row of await benchContent()) console.log(JSON.stringify(row));
