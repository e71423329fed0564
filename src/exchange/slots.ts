/** Buffers of one size, lent one at a time and used again: what is allocated per block is paid for once more in the collector. */
export interface SlotPool {
	readonly slotBytes: number;
	/** Waits in turn when all are lent. */
	take(options: { readonly signal: AbortSignal }): Promise<Slot>;
}

export interface Slot {
	readonly bytes: Buffer;
	/** Once: nobody may hold a view of the bytes any more. */
	release(): void;
	/** Instead of `release`, when somebody may still hold a view: the collector takes the memory, the pool forgets it. */
	abandon(): void;
}

export function createSlotPool({ slotBytes, slots }: { readonly slotBytes: number; readonly slots: number }): SlotPool {
	const free: Buffer[] = [];
	const queue: ((slot: Slot) => void)[] = [];
	let lent = 0;

	/** Straight to whoever waits longest: nobody who comes now may overtake. */
	function next(): void {
		const waiter = queue.shift();
		if (waiter === undefined) lent--;
		else waiter(makeSlot());
	}

	function makeSlot(): Slot {
		const bytes = free.pop() ?? Buffer.allocUnsafeSlow(slotBytes);
		let settled = false;
		const settle = (reuse: boolean): void => {
			if (settled) return;
			settled = true;
			if (reuse) free.push(bytes);
			next();
		};
		return { bytes, release: () => settle(true), abandon: () => settle(false) };
	}

	return {
		slotBytes,
		async take({ signal }) {
			signal.throwIfAborted();
			if (lent < slots) {
				lent++;
				return makeSlot();
			}
			const turn = Promise.withResolvers<Slot>();
			const leave = (): void => {
				const place = queue.indexOf(turn.resolve);
				if (place >= 0) queue.splice(place, 1);
				turn.reject(signal.reason);
			};
			queue.push(turn.resolve);
			signal.addEventListener('abort', leave, { once: true });
			try {
				return await turn.promise;
			} finally {
				signal.removeEventListener('abort', leave);
			}
		},
	};
}
