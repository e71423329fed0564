/** The server's ear: requests off a stream, in order, never more waiting than the protocol allows. */
import type { Stream, StreamMessageEvent } from '@libp2p/interface';
import { Uint8ArrayList } from 'uint8arraylist';
import { ImageError } from '#domain/errors.ts';
import { malformed } from '#exchange/wire.ts';
import { REQUEST_BYTES } from './constants.ts';
import { decodeRequest, type Request } from './messages.ts';

export interface RequestQueue {
	readonly waiting: number;
	/** The next request; undefined when the asker has ended its side. Throws what ended the stream; `timeout` after `idleMs`. */
	next(idleMs: number): Promise<Request | undefined>;
}

/** `early` is what came after the opening frame. An asker that lets more than `maxWaiting` pile up is reset. */
export function readRequests(stream: Stream, early: Uint8ArrayList, maxWaiting: number): RequestQueue {
	const received = new Uint8ArrayList();
	const requests: Request[] = [];
	let ended = false;
	let failure: Error | undefined;
	let wake: (() => void) | undefined;

	function take(data: Uint8Array | Uint8ArrayList): void {
		if (failure !== undefined) return;
		received.append(data);
		try {
			while (received.byteLength >= REQUEST_BYTES) {
				if (requests.length >= maxWaiting) throw malformed('request', `came while ${maxWaiting} others were waiting`);
				requests.push(decodeRequest(received.subarray(0, REQUEST_BYTES)));
				received.consume(REQUEST_BYTES);
			}
		} catch (error) {
			failure = error as Error;
			stream.abort(failure);
		}
		wake?.();
	}

	take(early);
	stream.addEventListener('message', ({ data }: StreamMessageEvent) => take(data));
	stream.addEventListener('end', () => {
		ended = true;
		wake?.();
	});
	stream.addEventListener('close', ({ error }) => {
		failure ??= error;
		ended = true;
		wake?.();
	});

	return {
		get waiting() {
			return requests.length;
		},
		async next(idleMs) {
			for (;;) {
				if (failure !== undefined) throw failure;
				const request = requests.shift();
				if (request !== undefined) return request;
				if (ended || stream.readableEnded) return undefined;
				const woken = Promise.withResolvers<void>();
				wake = () => woken.resolve();
				const timer = setTimeout(() => woken.reject(new ImageError('timeout', `no request came for ${idleMs} ms`)), idleMs);
				try {
					await woken.promise;
				} finally {
					wake = undefined;
					clearTimeout(timer);
				}
			}
		},
	};
}
