/** Buffers for one socket write each, shared by all connections of a host. */
import { MAX_IDLE_SLOTS, SLOT_BYTES } from './constants.ts';

export interface CipherSlots {
	take(): Buffer;
	/** Only when nothing reads the buffer any more: the write that carried it has been answered. */
	give(slot: Buffer): void;
}

export function createCipherSlots(): CipherSlots {
	const idle: Buffer[] = [];
	return {
		take: () => idle.pop() ?? Buffer.allocUnsafeSlow(SLOT_BYTES),
		give(slot) {
			if (idle.length < MAX_IDLE_SLOTS) idle.push(slot);
		},
	};
}
