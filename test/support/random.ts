export interface Random {
	/** [0, 1) */
	next(): number;
	/** whole number in [low, high] */
	between(low: number, high: number): number;
}

/** A small seeded generator (mulberry32), so that a failed run can be repeated by its printed seed. */
export function seededRandom(seed: number): Random {
	let state = seed >>> 0;
	const next = () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
	return { next, between: (low, high) => low + Math.floor(next() * (high - low + 1)) };
}

/** SUNDOG_TEST_SEED, or a fresh one; the caller prints it. */
export function testSeed(): number {
	const given = process.env.SUNDOG_TEST_SEED;
	return given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
}
