/**
 * Finds a block of one content by its digest: an open-addressing table of block numbers over the digest list, about
 * 8 bytes a block, so that a TiB's million blocks cost megabytes and not a Map of strings.
 */
import { digestAt } from './manifest.ts';
import type { BlockDigests } from './ports.ts';

export interface DigestTable {
	/** The first block added with this digest. */
	find(digest: Uint8Array): number | undefined;
	/** Adds block `index`, whose digest is already in the list. */
	add(index: number): void;
}

/** `digests` gives the list as it is now; it may move when it grows, what was added may not change. */
export function createDigestTable(digests: () => BlockDigests): DigestTable {
	let slots = new Int32Array(64).fill(-1);
	let used = 0;

	const place = (digest: Uint8Array): number => {
		const mask = slots.length - 1;
		let at = wordOf(digest) & mask;
		for (;;) {
			const index = slots[at] ?? -1;
			if (index === -1 || same(digestAt(digests(), index), digest)) return at;
			at = (at + 1) & mask;
		}
	};

	const grow = (): void => {
		const old = slots;
		slots = new Int32Array(old.length * 2).fill(-1);
		for (const index of old) if (index !== -1) slots[place(digestAt(digests(), index))] = index;
	};

	return {
		find(digest) {
			const index = slots[place(digest)] ?? -1;
			return index === -1 ? undefined : index;
		},
		add(index) {
			if (used * 2 >= slots.length) grow();
			const at = place(digestAt(digests(), index));
			if (slots[at] !== -1) return;
			slots[at] = index;
			used++;
		},
	};
}

function wordOf(digest: Uint8Array): number {
	return (digest[0] ?? 0) | ((digest[1] ?? 0) << 8) | ((digest[2] ?? 0) << 16) | ((digest[3] ?? 0) << 24);
}

export function same(a: Uint8Array, b: Uint8Array): boolean {
	return a.length === b.length && Buffer.compare(a, b) === 0;
}
