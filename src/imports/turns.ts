/** One at a time, in the order of asking; whoever waits may leave by the signal. */
import { oneAtATime } from '#lib/one-at-a-time.ts';
import { orLeft } from '#lib/or-left.ts';

/** Disposal of what it gives lets the next one in. */
export function turns(): (signal: AbortSignal) => Promise<Disposable> {
	const queue = oneAtATime();
	return async (signal) => {
		const come = Promise.withResolvers<void>();
		const gone = Promise.withResolvers<void>();
		void queue('', () => {
			come.resolve();
			return gone.promise;
		});
		try {
			await orLeft(come.promise, signal);
		} catch (error) {
			gone.resolve();
			throw error;
		}
		return { [Symbol.dispose]: gone.resolve };
	};
}
