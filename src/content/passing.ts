/** Blocks of a content that goes by as one stream. */
import { ImageError } from '#domain/errors.ts';
import type { ContentRef } from '#domain/image.ts';
import { blockCount, blockLength } from './manifest.ts';

/** In order; one is valid until the next is asked for. `invalid` when the stream is longer or shorter than the content. */
export async function* blocksPassing(
	source: AsyncIterable<Uint8Array>,
	{ root, size, blockSize }: ContentRef,
): AsyncGenerator<Uint8Array> {
	const count = blockCount(size, blockSize);
	const buffer = new Uint8Array(Math.min(size, blockSize));
	let index = 0;
	let filled = 0;
	for await (const chunk of source)
		for (let at = 0; at < chunk.length; ) {
			if (index === count) throw new ImageError('invalid', `more bytes come than content ${root} has`);
			const block = buffer.subarray(0, blockLength(size, blockSize, index));
			const part = chunk.subarray(at, at + block.length - filled);
			block.set(part, filled);
			filled += part.length;
			at += part.length;
			if (filled < block.length) continue;
			yield block;
			index += 1;
			filled = 0;
		}
	if (index < count) throw new ImageError('invalid', `fewer bytes come than content ${root} has`);
}
