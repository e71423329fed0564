/**
 * The least an upload can cost: the three hashes over two threads, fed through a ring of shared memory, and nothing else.
 * Prints {seconds, cpuSeconds}.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

const PIECE_BYTES = 1024 * 1024;
const SLOTS = 16;

const [path] = process.argv.slice(2);
if (path === undefined) throw new TypeError('which file?');

const ring = new SharedArrayBuffer(SLOTS * PIECE_BYTES);
/** [pieces written, pieces taken by each worker…, 1 when the input has ended] */
const counters = new Int32Array(new SharedArrayBuffer(16));
const lengths = new Int32Array(new SharedArrayBuffer(SLOTS * 4));
const workers = ['md5', 'sha512+blocks'].map(
	(task, index) =>
		new Worker(new URL('./hash-worker.ts', import.meta.url), {
			workerData: { task, index, ring, counters, lengths, slots: SLOTS, pieceBytes: PIECE_BYTES },
		}),
);
await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))));

const before = process.cpuUsage();
const startedAt = performance.now();
const done = Promise.all(
	workers.map((worker) => new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject))),
);
const file = openSync(path, 'r');
for (let piece = 0; ; piece++) {
	for (const taker of [1, 2])
		for (let taken = Atomics.load(counters, taker); piece - taken >= SLOTS; taken = Atomics.load(counters, taker))
			Atomics.wait(counters, taker, taken);
	const slot = piece % SLOTS;
	const length = readSync(file, new Uint8Array(ring, slot * PIECE_BYTES, PIECE_BYTES));
	lengths[slot] = length;
	Atomics.store(counters, 0, piece + 1);
	Atomics.notify(counters, 0);
	if (length === 0) break;
}
closeSync(file);
await done;
const seconds = (performance.now() - startedAt) / 1000;
const { user, system } = process.cpuUsage(before);
process.stdout.write(`${JSON.stringify({ seconds, cpuSeconds: (user + system) / 1e6 })}\n`);
