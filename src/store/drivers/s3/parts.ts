/** How large the parts of an upload are, and where they wait until the server has them. */
import { MiB } from '#lib/sizes.ts';

/** S3 takes so many parts, and no more. */
export const MOST_PARTS = 10_000;
/** A part up to this size waits in memory, and can be sent again; a larger one is sent as it comes, one at a time. */
export const LARGEST_KEPT_BYTES = 64 * MiB;
/** What all uploads of a driver may hold in memory beyond one part each. */
const SHARED_BYTES = 48 * MiB;
/** Parts of one upload of unknown size grow in steps, so that buffers are used again. */
const STEP_PARTS = 100;
/** Of MiB for each square of a part's number: 10,000 parts hold 5 TiB. */
const GROWTH = 1.6e-5;

/** Bytes of part `number` (from 1). Of a known size all are alike; else they grow, slowly at first. */
export function partBytesOf(number: number, configured: number, size: number | undefined): number {
	if (size !== undefined) return Math.max(configured, Math.ceil(size / MOST_PARTS));
	const step = Math.floor(number / STEP_PARTS) * STEP_PARTS;
	return configured + Math.floor(GROWTH * step * step) * MiB;
}

export interface PartBuffers {
	/** for one upload, which never holds more than `most` at once */
	lease(most: number): BufferLease;
}

export interface BufferLease extends Disposable {
	/** A buffer of that length; waits for one of its own while there is room for no other. */
	take(bytes: number): Promise<Buffer>;
	give(buffer: Buffer): void;
}

/**
 * Every upload has one buffer, whatever the others do: a slow source holds up nobody. More are taken from what all share.
 * An upload waits only for buffers of its own, which come back when their parts are sent: nobody waits in a circle.
 */
export function partBuffers(sharedBytes = SHARED_BYTES): PartBuffers {
	let left = sharedBytes;
	return {
		lease(most) {
			/** bytes taken from what all share, by memory; 0 for the first one */
			const charges = new Map<ArrayBufferLike, number>();
			const idle: ArrayBufferLike[] = [];
			const waiting: (() => void)[] = [];

			function drop(memory: ArrayBufferLike): void {
				left += charges.get(memory) ?? 0;
				charges.delete(memory);
			}
			function allocate(bytes: number): ArrayBufferLike | undefined {
				const charge = [...charges.values()].includes(0) ? bytes : 0;
				if (charges.size >= most || charge > left) return undefined;
				left -= charge;
				// of its own, not of a pool, and not filled with zeros: what is not written takes no memory
				const memory = Buffer.allocUnsafeSlow(bytes).buffer;
				charges.set(memory, charge);
				return memory;
			}
			function find(bytes: number): ArrayBufferLike | undefined {
				const large = idle.findIndex((memory) => memory.byteLength >= bytes);
				if (large >= 0) return idle.splice(large, 1)[0];
				for (const memory of idle.splice(0)) drop(memory);
				return allocate(bytes);
			}
			return {
				async take(bytes) {
					for (;;) {
						const memory = find(bytes);
						if (memory !== undefined) return Buffer.from(memory, 0, bytes);
						await new Promise<void>((resolve) => waiting.push(resolve));
					}
				},
				give(buffer) {
					idle.push(buffer.buffer);
					waiting.shift()?.();
				},
				[Symbol.dispose]() {
					for (const memory of [...charges.keys()]) drop(memory);
				},
			};
		},
	};
}
