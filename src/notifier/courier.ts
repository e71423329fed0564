/** Brings what is in the outbox to one sink: in order, again and again until the sink has confirmed it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '#lib/log.ts';
import type { Entry, OutboxReader } from './outbox.ts';
import { RefusedNotification, type Sink } from './sink.ts';

export interface CourierOptions {
	readonly reader: OutboxReader;
	readonly sink: Sink;
	readonly log: Log;
	/** of the pause after a failure; it doubles up to the longest, with jitter */
	readonly firstDelayMs?: number;
	readonly longestDelayMs?: number;
	/** how often a notification that the other side refuses for good is offered */
	readonly refusals?: number;
	/** how long a stopping courier may go on delivering what is there */
	readonly lastEffortMs?: number;
	readonly random?: () => number;
}

/** The outbox keeps what disposal leaves undelivered. */
export function startCourier(options: CourierOptions): AsyncDisposable {
	const { reader, sink, log, firstDelayMs = 500, longestDelayMs = 60_000 } = options;
	const { refusals: refusalsMax = 3, lastEffortMs = 2000, random = Math.random } = options;
	const waiting = new AbortController();
	const delivering = new AbortController();
	let failures = 0;
	let refusals = 0;

	async function deliver(entries: readonly Entry[]): Promise<void> {
		try {
			await sink.deliver(
				entries.map(({ notification }) => notification),
				{ signal: delivering.signal },
			);
		} catch (error) {
			if (!(error instanceof RefusedNotification) || entries.length > 1 || ++refusals < refusalsMax) throw error;
			const [entry] = entries;
			log.error({ err: error, sink: sink.name, message: entry?.notification.message_id }, 'a notification is given up');
		}
		if (failures > 0) log.info({ sink: sink.name, failures }, 'notifications are delivered again');
		failures = 0;
		refusals = 0;
		await reader.done(entries.at(-1)?.seq ?? 0);
	}

	async function pause(error: unknown): Promise<void> {
		failures += 1;
		if (failures === 1) log.warn({ err: error, sink: sink.name }, 'notifications cannot be delivered; they are kept');
		const longest = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(failures - 1, 20));
		await sleep(longest * (0.5 + random() / 2), undefined, { signal: waiting.signal, ref: false });
	}

	async function run(): Promise<void> {
		while (!delivering.signal.aborted) {
			try {
				// after a refusal or a failure one at a time, so that one message cannot hold up or repeat its neighbours for long
				await deliver(await reader.next(failures > 0 ? 1 : sink.batch, { signal: waiting.signal }));
			} catch (error) {
				if (waiting.signal.aborted) return;
				await pause(error);
			}
		}
	}

	// it rejects only by a pause that was told to stop
	const ended = run().catch(() => undefined);

	return {
		async [Symbol.asyncDispose]() {
			const timer = setTimeout(() => delivering.abort(), failures > 0 ? 0 : lastEffortMs);
			waiting.abort();
			await ended;
			clearTimeout(timer);
			delivering.abort();
			await sink[Symbol.asyncDispose]();
		},
	};
}
