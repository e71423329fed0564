/**
 * The limits of whatever is unpacked. Output is counted before it is passed on. The ratio is that of the whole: a long
 * run of zeros at the beginning of an honest disk is no reason to refuse it, and what a bomb can make is bounded by
 * its own size.
 */
import { ImageError } from '#domain/errors.ts';
import { MiB } from '#lib/sizes.ts';

const MAX_RATIO = 200;
/** Small things may be as well packed as they like. */
const RATIO_COUNTS_FROM = 16 * MiB;

/** The most bytes that `packed` bytes may become. */
export function allowedOutput(packed: number, maxBytes: number): number {
	return Math.min(maxBytes, Math.max(RATIO_COUNTS_FROM, MAX_RATIO * packed));
}

export async function* bounded(output: AsyncIterable<Uint8Array>, packed: number, maxBytes: number): AsyncGenerator<Uint8Array> {
	const allowed = allowedOutput(packed, maxBytes);
	let count = 0;
	for await (const piece of output) {
		count += piece.length;
		if (count > allowed) throw excess(allowed, maxBytes);
		yield piece;
	}
}

function excess(allowed: number, maxBytes: number): ImageError {
	const why = allowed === maxBytes ? `${maxBytes} bytes` : `${MAX_RATIO} times its own size`;
	return new ImageError('too-large', `the compressed image unpacks to more than ${why}`);
}
