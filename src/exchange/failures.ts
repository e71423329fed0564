/** The border between libp2p's errors and ours: whatever a stream, a dial or a timer throws becomes an ImageError. */
import { ImageError } from '#domain/errors.ts';

export function failureOf(error: unknown, doing: string): ImageError {
	if (error instanceof ImageError) return error;
	const name = error instanceof Error ? error.name : '';
	if (name === 'TimeoutError') return new ImageError('timeout', `${doing} took too long`, { cause: error });
	if (name === 'AbortError') return new ImageError('aborted', `${doing} was aborted`, { cause: error });
	return new ImageError('unavailable', `${doing} failed: the peer or the way to it is gone`, { cause: error });
}

/** `listen EADDRINUSE: address already in use 127.0.0.1:4001` */
const LISTEN_REASON = /\blisten (E[A-Z]+): .*?(\S+):(\d+)$/m;

/** libp2p folds the reasons of its listeners into one text: the first one becomes again the system error that it was. */
export function listenFailure(error: unknown, listen: readonly string[]): ImageError {
	const [, code, address, port] = LISTEN_REASON.exec(String(error)) ?? [];
	const reason = Object.assign(new Error(`listen ${code}`, { cause: error }), {
		code,
		syscall: 'listen',
		address,
		port: Number(port),
	});
	const cause = code === undefined ? error : reason;
	return new ImageError('unavailable', `the peers' door cannot listen on ${listen.join(', ')}`, { cause });
}
