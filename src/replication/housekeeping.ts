/** What a node does for itself now and then, beside its requests: started once, never in anybody's way. */
import type { Log } from '#lib/log.ts';

export interface Chore {
	readonly name: string;
	/** absent: once, at start */
	readonly everyMs?: number;
	readonly work: (signal: AbortSignal) => Promise<unknown>;
}

/** Chores run one after another, in order, then each at its own pace. A failure is logged and the next turn comes. */
export function startHousekeeping(chores: readonly Chore[], log: Log): AsyncDisposable {
	const stopping = new AbortController();
	const { signal } = stopping;
	let turn: Promise<void> = Promise.resolve();

	function queue({ name, work }: Chore): void {
		turn = turn.then(async () => {
			if (signal.aborted) return;
			try {
				await work(signal);
			} catch (error) {
				if (!signal.aborted) log.warn({ chore: name, error: String(error) }, 'a chore failed');
			}
		});
	}

	const timers = chores.map((chore) => {
		queue(chore);
		return chore.everyMs === undefined ? undefined : setInterval(() => queue(chore), chore.everyMs).unref();
	});
	return {
		async [Symbol.asyncDispose]() {
			stopping.abort();
			for (const timer of timers) clearInterval(timer);
			await turn;
		},
	};
}
