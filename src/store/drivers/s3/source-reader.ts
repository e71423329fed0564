/** Takes a source apart: into buffers, or into streams of known length. Every byte is copied out before the next chunk is asked for. */
import { ImageError } from '#domain/errors.ts';
import type { ObjectSource } from '#domain/ports/stores.ts';
import { orLeft } from '#lib/or-left.ts';

export interface SourceReader extends AsyncDisposable {
	/** bytes taken so far */
	readonly bytes: number;
	/** How much of the buffer was filled: less than all of it only at the end. */
	fill(buffer: Uint8Array): Promise<number>;
	/** So many bytes as one goes. `last`: the final ones come only when the source has ended where it should. */
	take(length: number, last: boolean): AsyncGenerator<Buffer>;
	/** True when there is nothing more. `invalid` when it ends too early or too late. */
	atEnd(): Promise<boolean>;
}

export function readSource(source: ObjectSource, signal: AbortSignal): SourceReader {
	const chunks = source.read()[Symbol.asyncIterator]();
	let chunk: Uint8Array = new Uint8Array();
	let bytes = 0;
	let ended = false;
	let asking = false;

	async function atEnd(): Promise<boolean> {
		while (chunk.length === 0 && !ended) {
			asking = true;
			const { done, value } = await orLeft(chunks.next(), signal);
			asking = false;
			if (done === true) ended = true;
			else chunk = value;
		}
		if (source.size !== undefined && (ended ? bytes < source.size : bytes + chunk.length > source.size))
			throw new ImageError('invalid', `the object's data are not the ${source.size} bytes announced`);
		return ended;
	}

	/** A part of the chunk at hand, which must be copied at once. */
	function next(most: number): Uint8Array {
		const piece = chunk.subarray(0, most);
		chunk = chunk.subarray(piece.length);
		bytes += piece.length;
		return piece;
	}

	return {
		get bytes() {
			return bytes;
		},
		atEnd,
		async fill(buffer) {
			let filled = 0;
			while (filled < buffer.length && !(await atEnd())) {
				const piece = next(buffer.length - filled);
				buffer.set(piece, filled);
				filled += piece.length;
			}
			return filled;
		},
		async *take(length, last) {
			for (let left = length; left > 0; ) {
				if (await atEnd()) throw new ImageError('invalid', 'the data ended before their end');
				const copy = Buffer.from(next(left));
				left -= copy.length;
				if (left === 0 && last) await atEnd();
				yield copy;
			}
		},
		async [Symbol.asyncDispose]() {
			const left = chunks.return?.().catch(() => undefined);
			// a source that is asked for a chunk may never answer: it is told, but not waited for
			if (!asking) await left;
		},
	};
}
