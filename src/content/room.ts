/** What the parts of one open content store share. */
import type { Log } from '#lib/log.ts';
import type { BlockReader } from './block-reader.ts';
import type { ContentIndex } from './content-index.ts';
import type { Disk } from './disk.ts';
import type { HashThreads } from './hash-threads.ts';
import type { Layout } from './layout.ts';
import type { ContentLimits } from './limits.ts';
import type { Mutex } from './mutex.ts';
import type { Shelf } from './stored-content.ts';

export interface Room {
	readonly layout: Layout;
	readonly index: ContentIndex;
	readonly disk: Disk;
	readonly shelf: Shelf;
	readonly blocks: BlockReader;
	readonly threads: HashThreads;
	readonly limits: ContentLimits;
	/** equal blocks are stored once, across contents */
	readonly shareBlocks: boolean;
	/** Held by whoever makes contents appear, become whole or disappear. */
	readonly publishing: Mutex;
	/** Tells whoever follows that a content that was being filled is whole now, and durable. */
	readonly completed: (root: string) => void;
	readonly log: Log;
}
