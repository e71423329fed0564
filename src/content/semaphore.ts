import { orAborted } from './abort.ts';

/** So many at once; others wait in order, or leave by their signal. */
export interface Semaphore {
	enter(signal: AbortSignal): Promise<Disposable>;
}

export function createSemaphore(limit: number): Semaphore {
	const waiting: (() => void)[] = [];
	let inside = 0;

	const leave = (): void => {
		const next = waiting.shift();
		if (next === undefined) inside--;
		else next();
	};

	return {
		async enter(signal) {
			if (inside < limit) inside++;
			else await turn(waiting, leave, signal);
			let left = false;
			return {
				[Symbol.dispose]() {
					if (!left) leave();
					left = true;
				},
			};
		},
	};
}

async function turn(waiting: (() => void)[], leave: () => void, signal: AbortSignal): Promise<void> {
	const { promise, resolve } = Promise.withResolvers<void>();
	waiting.push(resolve);
	try {
		await orAborted(promise, signal, 'waiting for a turn');
	} catch (error) {
		const at = waiting.indexOf(resolve);
		// Called already: the turn is passed on.
		if (at === -1) leave();
		else waiting.splice(at, 1);
		throw error;
	}
}
