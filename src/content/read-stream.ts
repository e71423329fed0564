/** Bytes in order from two buffers: one is filled while the reader has the other. */
import type { ByteRange } from '#domain/controller.ts';
import { MiB } from '#lib/sizes.ts';

export const PIECE_BYTES = MiB;
/** Buffers kept for the next reader. */
const KEPT_BUFFERS = 16;

export interface BufferPool {
	take(): Uint8Array;
	give(buffer: Uint8Array): void;
}

export function createBufferPool(): BufferPool {
	const free: Uint8Array[] = [];
	return {
		take: () => free.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES),
		give(buffer) {
			if (free.length < KEPT_BUFFERS) free.push(buffer);
		},
	};
}

/** Fills `into` with the bytes from `position` on. */
export type Fill = (position: number, into: Uint8Array) => Promise<void>;

/** Pieces end at multiples of their length, so that no piece touches two blocks when the range allows. */
export async function* readPieces(range: ByteRange, pool: BufferPool, fill: Fill): AsyncGenerator<Uint8Array> {
	const buffers = [pool.take(), pool.take()] as const;
	let pending: Promise<Uint8Array> | undefined;
	let at = range.start;
	let turn = 0;

	const next = (): void => {
		if (at >= range.end) {
			pending = undefined;
			return;
		}
		const length = Math.min(range.end - at, PIECE_BYTES - (at % PIECE_BYTES));
		const into = buffers[turn++ % 2 === 0 ? 0 : 1].subarray(0, length);
		pending = fill(at, into).then(() => into);
		// It is looked at when its turn comes, or on the way out.
		pending.catch(() => undefined);
		at += length;
	};

	try {
		next();
		while (pending !== undefined) {
			const piece: Uint8Array = await pending;
			next();
			yield piece;
		}
	} finally {
		await pending?.catch(() => undefined);
		for (const buffer of buffers) pool.give(buffer);
	}
}
