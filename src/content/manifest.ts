/**
 * The UnixFS manifest, built from block digests alone. Pure: no bytes of content, no I/O.
 *
 * The root is the one that `ipfs-unixfs-importer` gives a file under CIDv1, raw leaves, fixed-size chunks and the
 * balanced layout with 174 links a node: leaves in order, grouped 174 to a dag-pb node, those nodes grouped again,
 * until one is left. One block alone is its own root. docs/content-format.md §2
 */
import { createHash } from 'node:crypto';
import * as dagPb from '@ipld/dag-pb';
import { UnixFS } from 'ipfs-unixfs';
import { CID } from 'multiformats/cid';
import * as raw from 'multiformats/codecs/raw';
import * as Digest from 'multiformats/hashes/digest';
import { DIGEST_BYTES } from './limits.ts';
import type { BlockDigests } from './ports.ts';

export const LINKS_PER_NODE = 174;
const SHA2_256 = 0x12;
/** Leaves folded between two turns of the event loop: about 10 ms. */
const LEAVES_PER_TURN = 4096;

/** Takes leaves in order and holds at most 173 links a level, whatever the size of the content. */
export interface ManifestBuilder {
	/** `digest` is copied. `length` in bytes. */
	add(digest: Uint8Array, length: number): void;
	/** base32 text of the root; call once, after the last leaf */
	root(): string;
}

interface Link {
	readonly cid: CID;
	/** bytes of content below */
	readonly bytes: number;
	/** bytes of content and nodes below: dag-pb's Tsize */
	readonly total: number;
}

export function createManifestBuilder(): ManifestBuilder {
	const levels: Link[][] = [];
	let leaves = 0;

	const push = (level: number, link: Link): void => {
		const links = levels[level] ?? [];
		levels[level] = links;
		links.push(link);
		if (links.length === LINKS_PER_NODE + 1) {
			// A full group is folded only when something follows it: the last group of a level may be the only one.
			const group = links.splice(0, LINKS_PER_NODE);
			push(level + 1, fold(group));
		}
	};

	return {
		add(digest, length) {
			leaves++;
			push(0, { cid: cidOf(raw.code, new Uint8Array(digest)), bytes: length, total: length });
		},
		root() {
			if (leaves === 0) return cidOf(raw.code, sha256(new Uint8Array(0))).toString();
			if (leaves === 1) return required(levels[0]?.[0]).cid.toString();
			let level = 0;
			for (;;) {
				const node = fold(required(levels[level]));
				if (levels.length === level + 1) return node.cid.toString();
				levels[level] = [];
				push(level + 1, node);
				level++;
			}
		},
	};
}

export function blockCount(size: number, blockSize: number): number {
	return Math.ceil(size / blockSize);
}

/** Bytes of block `index`: `blockSize`, but for the last one what remains. */
export function blockLength(size: number, blockSize: number, index: number): number {
	return Math.min(blockSize, size - index * blockSize);
}

export function digestAt(digests: BlockDigests, index: number): Uint8Array {
	return digests.subarray(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES);
}

/** The root of a whole digest list, without a turn of the event loop. */
export function rootOf(digests: BlockDigests, size: number, blockSize: number): string {
	const builder = createManifestBuilder();
	for (const [digest, length] of leavesOf(digests, size, blockSize)) builder.add(digest, length);
	return builder.root();
}

/**
 * Does this list belong to this root? Lets other work go on in between: a TiB has a million leaves.
 * False for a list of the wrong length as well.
 */
export async function matchesRoot(root: string, digests: BlockDigests, size: number, blockSize: number): Promise<boolean> {
	if (digests.length !== blockCount(size, blockSize) * DIGEST_BYTES) return false;
	const builder = createManifestBuilder();
	let turn = 0;
	for (const [digest, length] of leavesOf(digests, size, blockSize)) {
		builder.add(digest, length);
		if (++turn % LEAVES_PER_TURN === 0) await new Promise(setImmediate);
	}
	return builder.root() === root;
}

/** Is this the text of a root that this format can have (CIDv1, base32, sha2-256)? Safe to use in a file name. */
export function isRoot(text: string): boolean {
	return /^b[a-z2-7]{58}$/.test(text);
}

function* leavesOf(digests: BlockDigests, size: number, blockSize: number): Generator<readonly [Uint8Array, number]> {
	const count = blockCount(size, blockSize);
	if (digests.length !== count * DIGEST_BYTES) throw new RangeError(`${digests.length} bytes of digests for ${count} blocks`);
	for (let index = 0; index < count; index++) yield [digestAt(digests, index), blockLength(size, blockSize, index)];
}

function fold(links: readonly Link[]): Link {
	const node = new UnixFS({ type: 'file', blockSizes: links.map((link) => BigInt(link.bytes)) });
	const bytes = dagPb.encode({
		Data: node.marshal(),
		Links: links.map((link) => ({ Name: '', Hash: link.cid, Tsize: link.total })),
	});
	return {
		cid: cidOf(dagPb.code, sha256(bytes)),
		bytes: links.reduce((sum, link) => sum + link.bytes, 0),
		total: links.reduce((sum, link) => sum + link.total, bytes.length),
	};
}

function cidOf(codec: number, digest: Uint8Array): CID {
	return CID.createV1(codec, Digest.create(SHA2_256, digest));
}

function sha256(bytes: Uint8Array): Uint8Array {
	return createHash('sha256').update(bytes).digest();
}

function required<T>(value: T | undefined): T {
	if (value === undefined) throw new TypeError('a level without links');
	return value;
}
