/** Every bound of the content store, in one place; `openContentStore` takes other values by the same names. */
import { MiB, TiB } from '#lib/sizes.ts';

/** Identity, verification and transfer all use this unit. docs/content-format.md §1 */
export const BLOCK_BYTES = MiB;
/** sha2-256, raw */
export const DIGEST_BYTES = 32;
/** The smallest block size a foreign manifest may have: bounds the digest list of the largest content to 2 GiB / 1 TiB. */
export const MIN_BLOCK_BYTES = 64 * 1024;

/** A shorter block (the tail of a content) is never shared: a page of disk is not worth a file that is not whole. */
export const MIN_SHARED_BYTES = 4096;

export interface ContentLimits {
	/** bytes of one content */
	readonly maxContentBytes: number;
	/** uploads that are being taken at once; more wait for their turn, and with them their sockets */
	readonly maxUploads: number;
	/** 1 MiB buffers between uploads, hash threads and the disk */
	readonly uploadSlots: number;
	/** how many of them one upload may fill ahead of the hash threads */
	readonly uploadAheadBlocks: number;
	/** 1 MiB buffers between sources, verification and the disk, all fetches together */
	readonly fetchSlots: number;
	/** sources asked at once for one content */
	readonly maxSources: number;
	/** contents that go by whole at once, from places without ranges; more wait for their turn */
	readonly maxPassing: number;
	/** fetched ahead of each reader, bytes */
	readonly readWindowBytes: number;
	/** how long a reader waits while no source can give a block it needs */
	readonly sourceWaitMs: number;
	/** a source that gives no answer to a fetch for so long is dropped */
	readonly blockTimeoutMs: number;
	/** the same for a manifest */
	readonly manifestTimeoutMs: number;
	/** a block under way for less than this is never asked for twice */
	readonly hedgeAfterMs: number;
	/** a fetch session that nobody wants is kept this long, with its conversations */
	readonly sessionIdleMs: number;
	/** fetched bytes are made durable and marked at least so often while blocks arrive */
	readonly checkpointMs: number;
	readonly checkpointBlocks: number;
	/** an upload asks the disk to write what it has got so far each time this much has come */
	readonly syncEveryBytes: number;
	/** hash threads and their buffers are given back after so long without work */
	readonly idleThreadsMs: number;
	readonly hashThreads: number;
}

export const DEFAULT_LIMITS: ContentLimits = {
	maxContentBytes: TiB,
	maxUploads: 24,
	uploadSlots: 40,
	uploadAheadBlocks: 28,
	fetchSlots: 32,
	maxSources: 4,
	maxPassing: 8,
	readWindowBytes: 32 * MiB,
	sourceWaitMs: 10_000,
	blockTimeoutMs: 30_000,
	manifestTimeoutMs: 15_000,
	hedgeAfterMs: 1_000,
	sessionIdleMs: 5_000,
	checkpointMs: 500,
	checkpointBlocks: 16,
	syncEveryBytes: 24 * MiB,
	idleThreadsMs: 30_000,
	hashThreads: 2,
};
