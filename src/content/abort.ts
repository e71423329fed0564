/** Waiting that ends with a signal, without leaving listeners behind. */
import { ImageError } from '#domain/errors.ts';

/** An abort as the house's error; a reason that already is one (a deadline, a limit) is kept. */
export function abortError(signal: AbortSignal, what: string): ImageError {
	if (signal.reason instanceof ImageError) return signal.reason;
	return new ImageError('aborted', `${what} was aborted`, { cause: signal.reason });
}

export function throwIfAborted(signal: AbortSignal, what: string): void {
	if (signal.aborted) throw abortError(signal, what);
}

/** Settles as `promise` does, or rejects as soon as the signal fires; the promise itself goes on unobserved. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal, what: string): Promise<T> {
	return new Promise<T>((resolve, reject) => {
		const onAbort = (): void => reject(abortError(signal, what));
		if (signal.aborted) onAbort();
		signal.addEventListener('abort', onAbort, { once: true });
		promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
	});
}

/**
 * The chunks of a source, until it ends or the signal fires, even while the source is silent. The source is closed
 * on every way out; one that hangs in closing is left alone.
 */
export async function* untilAborted(
	source: AsyncIterable<Uint8Array>,
	signal: AbortSignal,
	what: string,
): AsyncGenerator<Uint8Array> {
	const iterator = source[Symbol.asyncIterator]();
	let interrupt: ((error: Error) => void) | undefined;
	const onAbort = (): void => interrupt?.(abortError(signal, what));
	signal.addEventListener('abort', onAbort);
	let ended = false;
	try {
		for (;;) {
			throwIfAborted(signal, what);
			const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
				interrupt = reject;
				iterator.next().then(resolve, reject);
			});
			if (next.done === true) {
				ended = true;
				return;
			}
			yield next.value;
		}
	} finally {
		signal.removeEventListener('abort', onAbort);
		if (!ended) void Promise.resolve(iterator.return?.()).catch(() => undefined);
	}
}
