/** Staging names, unique within this process; the directory was empty when it began. */
export function createStagingNames() {
	const taken = new Set<string>();
	let last = 0;
	const next = (): string => `${++last}`;
	return {
		next,
		isTaken: (name: string): boolean => taken.has(name),
		take() {
			const text = next();
			taken.add(text);
			return { text, [Symbol.dispose]: () => void taken.delete(text) };
		},
	};
}
