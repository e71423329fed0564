/** The one queue of writes. Those that come while a batch is being made durable share the next one. */
import { ImageError } from '#domain/errors.ts';
import { type Draft, draftOver } from './draft.ts';
import type { Store } from './store.ts';

/** Writes of one batch: more would keep the first of them waiting for no gain. */
const GROUP_WRITES_MAX = 128;

/**
 * Changes a draft. It sees all writes queued before it; when it throws, nothing of it is written and the others of its
 * batch are none the worse.
 */
export type Write<T> = (draft: Draft) => Promise<T>;

export interface Writer {
	/** Resolves when the write is durable and visible; `settled` is called just before, in the order of writes. */
	write<T>(write: Write<T>, settled: (value: T) => void): Promise<T>;
	/** Waits for what was queued; everything later is `unavailable`. */
	close(): Promise<void>;
}

interface Queued {
	/** Runs over the batch's draft; the result is called once that is durable, or with what went wrong. */
	run(batch: Draft): Promise<((error?: unknown) => void) | undefined>;
}

export function writerOver(store: Store): Writer {
	const queue: Queued[] = [];
	let running: Promise<void> | undefined;
	let closed = false;

	async function drain(): Promise<void> {
		while (queue.length > 0) await writeBatch(store, queue.splice(0, GROUP_WRITES_MAX));
		running = undefined;
	}

	return {
		write(write, settled) {
			if (closed) return Promise.reject(new ImageError('unavailable', 'the catalogue is closed'));
			const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<typeof write>>>();
			queue.push({
				async run(batch) {
					const draft = draftOver(batch);
					try {
						const value = await write(draft);
						batch.absorb(draft);
						return (error) => {
							if (error !== undefined) return reject(error);
							settled(value);
							resolve(value);
						};
					} catch (error) {
						reject(error);
						return undefined;
					}
				},
			});
			running ??= drain();
			return promise;
		},
		async close() {
			closed = true;
			await running;
		},
	};
}

async function writeBatch(store: Store, group: readonly Queued[]): Promise<void> {
	const batch = draftOver(store);
	const done: ((error?: unknown) => void)[] = [];
	for (const queued of group) {
		const settle = await queued.run(batch);
		if (settle) done.push(settle);
	}
	try {
		if (batch.entries.size > 0) await store.adopt(batch);
	} catch (error) {
		for (const settle of done) settle(error);
		return;
	}
	for (const settle of done) settle();
}
