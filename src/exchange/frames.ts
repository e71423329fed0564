/**
 * Control messages over a libp2p stream: a 4-byte big-endian length, then so many bytes. For small conversations only;
 * blocks have their own layout. Reading is bounded: while a whole frame waits to be read the stream is paused.
 */
import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface';
import { Uint8ArrayList } from 'uint8arraylist';
import { ImageError } from '#domain/errors.ts';
import { emptied } from './emptied.ts';

const LENGTH_BYTES = 4;
/** the callers' signals are sooner; this is for a caller that has none */
const WRITE_STALL_MS = 120_000;

export interface FrameChannel {
	/** The next frame; undefined when the peer has ended its side in order. `corrupt` for a frame beyond the bound. */
	read(options: { readonly signal: AbortSignal }): Promise<Uint8Array | undefined>;
	/** Resolves when the stream may take more. */
	write(frame: Uint8Array, options: { readonly signal: AbortSignal }): Promise<void>;
	/** Ends our side in order. */
	close(options: { readonly signal: AbortSignal }): Promise<void>;
	/** Resets the stream. */
	abort(reason: Error): void;
	/** Gives up reading and returns what was received beyond the last frame, for a protocol that goes on in another layout. */
	detach(): Uint8ArrayList;
}

export function openFrames(stream: Stream, { maxFrameBytes }: { readonly maxFrameBytes: number }): FrameChannel {
	const received = new Uint8ArrayList();
	let failure: Error | undefined;
	let waiting: (() => void) | undefined;
	let paused = false;

	/** A stream that is closing refuses both; its last bytes come, or its end is told, by the events below. */
	function setPaused(wanted: boolean): void {
		if (paused === wanted) return;
		paused = wanted;
		try {
			if (wanted) stream.pause();
			else stream.resume();
		} catch {
			paused = false;
		}
	}

	const onMessage = ({ data }: StreamMessageEvent): void => {
		received.append(data);
		if (holdsFrame(received, maxFrameBytes)) setPaused(true);
		waiting?.();
	};
	const onEnd = (): void => waiting?.();
	const onClose = ({ error }: StreamCloseEvent): void => {
		failure ??= error;
		waiting?.();
	};
	stream.addEventListener('message', onMessage);
	stream.addEventListener('end', onEnd);
	stream.addEventListener('close', onClose);

	function take(): Uint8Array | undefined {
		const length = lengthOf(received);
		if (length === undefined) return undefined;
		if (length > maxFrameBytes) {
			failure = new ImageError('corrupt', `a peer sent a frame of ${length} bytes, more than the ${maxFrameBytes} allowed`);
			stream.abort(failure);
			throw failure;
		}
		if (received.byteLength < LENGTH_BYTES + length) return undefined;
		const frame = received.slice(LENGTH_BYTES, LENGTH_BYTES + length);
		received.consume(LENGTH_BYTES + length);
		return frame;
	}

	return {
		async read({ signal }) {
			for (;;) {
				signal.throwIfAborted();
				const frame = take();
				if (frame !== undefined) return frame;
				if (failure !== undefined) throw failure;
				if (stream.readableEnded || (stream.status === 'closed' && !paused)) {
					if (received.byteLength > 0) throw new ImageError('corrupt', 'a peer ended its stream inside a frame');
					return undefined;
				}
				const woken = Promise.withResolvers<void>();
				waiting = woken.resolve;
				signal.addEventListener('abort', woken.resolve as () => void, { once: true });
				try {
					const before = received.byteLength;
					setPaused(false);
					if (!stream.readableEnded && received.byteLength === before) await woken.promise;
				} finally {
					waiting = undefined;
					signal.removeEventListener('abort', woken.resolve as () => void);
				}
			}
		},
		async write(frame, { signal }) {
			if (frame.byteLength > maxFrameBytes)
				throw new ImageError('too-large', `a message of ${frame.byteLength} bytes exceeds the ${maxFrameBytes} allowed`);
			const length = new Uint8Array(LENGTH_BYTES);
			new DataView(length.buffer).setUint32(0, frame.byteLength);
			stream.send(new Uint8ArrayList(length, frame));
			await emptied(stream, WRITE_STALL_MS, signal);
		},
		close: (options) => stream.close(options),
		abort: (reason) => stream.abort(reason),
		detach() {
			stream.removeEventListener('message', onMessage);
			stream.removeEventListener('end', onEnd);
			stream.removeEventListener('close', onClose);
			setPaused(false);
			return received;
		},
	};
}

function lengthOf(received: Uint8ArrayList): number | undefined {
	return received.byteLength < LENGTH_BYTES ? undefined : received.getUint32(0);
}

/** True also for a frame that is too long: it must be judged before more is taken. */
function holdsFrame(received: Uint8ArrayList, maxFrameBytes: number): boolean {
	const length = lengthOf(received);
	return length !== undefined && (length > maxFrameBytes || received.byteLength >= LENGTH_BYTES + length);
}
