/** One thread of hash-pipeline.ts: takes every piece of the ring in order; a piece of length 0 is the end. */
import { createHash, hash as hashOnce } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';

const { task, index, ring, counters, lengths, slots, pieceBytes } = workerData as {
	task: 'md5' | 'sha512+blocks';
	index: number;
	ring: SharedArrayBuffer;
	counters: Int32Array;
	lengths: Int32Array;
	slots: number;
	pieceBytes: number;
};
const whole = createHash(task === 'md5' ? 'md5' : 'sha512');
parentPort?.postMessage('ready');

for (let piece = 0; ; piece++) {
	for (let written = Atomics.load(counters, 0); written <= piece; written = Atomics.load(counters, 0))
		Atomics.wait(counters, 0, written);
	const slot = piece % slots;
	const length = lengths[slot] ?? 0;
	if (length === 0) break;
	const bytes = new Uint8Array(ring, slot * pieceBytes, length);
	whole.update(bytes);
	if (task === 'sha512+blocks') hashOnce('sha256', bytes, 'buffer');
	Atomics.store(counters, index + 1, piece + 1);
	Atomics.notify(counters, index + 1);
}
whole.digest();
