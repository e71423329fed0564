/**
 * What content needs from others, and what it offers to the peers' door.
 *
 * A block is `blockSize` bytes of a content (the last one may be shorter), named by its sha2-256 digest. A manifest is
 * the ordered digests; its UnixFS root CID names the content (docs/content-format.md). Sources are never trusted:
 * whoever asked verifies the block against the manifest and the manifest against the root.
 */
import type { ContentRef } from '#domain/image.ts';
import type { ImageData } from '#domain/ports/image-data.ts';

/** Raw sha2-256 digests, 32 bytes a block, in order. */
export type BlockDigests = Uint8Array;

/** Anything that can give blocks of a content: a holder among the peers, an origin store. */
export interface BlockSource {
	/** unique and stable: a peer id, a store id */
	readonly name: string;
	readonly kind: 'peer' | 'origin';
	/** The digests of all blocks, unverified. Fails with `not-found` when this source does not have the content. */
	manifest(content: ContentRef, options: { readonly signal: AbortSignal }): Promise<BlockDigests>;
	/** One conversation about one content; many blocks may be outstanding in it. */
	open(content: ContentRef, options: { readonly signal: AbortSignal }): Promise<BlockSession>;
}

export interface BlockSession extends AsyncDisposable {
	/** how many fetches may be outstanding before more of them only wait */
	readonly depth: number;
	/**
	 * Writes the bytes of one block into `into` (exactly as long as the block is) and resolves when the last is there.
	 * After it settles, also by the signal, the source never touches `into` again. `not-found`: this source lacks the
	 * block (ask another); any other error: this session is of no more use.
	 */
	fetch(index: number, into: Uint8Array, options: { readonly signal: AbortSignal }): Promise<void>;
}

/** A place that gives a content only whole. */
export interface PassingSource {
	/** as a block source is named */
	readonly name: string;
	/** All bytes, not verified. A chunk is valid until the next one is asked for. */
	read(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** Who could give blocks of a content right now, best first; asked again whenever a reader has run out of them. */
export interface BlockSources {
	find(content: ContentRef): readonly BlockSource[];
	/** Told when asking again may give more (a peer came, a copy was announced). Returns the way to stop. */
	onChange(listener: () => void): () => void;
	/** A source gave bytes that do not match: its account is charged, it is avoided for a while. `index` is -1 for a manifest. */
	reportBad(name: string, content: ContentRef, index: number): void;
}

/** What the peers' door may read: this node's own verified blocks, never another source. */
export interface BlockShelf {
	/** Undefined unless the manifest is known here. */
	digests(root: string): Promise<{ readonly content: ContentRef; readonly digests: BlockDigests } | undefined>;
	/** Opens a content for block reads; undefined when nothing of it is here. The file stays readable until disposal, even when forgotten meanwhile. */
	open(root: string): Promise<ShelfReader | undefined>;
}

export interface ShelfReader extends AsyncDisposable {
	readonly content: ContentRef;
	has(index: number): boolean;
	/** Fills `into` with the block and returns its length in bytes; 0 when the block is not here. */
	read(index: number, into: Uint8Array): Promise<number>;
}

/** Bytes by where they came from, for ledgers, the demo's table and later metrics. */
export interface TransferLedger {
	add(root: string, source: { readonly kind: 'local' | 'peer' | 'origin'; readonly name: string }, bytes: number): void;
	of(root: string): readonly LedgerRow[];
	/** those with rows, the one that moved last at the end */
	roots(): readonly string[];
}

export interface LedgerRow {
	readonly kind: 'local' | 'peer' | 'origin';
	readonly name: string;
	readonly bytes: number;
}

/** The content store of a node: what the domain, the peers' door and background work see of it. */
export interface ContentStore extends ImageData, BlockShelf, AsyncDisposable {
	/**
	 * Fetches all that is missing, beside any readers of the same content and after their windows, and resolves when
	 * the content is whole and durable. `unavailable` when no source can go on; what has come is kept.
	 */
	complete(content: ContentRef, options: CompleteOptions): Promise<void>;
	/**
	 * Lets a whole content go by, once and in order, from a place that gives no ranges: what is missing here is verified, kept,
	 * and given to readers as it passes. Resolves when the content is whole and durable; what has come is kept when it fails.
	 * `corrupt` at the first block that is not the one, `invalid` when there are more or less bytes.
	 */
	takePassing(content: ContentRef, source: PassingSource, options: { readonly signal: AbortSignal }): Promise<void>;
	/**
	 * Reads a whole content, checks every block against the manifest, and hashes it for Glance.
	 * `not-found` unless it is whole here; `corrupt` names the first bad block.
	 */
	digest(content: ContentRef, options: DigestOptions): Promise<ContentDigest>;
	/** Called when a content that was fetched has become whole and durable; never throws into the store. Returns the way to stop. */
	onComplete(listener: (root: string) => void): () => void;
	/** Absolute path of a finished, immutable file that is exactly the content, if there is one. It may be hard-linked. */
	file(root: string): string | undefined;
	/** Keeps the content from `forget` and `collect` until disposal. */
	pin(root: string): Disposable;
	/** Removes contents that are neither in use nor pinned nor open, and whatever a crash has left behind. */
	collect(inUse: (root: string) => Promise<boolean>): Promise<{ readonly removed: number; readonly bytes: number }>;
	/** Contents that came only in part, of which no block has come since `before` (UTC milliseconds). */
	stalled(before: number): Promise<readonly string[]>;
	/** Removes the files of damaged contents that were put aside before then; bytes of them. */
	sweepDamaged(before: number): Promise<number>;
	usage(): Promise<ContentUsage>;
	/** Throws when the store can take no bytes right now: `write-denied` after a failed sync, or its folder is gone. */
	check(): Promise<void>;
}

export interface CompleteOptions {
	readonly signal: AbortSignal;
	readonly onProgress?: (progress: { readonly blocks: number; readonly of: number }) => void;
}

export interface DigestOptions {
	readonly hashAlgorithm: string;
	readonly signal: AbortSignal;
}

export interface ContentDigest {
	/** md5, hex */
	readonly checksum: string;
	/** hex */
	readonly hashValue: string;
}

export interface ContentUsage {
	readonly complete: number;
	readonly partial: number;
	/** sizes of all contents, bytes; what they take on disk is less */
	readonly bytes: number;
	/** bytes that the file system has left for this process */
	readonly freeBytes: number;
}
