import type { CacheController, CacheTarget } from '#domain/cache/controller.ts';
import type { CachedImage } from '#domain/ports/image-cache.ts';
import type { AppContext } from '../env.ts';
import { respond, respondJson } from '../respond.ts';
import { bodyless, type Route } from '../route.ts';
import { idOf } from './images.ts';

export interface CacheRouteParts {
	/** with a rule for each verb */
	readonly cache: CacheController;
	/** the same behind the older single rule */
	readonly olderCache: CacheController;
}

/** Image API v2, "Cache manage". Static paths come before those with an id. */
export function cacheRoutes({ cache, olderCache }: CacheRouteParts): readonly Route[] {
	async function list(c: AppContext): Promise<Response> {
		const { ctx } = c.var;
		const cached = await cache.cached(ctx);
		return respondJson(c, 200, { cached_images: cached.map(viewCached), queued_images: await cache.queued(ctx) });
	}
	async function clear(c: AppContext): Promise<Response> {
		await cache.clear(c.var.ctx, c.req.header('x-image-cache-clear-target')?.trim().toLowerCase() ?? '');
		return respond(c, 204, null);
	}
	async function enqueue(c: AppContext): Promise<Response> {
		await cache.enqueue(c.var.ctx, idOf(c));
		return respond(c, 202, null);
	}
	async function drop(c: AppContext): Promise<Response> {
		await cache.drop(c.var.ctx, idOf(c), 'both');
		return respond(c, 204, null);
	}
	async function clean(c: AppContext): Promise<Response> {
		await cache.clean(c.var.ctx);
		return respond(c, 200, null);
	}
	async function prune(c: AppContext): Promise<Response> {
		const { images, bytes } = await cache.prune(c.var.ctx);
		return respondJson(c, 200, { total_files_pruned: images, total_bytes_pruned: bytes });
	}
	async function holders(c: AppContext): Promise<Response> {
		return respondJson(c, 200, await cache.holders(c.var.ctx, idOf(c)));
	}
	return [
		{ path: '/v2/cache', methods: { GET: bodyless(list), DELETE: clear } },
		{ path: '/v2/cache/clean', methods: { POST: bodyless(clean) } },
		{ path: '/v2/cache/prune', methods: { POST: bodyless(prune) } },
		{ path: '/v2/cache/nodes/:id', methods: { GET: bodyless(holders) } },
		{ path: '/v2/cache/:id', methods: { DELETE: bodyless(drop), PUT: bodyless(enqueue) } },
		...olderRoutes(olderCache),
	];
}

/** What Glance's filter `cachemanage` answers, from before there was a cache API. Nothing to say is said as `null`. */
function olderRoutes(cache: CacheController): readonly Route[] {
	const nothing = (c: AppContext) => respondJson(c, 200, null);
	const on = (from: 'cache' | 'queue'): Route['methods'] => ({
		async DELETE(c) {
			const cleared = await cache.clear(c.var.ctx, from);
			return respondJson(c, 200, { num_deleted: from === 'cache' ? cleared.cached : cleared.queued });
		},
		async GET(c) {
			const { ctx } = c.var;
			return from === 'cache'
				? respondJson(c, 200, { cached_images: (await cache.cached(ctx)).map(viewCached) })
				: respondJson(c, 200, { queued_images: await cache.queued(ctx) });
		},
	});
	const drop = (from: CacheTarget) => async (c: AppContext) => {
		await cache.drop(c.var.ctx, idOf(c), from);
		return nothing(c);
	};
	async function enqueue(c: AppContext): Promise<Response> {
		await cache.enqueue(c.var.ctx, idOf(c));
		return nothing(c);
	}
	return [
		{ path: '/v2/cached_images', methods: on('cache') },
		{ path: '/v2/cached_images/:id', methods: { DELETE: drop('cache') } },
		{ path: '/v2/queued_images', methods: on('queue') },
		{ path: '/v2/queued_images/:id', methods: { PUT: enqueue, DELETE: drop('queue') } },
	];
}

/** Times are seconds since 1970, as Python's are. */
function viewCached({ id, hits, lastAccessed, lastModified, size }: CachedImage): object {
	return { image_id: id, hits, last_accessed: lastAccessed / 1000, last_modified: lastModified / 1000, size };
}
