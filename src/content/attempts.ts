/** Fetches under way: which block, from whom, since when. A block has one, or two while a slow one is being helped. */
import type { Lane } from './supply.ts';

export interface Attempt {
	readonly lane: Lane;
	readonly index: number;
	/** monotonic milliseconds */
	readonly startedAt: number;
	readonly controller: AbortController;
}

export interface Attempts {
	has(index: number): boolean;
	any(): boolean;
	begin(lane: Lane, index: number): Attempt;
	/** True when no other attempt for its block goes on. */
	end(attempt: Attempt): boolean;
	/** Of the blocks that one other lane alone is busy with, the one under way the longest. */
	oldestAlone(lane: Lane, avoid: (index: number) => boolean): Attempt | undefined;
	cancelAll(which: (attempt: Attempt) => boolean): void;
}

export function createAttempts(): Attempts {
	const byBlock = new Map<number, readonly Attempt[]>();

	return {
		has: (index) => byBlock.has(index),
		any: () => byBlock.size > 0,
		begin(lane, index) {
			const attempt = { lane, index, startedAt: performance.now(), controller: new AbortController() };
			byBlock.set(index, [...(byBlock.get(index) ?? []), attempt]);
			return attempt;
		},
		end(attempt) {
			const others = (byBlock.get(attempt.index) ?? []).filter((other) => other !== attempt);
			if (others.length > 0) byBlock.set(attempt.index, others);
			else byBlock.delete(attempt.index);
			return others.length === 0;
		},
		oldestAlone(lane, avoid) {
			let oldest: Attempt | undefined;
			for (const [index, [first, second]] of byBlock) {
				if (first === undefined || second !== undefined || first.lane === lane || avoid(index)) continue;
				if (oldest === undefined || first.startedAt < oldest.startedAt) oldest = first;
			}
			return oldest;
		},
		cancelAll(which) {
			for (const attempts of byBlock.values()) for (const attempt of attempts) if (which(attempt)) attempt.controller.abort();
		},
	};
}
