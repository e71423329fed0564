import type { IncomingMessage, ServerResponse } from 'node:http';
import { ImageError } from '#domain/errors.ts';

/** A client that sends slower than this over one whole window is given up. */
export interface BodyPace {
	readonly minBytes: number;
	readonly windowMs: number;
}

/** 4 KiB a second, over 30 s */
export const DEFAULT_PACE: BodyPace = { minBytes: 4096 * 30, windowMs: 30_000 };

/** Does the request announce a body, however short? */
export function hasBody({ headers }: IncomingMessage): boolean {
	return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/**
 * The raw bytes of a request, read once, as they come from the socket (never a Web Stream: performance). A chunk is valid
 * until the next one is asked for.
 * Nothing is read, and no `100 Continue` is sent, before iteration starts. Leaving the iteration early leaves the
 * connection as it is, so that an answer can still be given.
 * Errors: `aborted` when the client goes before the end, `timeout` when it is slower than `pace` while it is waited for.
 */
export function requestBody(
	incoming: IncomingMessage,
	outgoing: ServerResponse,
	pace: BodyPace = DEFAULT_PACE,
): AsyncIterable<Uint8Array> {
	return {
		[Symbol.asyncIterator]() {
			if (incoming.headers.expect?.toLowerCase() === '100-continue' && !outgoing.headersSent) outgoing.writeContinue();
			return new BodyIterator(incoming, pace);
		},
	};
}

class BodyIterator implements AsyncIterator<Uint8Array> {
	readonly #incoming: IncomingMessage;
	readonly #pace: BodyPace;
	readonly #watchdog: NodeJS.Timeout;
	#windowBytes = 0;
	#waiting: PromiseWithResolvers<void> | undefined;
	#failure: ImageError | undefined;
	#lent: Buffer | undefined;

	constructor(incoming: IncomingMessage, pace: BodyPace) {
		this.#incoming = incoming;
		this.#pace = pace;
		this.#watchdog = setInterval(() => this.#watch(), pace.windowMs).unref();
		incoming.on('readable', this.#wake).on('end', this.#wake).on('error', this.#wake).on('close', this.#wake);
	}

	async next(): Promise<IteratorResult<Uint8Array>> {
		this.#takeBack();
		for (;;) {
			if (this.#failure !== undefined) throw this.#stop(this.#failure);
			const chunk: Buffer | null = this.#incoming.read();
			if (chunk !== null) {
				this.#windowBytes += chunk.length;
				this.#lent = chunk;
				return { done: false, value: chunk };
			}
			if (this.#incoming.readableEnded) return this.return();
			if (this.#incoming.destroyed)
				throw this.#stop(new ImageError('aborted', 'the client closed the connection before the end of the body'));
			this.#waiting = Promise.withResolvers();
			await this.#waiting.promise;
		}
	}

	async return(): Promise<IteratorResult<Uint8Array>> {
		this.#stop(undefined);
		return { done: true, value: undefined };
	}

	readonly #wake = (): void => {
		this.#waiting?.resolve();
		this.#waiting = undefined;
	};

	/** Only time spent waiting for the client is held against it, never a slow disk. */
	#watch(): void {
		if (this.#waiting !== undefined && this.#windowBytes < this.#pace.minBytes) {
			this.#failure = new ImageError(
				'timeout',
				`the client sent less than ${this.#pace.minBytes} bytes in ${this.#pace.windowMs / 1000} s`,
			);
			this.#wake();
		}
		this.#windowBytes = 0;
	}

	/** Frees a chunk that had memory of its own: left to the collector, each few hundred of them cost a pass over the heap. */
	#takeBack(): void {
		const { buffer, byteLength } = this.#lent ?? {};
		this.#lent = undefined;
		if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
	}

	#stop<E>(error: E): E {
		this.#takeBack();
		clearInterval(this.#watchdog);
		this.#incoming.off('readable', this.#wake).off('end', this.#wake).off('close', this.#wake);
		return error;
	}
}
