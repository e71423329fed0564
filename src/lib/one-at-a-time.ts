/** Runs what has the same key one after the other, in the order of asking; different keys do not wait for each other. */
export type OneAtATime = <T>(key: string, act: () => Promise<T>) => Promise<T>;

export function oneAtATime(): OneAtATime {
	const tails = new Map<string, Promise<void>>();
	return async (key, act) => {
		const before = tails.get(key);
		const { promise: tail, resolve: leave } = Promise.withResolvers<void>();
		tails.set(key, tail);
		try {
			await before;
			return await act();
		} finally {
			if (tails.get(key) === tail) tails.delete(key);
			leave();
		}
	};
}
