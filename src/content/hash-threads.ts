/**
 * Hashing off the main thread: block buffers in shared memory, and a few threads that hash them in place. Only numbers
 * cross between threads. Memory and threads exist while there is work and are given back after a while without.
 */
import { createHash } from 'node:crypto';
import { ImageError } from '#domain/errors.ts';
import { type HashThread, startHashThread } from './hash-thread.ts';
import type { HashMemory } from './hash-worker.ts';
import { BLOCK_BYTES, type ContentLimits, DIGEST_BYTES } from './limits.ts';
import { createSlotPool, type Slot, type SlotPool } from './slots.ts';

export interface HashThreads extends AsyncDisposable {
	/** Buffers for what is being taken in from clients. */
	uploadSlots(): SlotPool;
	/** Buffers for what is being fetched or re-read; apart, so that neither starves the other. */
	fetchSlots(): SlotPool;
	/** sha2-256 of the first `length` bytes of a slot. */
	digest(slot: Slot, length: number): Promise<Uint8Array>;
	/** md5 and `algorithm` over all blocks in order, and sha2-256 of each. `invalid` for an algorithm node does not know. */
	openStream(algorithm: string): HashStream;
}

export interface HashStream extends Disposable {
	/** Adds the next block. The slot may be reused when `done` resolves; `digest` comes earlier. */
	add(slot: Slot, length: number): HashedBlock;
	/** hex; call once, after the last `done` */
	finish(): Promise<{ readonly checksum: string; readonly hashValue: string }>;
}

export interface HashedBlock {
	/** sha2-256, a copy */
	readonly digest: Promise<Uint8Array>;
	readonly done: Promise<void>;
}

/** CPU seconds a GiB, the measure by which threads share the work. */
const COST = { md5: 1.4, wide: 2.0, check: 0.6 };

interface Engine {
	readonly digests: Uint8Array;
	readonly memory: HashMemory;
	readonly threads: HashThread[];
	readonly uploads: SlotPool;
	readonly fetches: SlotPool;
}

export function createHashThreads(limits: ContentLimits): HashThreads {
	let engine: Engine | undefined;
	let streams = 0;
	let jobs = 0;
	let idle: NodeJS.Timeout | undefined;

	const onQuiet = (): void => {
		if (engine === undefined || idle !== undefined || busy(engine)) return;
		idle = setTimeout(() => {
			idle = undefined;
			if (engine !== undefined && !busy(engine)) void release();
		}, limits.idleThreadsMs).unref();
	};
	const busy = (now: Engine): boolean => streams + now.uploads.taken + now.fetches.taken > 0;

	const release = async (): Promise<void> => {
		const ended = engine;
		engine = undefined;
		clearTimeout(idle);
		idle = undefined;
		await Promise.all((ended?.threads ?? []).map((thread) => thread.end()));
	};

	const running = (): Engine => (engine ??= startEngine(limits, onQuiet));

	/** The thread with the least to do; a dead one is replaced first. */
	const lightest = (): HashThread => {
		const { threads, memory } = running();
		for (const [index, thread] of threads.entries()) if (thread.failure !== undefined) threads[index] = startHashThread(memory);
		if (threads.length < limits.hashThreads && threads.every((thread) => thread.load > 0)) threads.push(startHashThread(memory));
		return threads.reduce((best, thread) => (thread.load < best.load ? thread : best));
	};

	const copyDigest = (now: Engine, slot: Slot): Uint8Array =>
		now.digests.slice(slot.number * DIGEST_BYTES, (slot.number + 1) * DIGEST_BYTES);

	return {
		uploadSlots: () => running().uploads,
		fetchSlots: () => running().fetches,
		async digest(slot, length) {
			const now = running();
			const thread = lightest();
			thread.load += COST.check;
			try {
				await thread.ask(['digest', slot.number, length]);
				return copyDigest(now, slot);
			} finally {
				thread.load -= COST.check;
			}
		},
		openStream(algorithm) {
			assertKnown(algorithm);
			const now = running();
			const job = ++jobs;
			const wide = lightest();
			wide.load += COST.wide;
			const md5 = lightest();
			md5.load += COST.md5;
			streams++;
			// Two names, since both hashes may live on one thread.
			const [wideJob, md5Job] = [job * 2, job * 2 + 1];
			wide.send(['open', wideJob, algorithm]);
			md5.send(['open', md5Job, 'md5']);
			let open = true;

			return {
				add(slot, length) {
					const first = wide.ask(['digest-block', wideJob, slot.number, length]);
					const rest = wide.more();
					const other = md5.ask(['block', md5Job, slot.number, length]);
					// Settles only when neither thread looks at the slot any more, also when one of them has died.
					const done = Promise.allSettled([rest, other]).then(throwFirst);
					// Whoever awaits the digest sees the failure of its thread as well.
					done.catch(() => undefined);
					return { digest: first.then(() => copyDigest(now, slot)), done };
				},
				async finish() {
					const [hashValue, checksum] = await Promise.all([wide.ask(['finish', wideJob]), md5.ask(['finish', md5Job])]);
					return { checksum: String(checksum), hashValue: String(hashValue) };
				},
				[Symbol.dispose]() {
					if (!open) return;
					open = false;
					wide.send(['drop', wideJob]);
					md5.send(['drop', md5Job]);
					wide.load -= COST.wide;
					md5.load -= COST.md5;
					streams--;
					onQuiet();
				},
			};
		},
		[Symbol.asyncDispose]: release,
	};
}

function startEngine(limits: ContentLimits, onQuiet: () => void): Engine {
	const count = limits.uploadSlots + limits.fetchSlots;
	const memory: HashMemory = {
		slots: new SharedArrayBuffer(count * BLOCK_BYTES),
		digests: new SharedArrayBuffer(count * DIGEST_BYTES),
	};
	const slots = Array.from(
		{ length: count },
		(_, number): Slot => ({ number, bytes: new Uint8Array(memory.slots, number * BLOCK_BYTES, BLOCK_BYTES) }),
	);
	return {
		memory,
		digests: new Uint8Array(memory.digests),
		threads: [startHashThread(memory)],
		uploads: createSlotPool(slots.slice(0, limits.uploadSlots), onQuiet),
		fetches: createSlotPool(slots.slice(limits.uploadSlots), onQuiet),
	};
}

function throwFirst(results: readonly PromiseSettledResult<unknown>[]): void {
	for (const result of results) if (result.status === 'rejected') throw result.reason;
}

function assertKnown(algorithm: string): void {
	try {
		createHash(algorithm);
	} catch (cause) {
		throw new ImageError('invalid', `hash algorithm ${algorithm} is not known`, { cause });
	}
}
