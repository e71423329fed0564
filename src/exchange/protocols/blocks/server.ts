/**
 * The holder's half of blocks/1: admits, then reads this node's own shelf and nothing else. While one block is on its
 * way out the next is read from disk; two slots a stream, whatever the asker has outstanding.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Connection, Stream } from '@libp2p/interface';
import { Uint8ArrayList } from 'uint8arraylist';
import type { BlockShelf, ShelfReader } from '#content/ports.ts';
import { ImageError } from '#domain/errors.ts';
import type { ContentRef } from '#domain/image.ts';
import { emptied } from '#exchange/emptied.ts';
import { openFrames } from '#exchange/frames.ts';
import type { Limits } from '#exchange/limits.ts';
import { createRate, type Rate } from '#exchange/rate.ts';
import { refusalOf } from '#exchange/refusals.ts';
import type { Slot, SlotPool } from '#exchange/slots.ts';
import { malformed } from '#exchange/wire.ts';
import { DIGEST_BYTES, DIGESTS_PER_PAGE, MAX_BLOCK_BYTES, MAX_OPEN_FRAME_BYTES, PIECE_BYTES } from './constants.ts';
import {
	type AnswerHeader,
	blockCount,
	blockLength,
	decodeOpen,
	encodeAnswerHeader,
	encodeOpenAnswer,
	type Request,
} from './messages.ts';
import { type RequestQueue, readRequests } from './requests.ts';

export interface BlocksServerOptions {
	readonly shelf: BlockShelf;
	readonly mayServe: (peer: string, root: string) => boolean;
	readonly slots: SlotPool;
	/** the transport has taken a copy of what it was given once its write buffer is empty, so that slots may be used again */
	readonly slotsReturn: boolean;
	readonly limits: Pick<
		Limits,
		| 'maxBlockStreams'
		| 'maxOutstandingBlocks'
		| 'blockRequestsPerSecond'
		| 'blockRequestBurst'
		| 'streamsPerSecond'
		| 'streamBurst'
		| 'blockStallMs'
		| 'blockIdleMs'
		| 'openTimeoutMs'
	>;
	readonly signal: AbortSignal;
}

/** What one member uses of this node, over all its streams. */
interface Tally {
	open: number;
	readonly streams: Rate;
	readonly requests: Rate;
}

/** What is known here of a content, and its bytes if there are any. */
interface Offer {
	readonly content: ContentRef;
	readonly digests: Uint8Array;
	readonly reader: ShelfReader | undefined;
}

interface Answer {
	readonly header: AnswerHeader;
	readonly body: Uint8Array;
	readonly slot?: Slot;
}

const NOTHING = new Uint8Array(0);

export function createBlocksServer(options: BlocksServerOptions) {
	const { shelf, mayServe, slots, slotsReturn, limits, signal: closing } = options;
	const tallies = new Map<string, Tally>();

	function tallyOf(peer: string): Tally {
		let tally = tallies.get(peer);
		if (tally === undefined) {
			tally = {
				open: 0,
				streams: createRate({ perSecond: limits.streamsPerSecond, burst: limits.streamBurst }),
				requests: createRate({ perSecond: limits.blockRequestsPerSecond, burst: limits.blockRequestBurst }),
			};
			tallies.set(peer, tally);
		}
		return tally;
	}

	async function find(peer: string, root: string): Promise<Offer> {
		if (!mayServe(peer, root)) throw new ImageError('forbidden', 'this content may not be served to this peer');
		const known = await shelf.digests(root);
		const reader = await shelf.open(root);
		const content = known?.content ?? reader?.content;
		if (content === undefined || content.blockSize > MAX_BLOCK_BYTES) {
			await reader?.[Symbol.asyncDispose]();
			throw new ImageError('not-found', 'nothing of this content is here');
		}
		return { content, digests: known?.digests ?? NOTHING, reader };
	}

	async function load(request: Request, offer: Offer): Promise<Answer> {
		const { content, digests, reader } = offer;
		const { index } = request;
		if (index >= blockCount(content)) throw malformed('request', 'is for a block beyond the last');
		if (request.kind === 'manifest') {
			const body = digests.subarray(index * DIGEST_BYTES, (index + DIGESTS_PER_PAGE) * DIGEST_BYTES);
			return { header: { kind: 'manifest', index, length: body.byteLength }, body };
		}
		const missing: Answer = { header: { kind: 'missing', index, length: 0 }, body: NOTHING };
		if (reader === undefined || !reader.has(index)) return missing;
		const slot = await slots.take({ signal: closing });
		try {
			const wanted = blockLength(content, index);
			const length = await reader.read(index, slot.bytes.subarray(0, wanted));
			if (length === wanted) return { header: { kind: 'block', index, length }, body: slot.bytes.subarray(0, length), slot };
			slot.release();
			return missing;
		} catch (error) {
			slot.release();
			throw error;
		}
	}

	async function send(stream: Stream, { header, body, slot }: Answer): Promise<void> {
		try {
			let piece = new Uint8ArrayList(encodeAnswerHeader(header), body.subarray(0, PIECE_BYTES));
			for (let sent = PIECE_BYTES; ; sent += PIECE_BYTES) {
				stream.send(piece);
				await emptied(stream, limits.blockStallMs);
				if (sent >= body.byteLength) break;
				piece = new Uint8ArrayList(body.subarray(sent, sent + PIECE_BYTES));
			}
		} finally {
			if (slotsReturn) slot?.release();
			else slot?.abandon();
		}
	}

	async function answer(stream: Stream, requests: RequestQueue, offer: Offer, rate: Rate): Promise<void> {
		const next = async (): Promise<Answer | undefined> => {
			const request = await requests.next(limits.blockIdleMs);
			if (request === undefined) return undefined;
			for (let wait = rate.take(); wait > 0; wait = rate.take()) await pause(wait, undefined, { signal: closing });
			return load(request, offer);
		};
		let ahead: Promise<Answer | undefined> | undefined;
		try {
			for (;;) {
				const current = await (ahead ?? next());
				ahead = undefined;
				if (current === undefined) return;
				if (requests.waiting > 0) {
					ahead = next();
					ahead.catch(() => {});
				}
				await send(stream, current);
			}
		} finally {
			(await ahead?.catch(() => undefined))?.slot?.release();
		}
	}

	return async function serveBlocks(stream: Stream, connection: Connection): Promise<void> {
		const peer = connection.remotePeer.toString();
		const tally = tallyOf(peer);
		if (tally.streams.take() > 0) return stream.abort(new ImageError('limit-exceeded', 'too many streams in one second'));
		tally.open++;
		let offer: Offer | undefined;
		try {
			const signal = AbortSignal.any([closing, AbortSignal.timeout(limits.openTimeoutMs)]);
			const channel = openFrames(stream, { maxFrameBytes: MAX_OPEN_FRAME_BYTES });
			const frame = await channel.read({ signal });
			if (frame === undefined) return await channel.close({ signal });
			const root = decodeOpen(frame);
			try {
				if (tally.open > limits.maxBlockStreams) throw new ImageError('limit-exceeded', 'too many streams of blocks are open');
				offer = await find(peer, root);
			} catch (error) {
				await channel.write(encodeOpenAnswer({ type: 'refused', refusal: refusalOf(error) }), { signal });
				return await channel.close({ signal });
			}
			const { size, blockSize } = offer.content;
			await channel.write(encodeOpenAnswer({ type: 'accepted', size, blockSize }), { signal });
			await answer(stream, readRequests(stream, channel.detach(), limits.maxOutstandingBlocks), offer, tally.requests);
			await stream.close({ signal: AbortSignal.timeout(limits.openTimeoutMs) });
		} finally {
			tally.open--;
			await offer?.reader?.[Symbol.asyncDispose]();
		}
	};
}
