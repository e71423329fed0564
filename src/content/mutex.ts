/** One at a time, in order of asking. A failure of one does not disturb the next. */
export type Mutex = <T>(work: () => Promise<T>) => Promise<T>;

export function createMutex(): Mutex {
	let tail: Promise<unknown> = Promise.resolve();
	return (work) => {
		const result = tail.then(work);
		tail = result.catch(() => undefined);
		return result;
	};
}
