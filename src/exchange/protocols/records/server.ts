/**
 * The holder's half: answers each vector with what follows it, at once or when a log has grown. One batch is under way
 * at a time, so a slow subscriber costs one batch of memory and nothing else.
 */
import type { Connection, Stream } from '@libp2p/interface';
import type { LogFeed, LogVector } from '#catalogue/ports.ts';
import { openFrames } from '#exchange/frames.ts';
import type { Limits } from '#exchange/limits.ts';
import { BATCH_OVERHEAD_BYTES, MAX_RECORDS_FRAME_BYTES } from './constants.ts';
import { decodeHave, encodeBatch } from './messages.ts';

export interface RecordsServerOptions {
	readonly feed: LogFeed;
	readonly limits: Pick<Limits, 'recordsBeatMs' | 'recordsSilenceMs' | 'recordsBatchBytes' | 'recordsTakeMs'>;
	/** the whole door is closing */
	readonly signal: AbortSignal;
}

export function createRecordsServer({ feed, limits, signal: closing }: RecordsServerOptions) {
	const batchBytes = Math.min(limits.recordsBatchBytes, MAX_RECORDS_FRAME_BYTES - BATCH_OVERHEAD_BYTES);

	/** What follows `have`; waits for growth, at most until the next beat is due. */
	async function nextBatch(have: LogVector, gone: AbortSignal): Promise<readonly Uint8Array[]> {
		await using growth = watchGrowth(feed);
		const due = AbortSignal.any([AbortSignal.timeout(limits.recordsBeatMs), gone]);
		for (;;) {
			const entries = await feed.missing(have, batchBytes);
			if (entries.length > 0 || due.aborted) return entries;
			await growth.next(due);
		}
	}

	return async function serveRecords(stream: Stream, _connection: Connection): Promise<void> {
		const gone = new AbortController();
		stream.addEventListener('close', () => gone.abort(), { once: true });
		const channel = openFrames(stream, { maxFrameBytes: MAX_RECORDS_FRAME_BYTES });
		const patience = limits.recordsSilenceMs + limits.recordsTakeMs;
		for (;;) {
			const signal = AbortSignal.any([closing, AbortSignal.timeout(patience)]);
			const frame = await channel.read({ signal });
			if (frame === undefined) return await channel.close({ signal });
			const entries = await nextBatch(decodeHave(frame), AbortSignal.any([closing, gone.signal]));
			await channel.write(encodeBatch(entries), { signal: AbortSignal.any([closing, AbortSignal.timeout(patience)]) });
		}
	};
}

/** Growth that happens while nobody waits is remembered, so that none is missed between a look and a wait. */
function watchGrowth(feed: LogFeed) {
	let grown = Promise.withResolvers<void>();
	const stop = feed.onGrowth(() => grown.resolve());
	return {
		async next(signal: AbortSignal): Promise<void> {
			const ended = (): void => grown.resolve();
			signal.addEventListener('abort', ended, { once: true });
			if (signal.aborted) ended();
			await grown.promise;
			signal.removeEventListener('abort', ended);
			grown = Promise.withResolvers<void>();
		},
		async [Symbol.asyncDispose]() {
			stop();
		},
	};
}
