/** A stream that can be read in exact small pieces, in pieces as they come, and be given back what was not needed. */
import { ImageError } from '#domain/errors.ts';

export interface ByteSource extends AsyncDisposable {
	/** Never empty; undefined at the end. */
	next(): Promise<Uint8Array | undefined>;
	/** Exactly so many, for headers of a few bytes; `invalid` when the stream ends before. */
	take(count: number): Promise<Uint8Array>;
	/** The end of the last piece, to be read again. */
	giveBack(bytes: Uint8Array): void;
	atEnd(): Promise<boolean>;
}

export function byteSource(stream: AsyncIterable<Uint8Array>): ByteSource {
	const pieces = stream[Symbol.asyncIterator]();
	let kept: Uint8Array = new Uint8Array();

	const next = async (): Promise<Uint8Array | undefined> => {
		while (kept.length === 0) {
			const { done, value } = await pieces.next();
			if (done === true) return undefined;
			kept = value;
		}
		const piece = kept;
		kept = new Uint8Array();
		return piece;
	};
	const giveBack = (bytes: Uint8Array): void => {
		kept = kept.length === 0 ? bytes : Buffer.concat([bytes, kept]);
	};

	return {
		next,
		giveBack,
		async take(count) {
			const taken = Buffer.alloc(count);
			for (let have = 0; have < count; ) {
				const piece = await next();
				if (piece === undefined) throw new ImageError('invalid', 'the compressed image ends too early');
				const used = piece.subarray(0, count - have);
				taken.set(used, have);
				have += used.length;
				giveBack(piece.subarray(used.length));
			}
			return taken;
		},
		async atEnd() {
			const piece = await next();
			if (piece !== undefined) giveBack(piece);
			return piece === undefined;
		},
		async [Symbol.asyncDispose]() {
			await pieces.return?.();
		},
	};
}
