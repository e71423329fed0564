export interface Deadline extends Disposable {
	readonly signal: AbortSignal;
}

/** Fires with `outer`, or with `late` after so long, until it is disposed. Does not keep a process alive. */
export function deadline(ms: number, late: Error, outer: AbortSignal): Deadline {
	const own = new AbortController();
	const timer = setTimeout(() => own.abort(late), ms).unref();
	return { signal: AbortSignal.any([outer, own.signal]), [Symbol.dispose]: () => clearTimeout(timer) };
}
