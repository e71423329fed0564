/**
 * Finds blocks that the store already has, so that equal blocks are stored once. What is found stays: its keeper is
 * held until disposal. Blocks of zeros are nowhere: they are holes in every content.
 */
import { createHash } from 'node:crypto';
import { ImageError } from '#domain/errors.ts';
import type { KeyChange } from '#lib/key-value.ts';
import { type BlockPlace, type ContentIndex, change } from './content-index.ts';
import { same } from './digest-table.ts';
import { HAVE } from './layout.ts';
import { MIN_SHARED_BYTES } from './limits.ts';
import { blockCount, blockLength, digestAt } from './manifest.ts';
import type { BlockDigests } from './ports.ts';
import { type Held, isKept, type Shelf } from './stored-content.ts';

/** Blocks looked up, and index entries written, in one go. */
export const PLACES_PER_PAGE = 1024;

export interface BlockPlaces extends AsyncDisposable {
	/** Where the block of this digest is kept, checked and held. */
	find(digest: Uint8Array): Promise<BlockPlace | undefined>;
	/** The same for many; absent ones undefined. */
	findAll(digests: readonly Uint8Array[]): Promise<(BlockPlace | undefined)[]>;
}

export function createBlockPlaces(index: ContentIndex, shelf: Shelf): BlockPlaces {
	const holds = new Map<string, Promise<Held | undefined>>();

	const hold = (root: string): Promise<Held | undefined> => {
		const known = holds.get(root) ?? shelf.hold(root).catch(() => undefined);
		holds.set(root, known);
		return known;
	};

	const checked = async (place: BlockPlace | undefined): Promise<BlockPlace | undefined> => {
		if (place === undefined) return undefined;
		const held = await hold(place.root);
		return held !== undefined && isKept(held.content, place.index) ? place : undefined;
	};

	return {
		async find(digest) {
			const place = index.place(digest);
			return place === undefined ? undefined : checked(place);
		},
		async findAll(digests) {
			const places = await index.places(digests);
			const found: (BlockPlace | undefined)[] = [];
			for (const place of places) found.push(place === undefined ? undefined : await checked(place));
			return found;
		},
		async [Symbol.asyncDispose]() {
			for (const held of holds.values()) await (await held)?.[Symbol.asyncDispose]();
			holds.clear();
		},
	};
}

export interface Stored {
	readonly root: string;
	readonly size: number;
	readonly blockSize: number;
	readonly digests: BlockDigests;
	/** undefined: all here */
	readonly have: Uint8Array | undefined;
}

/**
 * Enters a content that has become whole into the index, page by page: places for blocks that nobody keeps yet.
 * Resolves with the contents that it depends on. `corrupt` when a block marked `elsewhere` is nowhere.
 */
export async function enterPlaces(stored: Stored, places: BlockPlaces, index: ContentIndex): Promise<ReadonlySet<string>> {
	const keepers = new Set<string>();
	const own: number[] = [];
	const count = blockCount(stored.size, stored.blockSize);
	for (let first = 0; first < count; first += PLACES_PER_PAGE) {
		const blocks = range(first, Math.min(count, first + PLACES_PER_PAGE)).filter((block) => isSharable(stored, block));
		const found = await places.findAll(blocks.map((block) => digestAt(stored.digests, block)));
		const page: KeyChange[] = [];
		for (const [at, block] of blocks.entries()) {
			const place = found[at];
			const elsewhere = stored.have?.[block] === HAVE.elsewhere;
			if (elsewhere && place === undefined) own.push(block);
			if (elsewhere && place !== undefined && place.root !== stored.root) keepers.add(place.root);
			if (!elsewhere && place === undefined)
				page.push(change.place(digestAt(stored.digests, block), { root: stored.root, index: block }));
		}
		if (page.length > 0) await index.write(page, { sync: false });
	}
	for (const block of own) {
		const place = index.place(digestAt(stored.digests, block));
		if (place?.root !== stored.root || stored.have?.[place.index] !== HAVE.here)
			throw new ImageError('corrupt', `block ${block} of content ${stored.root} is marked as kept elsewhere and is nowhere`);
	}
	return keepers;
}

/** Known from the digest alone. */
export function isZeroBlock({ digests, size, blockSize }: Stored, block: number): boolean {
	return same(digestAt(digests, block), digestOfZeros(blockLength(size, blockSize, block)));
}

/** Worth a place in the index: neither zeros nor a short tail. */
export function isSharable(stored: Stored, block: number): boolean {
	return blockLength(stored.size, stored.blockSize, block) >= MIN_SHARED_BYTES && !isZeroBlock(stored, block);
}

const zeroDigests = new Map<number, Uint8Array>();

/** Of two lengths a content has, full blocks recur and tails do not: a few are remembered. */
export function digestOfZeros(length: number): Uint8Array {
	const known = zeroDigests.get(length);
	if (known !== undefined) return known;
	const digest = createHash('sha256').update(new Uint8Array(length)).digest();
	if (zeroDigests.size >= 16) zeroDigests.clear();
	zeroDigests.set(length, digest);
	return digest;
}

export function range(start: number, end: number): number[] {
	return Array.from({ length: end - start }, (_, at) => start + at);
}
