/**
 * The subscriber's half: pulls a peer's logs into the catalogue for as long as the connection lives. The vector it sends
 * is request, acknowledgement and place to resume at once; the next batch is asked for when the last one is durable.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Connection } from '@libp2p/interface';
import type { LogFeed, LogVector } from '#catalogue/ports.ts';
import { ImageError } from '#domain/errors.ts';
import { openFrames } from '#exchange/frames.ts';
import type { Limits } from '#exchange/limits.ts';
import { MAX_RECORDS_FRAME_BYTES, RECORDS_PROTOCOL } from './constants.ts';
import { decodeBatch, encodeHave } from './messages.ts';

export interface SubscribeOptions {
	readonly feed: LogFeed;
	readonly limits: Pick<Limits, 'recordsSilenceMs' | 'recordsBeatMs' | 'openTimeoutMs'>;
	readonly signal: AbortSignal;
}

/**
 * Ends only by failing: `aborted` by the signal, `unavailable` when the peer ends it, `timeout` when the peer is silent,
 * `corrupt` for entries that the catalogue refuses or that were held already.
 */
export async function subscribe(connection: Connection, { feed, limits, signal }: SubscribeOptions): Promise<never> {
	const opening = AbortSignal.any([signal, AbortSignal.timeout(limits.openTimeoutMs)]);
	const stream = await connection.newStream([RECORDS_PROTOCOL], { signal: opening });
	const channel = openFrames(stream, { maxFrameBytes: MAX_RECORDS_FRAME_BYTES });
	try {
		for (;;) {
			const have = feed.vector();
			const patience = AbortSignal.any([signal, AbortSignal.timeout(limits.recordsSilenceMs)]);
			await channel.write(encodeHave(have), { signal: patience });
			const frame = await channel.read({ signal: patience });
			if (frame === undefined) throw new ImageError('unavailable', 'the peer ended the log subscription');
			const entries = decodeBatch(frame);
			if (entries.length === 0) continue;
			const { accepted, gaps } = await feed.receive(entries);
			if (accepted > 0 || hasGrown(have, feed.vector())) continue;
			if (gaps === 0) throw new ImageError('corrupt', 'a peer sent log entries that this node holds already');
			// entries that cannot be taken yet, as those from a clock that is ahead: asking at once would bring the same
			await pause(limits.recordsBeatMs, undefined, { signal, ref: false });
		}
	} catch (error) {
		channel.abort(error as Error);
		throw error;
	}
}

/** Another peer may have brought the same entries meanwhile; that is no fault of this one. */
function hasGrown(before: LogVector, after: LogVector): boolean {
	for (const [log, last] of after) if (last > (before.get(log) ?? 0)) return true;
	return false;
}
