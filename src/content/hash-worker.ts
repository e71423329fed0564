/**
 * The far side of `hash-threads.ts`: hashes blocks where they lie in shared memory. Requests are answered in order;
 * a block's digest is written beside the slots before it is announced.
 */
import { createHash, type Hash, hash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { BLOCK_BYTES, DIGEST_BYTES } from './limits.ts';

/** [verb, job, slot, length in bytes] or, for `open`, [verb, job, algorithm] */
export type HashRequest =
	| readonly ['open', job: number, algorithm: string]
	| readonly ['block', job: number, slot: number, length: number]
	| readonly ['digest-block', job: number, slot: number, length: number]
	| readonly ['digest', slot: number, length: number]
	| readonly ['finish', job: number]
	| readonly ['drop', job: number];

/** 0: done. 1: the digest is there, more follows. Text: the hash in hex. */
export type HashAnswer = 0 | 1 | string;

export interface HashMemory {
	readonly slots: SharedArrayBuffer;
	readonly digests: SharedArrayBuffer;
}

const { slots, digests } = workerData as HashMemory;
const port = parentPort;
if (port === null) throw new TypeError('a hash worker runs in a thread of its own');
const jobs = new Map<number, Hash>();

const answer = (value: HashAnswer): void => port.postMessage(value);
const bytesOf = (slot: number, length: number): Uint8Array => new Uint8Array(slots, slot * BLOCK_BYTES, length);

function writeDigest(slot: number, length: number): void {
	new Uint8Array(digests, slot * DIGEST_BYTES, DIGEST_BYTES).set(hash('sha256', bytesOf(slot, length), 'buffer'));
}

port.on('message', (request: HashRequest) => {
	switch (request[0]) {
		case 'open':
			jobs.set(request[1], createHash(request[2]));
			return;
		case 'digest-block':
			writeDigest(request[2], request[3]);
			answer(1);
			jobs.get(request[1])?.update(bytesOf(request[2], request[3]));
			return answer(0);
		case 'block':
			jobs.get(request[1])?.update(bytesOf(request[2], request[3]));
			return answer(0);
		case 'digest':
			writeDigest(request[1], request[2]);
			return answer(1);
		case 'finish':
			answer(jobs.get(request[1])?.digest('hex') ?? '');
			jobs.delete(request[1]);
			return;
		case 'drop':
			jobs.delete(request[1]);
	}
});
