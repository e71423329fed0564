/**
 * A set of keys to attend to: each at most once at a time, a few at once, a failed one again later and later. A key that
 * is added while it is being attended to is attended to once more.
 */
import { codeOf } from '#domain/errors.ts';
import type { Log } from '#lib/log.ts';

export interface BackoffQueue<Key> extends AsyncDisposable {
	add(key: Key): void;
	/** What waits after a failure is due now. */
	retryNow(): void;
	/** Keys waiting, running or to be retried. */
	size(): number;
}

export interface BackoffQueueOptions<Key> {
	readonly atOnce: number;
	readonly work: (key: Key, signal: AbortSignal) => Promise<void>;
	readonly log: Log;
	readonly clock?: () => number;
	readonly firstDelayMs?: number;
	readonly longestDelayMs?: number;
}

interface Entry {
	failures: number;
	/** UTC milliseconds */
	due: number;
	running: boolean;
	again: boolean;
}

export function createBackoffQueue<Key>(options: BackoffQueueOptions<Key>): BackoffQueue<Key> {
	const { atOnce, work, log, clock = Date.now, firstDelayMs = 500, longestDelayMs = 60_000 } = options;
	const entries = new Map<Key, Entry>();
	const running = new Set<Promise<void>>();
	const stopping = new AbortController();
	let timer: NodeJS.Timeout | undefined;

	function pump(): void {
		clearTimeout(timer);
		if (stopping.signal.aborted) return;
		let next = Number.POSITIVE_INFINITY;
		for (const [key, entry] of entries) {
			if (running.size >= atOnce) return;
			if (entry.running) continue;
			if (entry.due <= clock()) run(key, entry);
			else next = Math.min(next, entry.due);
		}
		// Unrefed: a retry to come never keeps a stopping process alive.
		if (next !== Number.POSITIVE_INFINITY) timer = setTimeout(pump, next - clock()).unref();
	}

	function run(key: Key, entry: Entry): void {
		entry.running = true;
		entry.again = false;
		const task = attend(key, entry).finally(() => {
			running.delete(task);
			pump();
		});
		running.add(task);
	}

	async function attend(key: Key, entry: Entry): Promise<void> {
		try {
			await work(key, stopping.signal);
			entry.failures = 0;
			if (!entry.again) entries.delete(key);
		} catch (error) {
			if (stopping.signal.aborted) return;
			entry.failures += 1;
			const delayMs = Math.min(longestDelayMs, firstDelayMs * 2 ** (entry.failures - 1)) * (0.75 + Math.random() / 2);
			entry.due = entry.again ? clock() : clock() + delayMs;
			log.warn({ key, code: codeOf(error), error: String(error), retryInMs: Math.round(delayMs) }, 'will be tried again');
		} finally {
			entry.running = false;
		}
	}

	return {
		add(key) {
			const entry = entries.get(key);
			if (entry?.running) entry.again = true;
			else if (entry !== undefined) entry.due = clock();
			else entries.set(key, { failures: 0, due: clock(), running: false, again: false });
			pump();
		},
		retryNow() {
			for (const entry of entries.values()) if (!entry.running) entry.due = clock();
			pump();
		},
		size: () => entries.size,
		async [Symbol.asyncDispose]() {
			stopping.abort();
			clearTimeout(timer);
			await Promise.all(running);
			entries.clear();
		},
	};
}
