import { orLeft } from './or-left.ts';

/**
 * Who asks for what is already being fetched waits for the same answer. A caller whose signal fires leaves with its
 * reason; the work goes on for the others, so it must end by a deadline of its own. Nothing is kept once it has ended.
 */
export type SingleFlight<T> = (key: string, signal: AbortSignal, start: () => Promise<T>) => Promise<T>;

export function singleFlight<T>(): SingleFlight<T> {
	const running = new Map<string, Promise<T>>();
	return (key, signal, start) => {
		let flight = running.get(key);
		if (flight === undefined) {
			flight = start().finally(() => running.delete(key));
			running.set(key, flight);
			// everybody may have left before it fails
			flight.catch(() => undefined);
		}
		return orLeft(flight, signal);
	};
}
