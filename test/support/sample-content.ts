import { createCipheriv, createHash } from 'node:crypto';

const PIECE_BYTES = 1024 * 1024;
const CIPHER_BLOCK_BYTES = 16;
const ZEROS = Buffer.alloc(PIECE_BYTES);

export interface SampleContent {
	/** bytes */
	readonly size: number;
	/** Pieces of up to 1 MiB, the same at every call. */
	pieces(): AsyncGenerator<Buffer>;
	/** bytes [start, end) */
	slice(start: number, end: number): Buffer;
	/** hex; computed once */
	sha512(): string;
}

/**
 * Incompressible bytes that depend only on `seed`: an AES-CTR keystream, made as it is read (over 1 GiB/s), so that
 * a test can compare any range of any size with what was uploaded and keep none of it.
 */
export function sampleContent(seed: number | string, size: number): SampleContent {
	const key = createHash('sha256').update(`sundog sample ${seed}`).digest().subarray(0, 16);
	let sha512: string | undefined;

	const keystreamAt = (offset: number) => {
		const counter = Buffer.alloc(CIPHER_BLOCK_BYTES);
		counter.writeBigUInt64BE(BigInt(Math.floor(offset / CIPHER_BLOCK_BYTES)), 8);
		const cipher = createCipheriv('aes-128-ctr', key, counter);
		cipher.update(ZEROS.subarray(0, offset % CIPHER_BLOCK_BYTES));
		return cipher;
	};
	function* piecesNow(): Generator<Buffer> {
		const cipher = keystreamAt(0);
		for (let at = 0; at < size; at += PIECE_BYTES) yield cipher.update(ZEROS.subarray(0, Math.min(PIECE_BYTES, size - at)));
	}
	return {
		size,
		async *pieces() {
			yield* piecesNow();
		},
		slice(start, end) {
			return keystreamAt(start).update(Buffer.alloc(end - start));
		},
		sha512() {
			if (sha512 === undefined) {
				const hash = createHash('sha512');
				for (const piece of piecesNow()) hash.update(piece);
				sha512 = hash.digest('hex');
			}
			return sha512;
		},
	};
}
