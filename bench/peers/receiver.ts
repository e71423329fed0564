/** What both copies do with what arrives: cut into 1 MiB blocks, sha2-256 of each, written at its place. */
import { hash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';

const BLOCK_BYTES = 1024 * 1024;

export interface BlockWriter {
	/** Keeps nothing of `chunk`. */
	take(chunk: Uint8Array): void;
	/** Writes the last block; returns the bytes taken in all. */
	end(): number;
}

export function createBlockWriter(path: string): BlockWriter {
	const file = openSync(path, 'w');
	const block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
	let filled = 0;
	let total = 0;
	const flush = () => {
		hash('sha256', block.subarray(0, filled), 'buffer');
		writeSync(file, block, 0, filled);
		filled = 0;
	};
	return {
		take(chunk) {
			for (let at = 0; at < chunk.length; ) {
				const piece = chunk.subarray(at, at + BLOCK_BYTES - filled);
				block.set(piece, filled);
				filled += piece.length;
				at += piece.length;
				if (filled === BLOCK_BYTES) flush();
			}
			total += chunk.length;
		},
		end() {
			if (filled > 0) flush();
			closeSync(file);
			return total;
		},
	};
}
