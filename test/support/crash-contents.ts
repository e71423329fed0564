/** Contents that both sides of a crash test can make from a number; some blocks are zeros, some are shared between seeds. */
import { createHash } from 'node:crypto';
import { MiB } from '#lib/sizes.ts';
import { fillPattern } from './pattern.ts';

export function contentOf(seed: number): Uint8Array {
	const blocks = 2 + (seed % 5);
	const bytes = new Uint8Array(blocks * MiB + ((seed * 997) % 5000));
	for (let block = 0; block * MiB < bytes.length; block++) {
		const piece = bytes.subarray(block * MiB, (block + 1) * MiB);
		// Every third block is the one of that place in all contents, every seventh is zeros.
		if ((seed + block) % 7 !== 0) fillPattern(piece, 0, block % 3 === 0 ? 1000 + block : seed * 16 + block + 1);
	}
	return bytes;
}

export function digestsOf(seed: number): Uint8Array {
	const bytes = contentOf(seed);
	const list: Buffer[] = [];
	for (let at = 0; at < bytes.length; at += MiB)
		list.push(
			createHash('sha256')
				.update(bytes.subarray(at, at + MiB))
				.digest(),
		);
	return Buffer.concat(list);
}
