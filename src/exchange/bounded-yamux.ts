/**
 * Yamux with one bound that the library leaves open: it collects a data frame whole before it looks at the receive
 * window, so a peer could announce four gigabytes and send them. Frame headers are read as they pass; no honest peer
 * sends a frame larger than the window that it was granted.
 */
import { yamux } from '@libp2p/yamux';
import { ImageError } from '#domain/errors.ts';
import type { Limits } from './limits.ts';

type YamuxFactory = ReturnType<typeof yamux>;

const HEADER_BYTES = 12;
const DATA_FRAME = 0;

export function boundedYamux(limits: Pick<Limits, 'maxInboundStreams' | 'streamWindowBytes' | 'readBufferBytes'>): YamuxFactory {
	const create = yamux({
		maxInboundStreams: limits.maxInboundStreams,
		maxOutboundStreams: limits.maxInboundStreams,
		streamOptions: { maxStreamWindowSize: limits.streamWindowBytes, maxReadBufferLength: limits.readBufferBytes },
	});
	return () => {
		const inner = create();
		return {
			protocol: inner.protocol,
			createStreamMuxer(connection) {
				const muxer = inner.createStreamMuxer(connection);
				const onData = muxer.onData.bind(muxer);
				const check = createFrameCheck(limits.streamWindowBytes);
				// called for each message of the connection; what it throws ends the connection
				muxer.onData = (data) => {
					if (data instanceof Uint8Array) check(data);
					else for (const piece of data) check(piece);
					onData(data);
				};
				return muxer;
			},
		};
	};
}

/** Follows the frames of one connection; throws at the header of one that is too long. */
export function createFrameCheck(maxFrameBytes: number): (piece: Uint8Array) => void {
	const header = Buffer.alloc(HEADER_BYTES);
	let headerFilled = 0;
	let bodyLeft = 0;
	return (piece) => {
		for (let at = 0; at < piece.byteLength; ) {
			if (bodyLeft > 0) {
				const count = Math.min(bodyLeft, piece.byteLength - at);
				bodyLeft -= count;
				at += count;
				continue;
			}
			const count = Math.min(HEADER_BYTES - headerFilled, piece.byteLength - at);
			header.set(piece.subarray(at, at + count), headerFilled);
			headerFilled += count;
			at += count;
			if (headerFilled < HEADER_BYTES) return;
			headerFilled = 0;
			if (header[1] !== DATA_FRAME) continue;
			bodyLeft = header.readUInt32BE(8);
			if (bodyLeft > maxFrameBytes)
				throw new ImageError('corrupt', `a peer announced a frame of ${bodyLeft} bytes, more than the ${maxFrameBytes} allowed`);
		}
	};
}
