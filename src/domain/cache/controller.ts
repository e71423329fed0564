/**
 * The verbs of the cache. An entry is an image whose whole content is on this node because somebody asked for it here;
 * what that means for the bytes is the business of the port (ports/image-cache.ts). All verbs are about this node alone.
 */

import type { CachedImage, Pruned } from '#domain/ports/image-cache.ts';
import type { RequestContext } from '../context.ts';
import type { ImageId } from '../image.ts';

export interface CacheController {
	/** By id. */
	cached(ctx: RequestContext): Promise<readonly CachedImage[]>;
	/** In the order of asking. */
	queued(ctx: RequestContext): Promise<readonly ImageId[]>;
	/** Its bytes are fetched, from now on and across restarts. `not-found`; `invalid` unless it is active. */
	enqueue(ctx: RequestContext, id: ImageId): Promise<void>;
	/** Out of what is named by `from`. `not-found` for what is neither an image nor there. */
	drop(ctx: RequestContext, id: ImageId, from: CacheTarget): Promise<void>;
	/** All of them, out of what is named by `from`: `cache`, `queue`, or with no word at all both. `invalid` for another word. */
	clear(ctx: RequestContext, from: string): Promise<Cleared>;
	/** Makes away with what came only in part and comes no further, and with what was found damaged. */
	clean(ctx: RequestContext): Promise<void>;
	/** The least recently used entries leave until the rest is within the size of the cache. */
	prune(ctx: RequestContext): Promise<Pruned>;
	/** Peer addresses of nodes that say they hold all of it. */
	holders(ctx: RequestContext, id: ImageId): Promise<readonly string[]>;
}

export type CacheTarget = 'cache' | 'queue' | 'both';

/** How many left. */
export interface Cleared {
	readonly cached: number;
	readonly queued: number;
}
