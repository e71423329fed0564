import { once } from 'node:events';
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { ImageError } from '#domain/errors.ts';

export interface SendOptions {
	readonly status: 200 | 206;
	readonly headers: OutgoingHttpHeaders;
	/** exact length of the body in bytes */
	readonly length: number;
	/** a client that takes nothing at all for so long is given up */
	readonly stallMs: number;
	/** called with the bytes the kernel has taken, chunk by chunk */
	readonly onSent: (bytes: number) => void;
}

/**
 * Writes a body from its source straight to the socket, chunk by chunk, with the client's back-pressure. A chunk is
 * handed to the kernel before the next one is asked for: the source may reuse its buffers.
 * The first chunk is awaited before any header is written, so a source that cannot start rejects with its own error and
 * the answer is still open. Afterwards a failure destroys the connection: a body that looks complete is complete.
 */
export async function sendBytes(
	outgoing: ServerResponse,
	source: AsyncIterable<Uint8Array>,
	options: SendOptions,
): Promise<void> {
	const chunks = source[Symbol.asyncIterator]();
	try {
		let chunk = await chunks.next();
		if (outgoing.destroyed) throw clientGone();
		outgoing.strictContentLength = true;
		outgoing.writeHead(options.status, { ...options.headers, 'content-length': options.length });
		while (!chunk.done) {
			await write(outgoing, chunk.value, options.stallMs);
			options.onSent(chunk.value.length);
			chunk = await chunks.next();
		}
		outgoing.end();
		if (!outgoing.writableFinished) await Promise.race([once(outgoing, 'finish'), once(outgoing, 'close')]);
	} catch (error) {
		if (outgoing.headersSent) outgoing.destroy();
		throw error;
	} finally {
		await chunks.return?.();
	}
}

/** Resolves when the kernel has taken the bytes. The socket's own timer knows a slow client from a stalled one. */
function write(outgoing: ServerResponse, bytes: Uint8Array, stallMs: number): Promise<void> {
	return new Promise((resolve, reject) => {
		const { socket } = outgoing;
		const stalled = () => settle(new ImageError('timeout', `the client took no data for ${stallMs / 1000} s`));
		const closed = () => settle(clientGone());
		function settle(error?: Error | null): void {
			socket?.off('timeout', stalled).setTimeout(0);
			outgoing.off('close', closed);
			if (error) reject(error instanceof ImageError ? error : clientGone(error));
			else resolve();
		}
		socket?.setTimeout(stallMs).once('timeout', stalled);
		outgoing.once('close', closed);
		outgoing.write(bytes, settle);
	});
}

function clientGone(cause?: unknown): ImageError {
	return new ImageError('aborted', 'the client closed the connection', { cause });
}
