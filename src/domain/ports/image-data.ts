/** The bytes of images as the domain sees them. */
import type { ByteRange } from '../controller.ts';
import type { ContentRef, DataFacts } from '../image.ts';

export interface ImageData {
	/**
	 * Takes a stream in one pass (a chunk of it is not looked at after the next one is asked for): stored, hashed, durable when it resolves, and kept from the collector until the
	 * result is disposed. Whoever commits the record disposes after the commit.
	 * Errors: `too-large` beyond `maxBytes`; `invalid` when `declaredSize` differs; `full`, `write-denied` from the
	 * file system; `aborted` by the signal; whatever the source throws. On every error no byte stays.
	 */
	write(source: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<WrittenData>;
	/**
	 * As `write`, of bytes that stay where they are: only what verifies them is kept here, and whoever reads the content
	 * later gets its blocks from there.
	 */
	survey(source: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<WrittenData>;
	/**
	 * Bytes [start, end) in order, local blocks first, the missing ones from other holders as they come, verified and
	 * kept. A chunk is valid until the next one is asked for. `unavailable` when no holder can give a block.
	 */
	read(content: ContentRef, range: ByteRange, options: ReadOptions): AsyncIterable<Uint8Array>;
	presence(root: string): Presence;
	/**
	 * Lets the bytes go and keeps what verifies them, unless they are pinned or being read: the next reader fetches what it
	 * needs of them from wherever they are.
	 */
	hollow(content: ContentRef): Promise<void>;
	/** Removes the bytes unless they are pinned or being read; a later collection takes those. */
	forget(root: string): Promise<void>;
}

/** How much of a content this node holds, all of it verified. */
export type Presence = 'none' | 'partial' | 'complete';

export interface ReadOptions {
	readonly signal: AbortSignal;
	/**
	 * Also what has been here for long is compared with what verifies it, where the range has all of a block; what is damaged
	 * is put aside and comes from other holders. Default false
	 */
	readonly check?: boolean;
}

export interface WriteOptions {
	readonly hashAlgorithm: string;
	readonly maxBytes: number;
	readonly declaredSize?: number;
	readonly signal: AbortSignal;
}

export interface WrittenData extends DataFacts, AsyncDisposable {}
