/**
 * A bounded number of block buffers in shared memory, handed out in order of asking. The last one given back is the
 * first one given out, so that a quiet store touches few pages.
 */
import { abortError } from './abort.ts';

/** One block's buffer; `number` says where it is to the hash threads. */
export interface Slot {
	readonly number: number;
	readonly bytes: Uint8Array;
}

export interface SlotPool {
	/** Waits while all are in use; `aborted` by the signal. */
	take(signal: AbortSignal): Promise<Slot>;
	/** One if it is free now and nobody waits for it. */
	tryTake(): Slot | undefined;
	give(slot: Slot): void;
	/** slots in use now */
	readonly taken: number;
}

interface Waiter {
	readonly resolve: (slot: Slot) => void;
}

export function createSlotPool(slots: readonly Slot[], onChange: () => void = () => undefined): SlotPool {
	const free = [...slots];
	const waiting = new Set<Waiter>();
	let taken = 0;

	const tryTake = (): Slot | undefined => {
		const slot = free.pop();
		if (slot !== undefined) taken++;
		return slot;
	};

	return {
		get taken() {
			return taken;
		},
		tryTake,
		async take(signal) {
			if (signal.aborted) throw abortError(signal, 'waiting for a buffer');
			return tryTake() ?? (await queue(waiting, signal));
		},
		give(slot) {
			for (const waiter of waiting) {
				waiting.delete(waiter);
				waiter.resolve(slot);
				return;
			}
			free.push(slot);
			taken--;
			onChange();
		},
	};
}

function queue(waiting: Set<Waiter>, signal: AbortSignal): Promise<Slot> {
	return new Promise((resolve, reject) => {
		const onAbort = (): void => {
			waiting.delete(waiter);
			reject(abortError(signal, 'waiting for a buffer'));
		};
		const waiter: Waiter = {
			resolve(slot) {
				signal.removeEventListener('abort', onAbort);
				resolve(slot);
			},
		};
		waiting.add(waiter);
		signal.addEventListener('abort', onAbort, { once: true });
	});
}
