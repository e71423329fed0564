import { createHash } from 'node:crypto';
import { ImageError } from '#domain/errors.ts';
import type { ImageData } from '#domain/ports/image-data.ts';

export interface MemoryImageData extends ImageData {
	/** roots whose bytes are here */
	readonly contents: ReadonlyMap<string, Buffer>;
	/** roots that a writer has not yet disposed of */
	readonly pinned: ReadonlySet<string>;
}

const BLOCK_BYTES = 1024 * 1024;

/** The bytes of images in a Map, under the very rules of the port; a root is any name that equal bytes share. */
export function memoryImageData(): MemoryImageData {
	const contents = new Map<string, Buffer>();
	const pins = new Map<string, number>();
	const unpin = (root: string) => {
		const left = (pins.get(root) ?? 0) - 1;
		if (left <= 0) pins.delete(root);
		else pins.set(root, left);
	};
	const data: MemoryImageData = {
		contents,
		get pinned() {
			return new Set(pins.keys());
		},
		async write(source, { hashAlgorithm, maxBytes, declaredSize, signal }) {
			const chunks: Buffer[] = [];
			let size = 0;
			for await (const chunk of source) {
				signal.throwIfAborted();
				size += chunk.length;
				if (size > maxBytes) throw new ImageError('too-large', `more than ${maxBytes} bytes`);
				chunks.push(Buffer.from(chunk));
			}
			if (declaredSize !== undefined && declaredSize !== size)
				throw new ImageError('invalid', `${size} bytes came, ${declaredSize} were declared`);
			const bytes = Buffer.concat(chunks);
			const digest = (algorithm: string) => createHash(algorithm).update(bytes).digest('hex');
			const root = rootOf(digest('sha256'));
			contents.set(root, bytes);
			pins.set(root, (pins.get(root) ?? 0) + 1);
			return {
				content: { root, size, blockSize: BLOCK_BYTES },
				checksum: digest('md5'),
				hashAlgorithm,
				hashValue: digest(hashAlgorithm),
				[Symbol.asyncDispose]: async () => unpin(root),
			};
		},
		async *read({ root }, { start, end }, { signal }) {
			const bytes = contents.get(root);
			if (bytes === undefined) throw new ImageError('unavailable', `no holder of ${root}`);
			for (let at = start; at < end; at += BLOCK_BYTES) {
				signal.throwIfAborted();
				yield bytes.subarray(at, Math.min(end, at + BLOCK_BYTES));
			}
		},
		survey: (source, options) => data.write(source, options),
		presence: (root) => (contents.has(root) ? 'complete' : 'none'),
		async hollow({ root }) {
			if (!pins.has(root)) contents.delete(root);
		},
		async forget(root) {
			if (!pins.has(root)) contents.delete(root);
		},
	};
	return data;
}

/** A text in the alphabet of content names. */
function rootOf(hex: string): string {
	const letters: Readonly<Record<string, string>> = { '0': 'g', '1': 'h', '8': 'i', '9': 'j' };
	return `bafy${hex.replace(/[0189]/g, (digit) => letters[digit] ?? digit)}`;
}
