/** Files that are compressed runs one after another (RFC 1952 §2.2, RFC 8878 §3.1): what `cat a.gz b.gz` makes. */
import { ImageError } from '#domain/errors.ts';
import { type ByteSource, byteSource } from './byte-source.ts';

/** Parallel compressors make a run of each megabyte or so; a file of empty runs costs time and gives nothing. */
const MAX_RUNS = 10_000;

export async function* runsOf(
	packed: AsyncIterable<Uint8Array>,
	one: (source: ByteSource) => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
	await using source = byteSource(packed);
	for (let count = 1; ; count += 1) {
		if (count > MAX_RUNS) throw new ImageError('too-large', `the compressed image has more than ${MAX_RUNS} parts`);
		yield* one(source);
		if (await onlyZeros(source)) return;
	}
}

/** Tapes and disks pad with zeros; no run begins with one. */
async function onlyZeros(source: ByteSource): Promise<boolean> {
	for (;;) {
		const piece = await source.next();
		if (piece === undefined) return true;
		const at = piece.findIndex((byte) => byte !== 0);
		if (at === -1) continue;
		if (at > 0) throw new ImageError('invalid', 'something else follows the compressed image');
		source.giveBack(piece);
		return false;
	}
}
