/**
 * The conversations that one peer lets this node have at once, lent in turn. Whoever comes later stands in line, and
 * those who talk can see it: one with nothing to ask ends its conversation for the next.
 */
export interface Turns {
	/** Waits in line, or leaves it by the signal. `onWanted` is called each time somebody joins the line while the turn lasts. */
	take(options: { readonly onWanted: () => void; readonly signal: AbortSignal }): Promise<Turn>;
}

export interface Turn {
	/** Does somebody wait whom no turn that is ending will serve? */
	isWanted(): boolean;
	/** It will be given back soon: nobody else need end for the same waiter. */
	ending(): void;
	/** Straight to whoever waits longest. */
	giveBack(): void;
}

interface Holder {
	readonly onWanted: () => void;
	ending: boolean;
}

export function createTurns(limit: number): Turns {
	const holders = new Set<Holder>();
	const line: (() => void)[] = [];

	const isWanted = (): boolean => line.length > [...holders].filter(({ ending }) => ending).length;

	function grant(onWanted: () => void): Turn {
		const holder: Holder = { onWanted, ending: false };
		holders.add(holder);
		return {
			isWanted,
			ending() {
				holder.ending = true;
			},
			giveBack() {
				if (holders.delete(holder)) line.shift()?.();
			},
		};
	}

	return {
		async take({ onWanted, signal }) {
			signal.throwIfAborted();
			if (holders.size < limit) return grant(onWanted);
			const { promise, resolve, reject } = Promise.withResolvers<Turn>();
			const step = (): void => resolve(grant(onWanted));
			const leave = (): void => {
				const place = line.indexOf(step);
				if (place >= 0) line.splice(place, 1);
				reject(signal.reason);
			};
			line.push(step);
			signal.addEventListener('abort', leave, { once: true });
			for (const holder of [...holders]) holder.onWanted();
			try {
				return await promise;
			} finally {
				signal.removeEventListener('abort', leave);
			}
		},
	};
}
