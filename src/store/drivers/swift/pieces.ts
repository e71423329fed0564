import { ImageError } from '#domain/errors.ts';
import type { ObjectSource } from '#domain/ports/stores.ts';
import { orLeft } from '#lib/or-left.ts';

/** A source, read once and in order, in pieces of a length that the reader chooses. Nothing is copied but a last chunk. */
export interface Pieces {
	/** Waits for the next bytes to know. */
	ended(): Promise<boolean>;
	/** The next bytes, at most so many; a chunk is valid until the next one is asked for. */
	take(limit: number): AsyncGenerator<Uint8Array>;
	/** All there is. `invalid`, before the last byte is given, when that is not as much as announced. */
	takeAll(size: number): AsyncGenerator<Uint8Array>;
	/** Asks for no more; does not wait for a source that is stuck. */
	close(): void;
}

export function createPieces(source: ObjectSource, signal: AbortSignal): Pieces {
	const iterator = source.read()[Symbol.asyncIterator]();
	let rest: Uint8Array = new Uint8Array(0);
	let done = false;

	async function ended(): Promise<boolean> {
		while (rest.length === 0 && !done) {
			const next = await orLeft(Promise.resolve(iterator.next()), signal);
			if (next.done === true) done = true;
			else rest = next.value;
		}
		return rest.length === 0;
	}

	async function* take(limit: number): AsyncGenerator<Uint8Array> {
		for (let left = limit; left > 0 && !(await ended()); ) {
			const chunk = rest.subarray(0, left);
			rest = rest.subarray(chunk.length);
			left -= chunk.length;
			yield chunk;
		}
	}

	return {
		ended,
		take,
		async *takeAll(size) {
			let bytes = 0;
			for await (const chunk of take(size)) {
				bytes += chunk.length;
				if (bytes < size) {
					yield chunk;
					continue;
				}
				// a server that has got all would keep it: whether there is more must be known before
				const last = Buffer.from(chunk);
				if (!(await ended())) throw wrongSize(size);
				yield last;
			}
			if (bytes !== size || !(await ended())) throw wrongSize(size);
		},
		close() {
			done = true;
			rest = rest.subarray(0, 0);
			iterator.return?.().then(undefined, () => undefined);
		},
	};
}

export function wrongSize(expected: number): ImageError {
	return new ImageError('invalid', `the object's data are not the ${expected} bytes announced`);
}
