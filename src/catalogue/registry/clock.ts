/**
 * A hybrid logical clock: wall time where it moves on, a counter where it does not. Whatever this node has seen is
 * before whatever it writes next, whichever way the wall clock jumps.
 */

/** UTC milliseconds, then a counter within the millisecond. */
export type Hlc = readonly [ms: number, counter: number];

/**
 * How far ahead of this node's wall clock an entry may be. Beyond it the entry waits (`gaps`) until the time has come:
 * clamping would give different nodes different records, and taking it would drag everyone's clock along.
 */
export const CLOCK_SKEW_MAX_MS = 10 * 60 * 1000;
export const HLC_MS_MAX = 2 ** 47 - 1;
export const HLC_COUNTER_MAX = 2 ** 24 - 1;

export interface HybridClock {
	/** A time after every time given or observed before. */
	tick(): Hlc;
	observe(time: Hlc): void;
	tooFarAhead(time: Hlc): boolean;
}

export function hybridClock(now: () => number): HybridClock {
	let last: Hlc = [0, 0];
	return {
		tick() {
			const wall = Math.floor(now());
			if (wall > last[0]) last = [wall, 0];
			else if (last[1] < HLC_COUNTER_MAX) last = [last[0], last[1] + 1];
			else last = [last[0] + 1, 0];
			return last;
		},
		observe(time) {
			if (compareHlc(time, last) > 0) last = time;
		},
		tooFarAhead: ([ms]) => ms > now() + CLOCK_SKEW_MAX_MS,
	};
}

export function compareHlc(a: Hlc, b: Hlc): number {
	return a[0] - b[0] || a[1] - b[1];
}

/** Text that sorts as (hlc, log) does. */
export function stampOf(hlc: Hlc, log: string): string {
	return `${hlc[0].toString(16).padStart(12, '0')}${hlc[1].toString(16).padStart(6, '0')}.${log}`;
}
