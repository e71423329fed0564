/** The border between libp2p's errors and ours: whatever a stream, a dial or a timer throws becomes an ImageError. */
import { ImageError } from '#domain/errors.ts';

export function failureOf(error: unknown, doing: string): ImageError {
	if (error instanceof ImageError) return error;
	const name = error instanceof Error ? error.name : '';
	if (name === 'TimeoutError') return new ImageError('timeout', `${doing} took too long`, { cause: error });
	if (name === 'AbortError') return new ImageError('aborted', `${doing} was aborted`, { cause: error });
	return new ImageError('unavailable', `${doing} failed: the peer or the way to it is gone`, { cause: error });
}
