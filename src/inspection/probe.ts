/**
 * A probe looks for one format. It is a generator: it yields the bytes that it wants next, receives them when they have
 * passed by, and returns what it found. Wants go forward only: what has passed is gone.
 */
import type { FormatMatch } from '#domain/ports/inspection.ts';

/** Bytes [start, start + length) of the image, or the end of it. */
export type Want = { readonly start: number; readonly length: number } | 'end';

export interface Given {
	/** fewer than wanted when the image ends before, none when they have passed already; at the end: the last TAIL_BYTES */
	readonly bytes: Uint8Array;
	/** at the end: bytes of the whole image */
	readonly size: number;
}

/** Undefined: not this format. */
export type Probe = Generator<Want, FormatMatch | undefined, Given>;
export type Wanting<T> = Generator<Want, T, Given>;

/** What is kept of the image's end: the footer of a VMDK is the longest. */
export const TAIL_BYTES = 1536;

export function* take(start: number, length: number): Wanting<Uint8Array> {
	return (yield { start, length }).bytes;
}

export function* ending(): Wanting<Given> {
	return yield 'end';
}
