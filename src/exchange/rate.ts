/** A token bucket: so many at once, so many a second. */
export interface Rate {
	/** Takes one, or says how many milliseconds to wait for it (it is then still not taken). */
	take(): number;
}

export function createRate(options: { readonly perSecond: number; readonly burst: number; readonly now?: () => number }): Rate {
	const { perSecond, burst, now = () => performance.now() } = options;
	let tokens = burst;
	let last = now();
	return {
		take() {
			const at = now();
			tokens = Math.min(burst, tokens + ((at - last) / 1000) * perSecond);
			last = at;
			if (tokens >= 1) {
				tokens -= 1;
				return 0;
			}
			return Math.max(1, Math.ceil(((1 - tokens) / perSecond) * 1000));
		},
	};
}
