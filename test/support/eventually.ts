import { setTimeout as pause } from 'node:timers/promises';

export interface Patience {
	/** how long the condition may take; default 20 seconds */
	readonly timeoutMs?: number;
	/** default 20 */
	readonly everyMs?: number;
}

/**
 * Asks again until `probe` gives something other than undefined, and returns that. A condition that never comes is an
 * error which says what was awaited and what was seen last (a probe may throw: that counts as "not yet").
 */
export async function eventually<T>(
	what: string,
	probe: () => T | undefined | Promise<T | undefined>,
	{ timeoutMs = 20_000, everyMs = 20 }: Patience = {},
): Promise<T> {
	const deadline = performance.now() + timeoutMs;
	let last: unknown;
	for (;;) {
		try {
			const found = await probe();
			if (found !== undefined) return found;
			last = undefined;
		} catch (error) {
			last = error;
		}
		if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`, { cause: last });
		await pause(everyMs);
	}
}

/** Fails when `promise` takes longer than `timeoutMs`; the loser's timer does not keep the process alive. */
export async function within<T>(what: string, timeoutMs: number, promise: Promise<T>): Promise<T> {
	const { promise: late, reject } = Promise.withResolvers<never>();
	const timer = setTimeout(() => reject(new Error(`${what} took longer than ${timeoutMs} ms`)), timeoutMs);
	try {
		return await Promise.race([promise, late]);
	} finally {
		clearTimeout(timer);
	}
}
