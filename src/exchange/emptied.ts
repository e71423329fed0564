/**
 * Back-pressure: resolves when a stream has handed on all that it was given. The stream's own `onDrain` is of no use for
 * this: its promise is made once and stays resolved, so from the second time on it does not wait.
 */
import type { MessageStream } from '@libp2p/interface';
import { ImageError } from '#domain/errors.ts';

/** Resets the stream and throws `timeout` when the peer takes nothing for `stallMs`; throws what closed the stream. */
export async function emptied(stream: MessageStream, stallMs: number, signal?: AbortSignal): Promise<void> {
	if (stream.writeBufferLength === 0) return;
	signal?.throwIfAborted();
	const { promise, resolve, reject } = Promise.withResolvers<void>();
	const stalled = (): void => {
		const error = new ImageError('timeout', `a peer took no bytes for ${stallMs} ms`);
		stream.abort(error);
		reject(error);
	};
	const empty = (): void => resolve();
	const lost = ({ error }: { error?: Error }): void => reject(error ?? new ImageError('aborted', 'the stream was closed'));
	const aborted = (): void => reject(signal?.reason);
	const timer = setTimeout(stalled, stallMs);
	stream.addEventListener('idle', empty);
	stream.addEventListener('close', lost);
	signal?.addEventListener('abort', aborted);
	try {
		await promise;
	} finally {
		clearTimeout(timer);
		stream.removeEventListener('idle', empty);
		stream.removeEventListener('close', lost);
		signal?.removeEventListener('abort', aborted);
	}
}
