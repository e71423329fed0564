/** Buffers of one size that go round, shared by all connections of a host. Not all that are taken come back. */
export interface Slots {
	take(): Buffer;
	/** Only when nobody reads the buffer any more. */
	give(slot: Buffer): void;
}

export function createSlots({ slotBytes, maxIdle }: { readonly slotBytes: number; readonly maxIdle: number }): Slots {
	const idle: Buffer[] = [];
	return {
		take: () => idle.pop() ?? Buffer.allocUnsafeSlow(slotBytes),
		give(slot) {
			if (idle.length < maxIdle) idle.push(slot);
		},
	};
}
