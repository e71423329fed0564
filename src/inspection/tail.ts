export interface Tail {
	push(chunk: Uint8Array): void;
	/** the last bytes pushed, fewer while there were fewer */
	bytes(): Uint8Array;
}

/** Keeps the last `length` bytes of a stream; a chunk costs no more than that many bytes to copy. */
export function createTail(length: number): Tail {
	const kept = new Uint8Array(length);
	let filled = 0;
	return {
		push(chunk) {
			const part = chunk.subarray(Math.max(0, chunk.length - length));
			kept.copyWithin(0, part.length);
			kept.set(part, length - part.length);
			filled = Math.min(length, filled + part.length);
		},
		bytes: () => kept.slice(length - filled),
	};
}
