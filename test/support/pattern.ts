/**
 * Reproducible bytes of any length, the same whatever pieces they are read in; incompressible enough, and no two
 * 1 MiB blocks of one seed are equal.
 */
const UNIT = 1024 * 1024;
const units = new Map<number, Uint8Array>();

export function patternBytes(size: number, seed = 1): Uint8Array {
	const bytes = new Uint8Array(size);
	fillPattern(bytes, 0, seed);
	return bytes;
}

/** Bytes [offset, offset + into.length) of the pattern of `seed`. */
export function fillPattern(into: Uint8Array, offset: number, seed = 1): void {
	const unit = unitOf(seed);
	let done = 0;
	while (done < into.length) {
		const at = offset + done;
		const within = at % UNIT;
		const length = Math.min(UNIT - within, into.length - done);
		into.set(unit.subarray(within, within + length), done);
		stamp(into.subarray(done, done + length), at);
		done += length;
	}
}

/** The pattern as a stream of `pieceSize` bytes; every piece is a buffer of its own. */
export async function* patternStream(size: number, pieceSize = 65_536, seed = 1): AsyncGenerator<Uint8Array> {
	for (let offset = 0; offset < size; offset += pieceSize) {
		const piece = new Uint8Array(Math.min(pieceSize, size - offset));
		fillPattern(piece, offset, seed);
		yield piece;
	}
}

/** Puts the number of the 4 KiB page into each page, byte by byte, so that a piece may begin anywhere. */
function stamp(piece: Uint8Array, offset: number): void {
	for (let page = Math.floor(offset / 4096) * 4096; page < offset + piece.length; page += 4096) {
		const number = page / 4096 + 1;
		for (let byte = 0; byte < 6; byte++) {
			const at = page + byte - offset;
			if (at >= 0 && at < piece.length) piece[at] = Math.floor(number / 256 ** byte) & 0xff;
		}
	}
}

function unitOf(seed: number): Uint8Array {
	const known = units.get(seed);
	if (known !== undefined) return known;
	const words = new Uint32Array(UNIT / 4);
	let state = (seed * 2_654_435_761) >>> 0 || 1;
	for (let index = 0; index < words.length; index++) {
		state ^= state << 13;
		state ^= state >>> 17;
		state ^= state << 5;
		words[index] = state >>> 0;
	}
	const unit = new Uint8Array(words.buffer);
	units.set(seed, unit);
	return unit;
}
