/** A block source without a wire: the shelf itself, behind the port's promises. */
import type { BlockSession, BlockSource } from '#content/ports.ts';
import { ImageError } from '#domain/errors.ts';
import type { TestShelf } from './exchange-parts.ts';

const DEPTH = 4;

export function memorySource(shelf: TestShelf, name = 'memory'): BlockSource {
	return {
		name,
		kind: 'peer',
		async manifest({ root }, { signal }) {
			signal.throwIfAborted();
			const known = await shelf.digests(root);
			if (known === undefined) throw new ImageError('not-found', 'nothing of this content is here');
			return known.digests;
		},
		async open({ root, size, blockSize }, { signal }): Promise<BlockSession> {
			signal.throwIfAborted();
			const reader = await shelf.open(root);
			if (reader === undefined) throw new ImageError('not-found', 'nothing of this content is here');
			const over = new AbortController();
			return {
				depth: DEPTH,
				async fetch(index, into, options) {
					const gone = AbortSignal.any([over.signal, options.signal]);
					const aborted = (): ImageError => new ImageError('aborted', 'the fetch was aborted');
					if (gone.aborted) throw aborted();
					const length = Math.min(blockSize, size - index * blockSize);
					const block = Buffer.alloc(length);
					const read = await reader.read(index, block);
					await new Promise(setImmediate);
					if (gone.aborted) throw aborted();
					if (read === 0) throw new ImageError('not-found', `block ${index} is not here`);
					into.set(block);
				},
				async [Symbol.asyncDispose]() {
					over.abort();
					await reader[Symbol.asyncDispose]();
				},
			};
		},
	};
}
