/**
 * The controller of the cache: a guard around the port. Glance has two sets of routes for the same thing, one with a rule
 * for each verb and an older one with a single rule; each has its guard.
 */
import type { RequestContext } from '#domain/context.ts';
import { codeOf, ImageError } from '#domain/errors.ts';
import type { Image, ImageId } from '#domain/image.ts';
import { noSuchImage } from '#domain/no-such-image.ts';
import { policyTarget } from '#domain/policy-target.ts';
import type { Catalogue } from '#domain/ports/catalogue.ts';
import type { ImageCache } from '#domain/ports/image-cache.ts';
import type { Policy, PolicyTarget } from '#domain/ports/policy.ts';
import { canSee } from '#domain/query.ts';
import { refusedBy } from '#domain/refused-by.ts';
import type { CacheController, CacheTarget } from './controller.ts';

export interface CacheParts {
	readonly catalogue: Pick<Catalogue, 'image' | 'nodes'>;
	readonly policy: Policy;
	/** absent: this node offers no cache; every verb is `not-found` for who passes its rule */
	readonly cache: ImageCache | undefined;
}

/** Which rule a verb asks for. */
type Rules = Readonly<Record<keyof CacheController, string>>;

const OWN_RULES: Rules = {
	cached: 'cache_list',
	queued: 'cache_list',
	enqueue: 'cache_image',
	drop: 'cache_delete',
	clear: 'cache_delete',
	clean: 'cache_clean',
	prune: 'cache_prune',
	holders: 'list_cached_nodes',
};

const SINGLE = 'manage_image_cache';
const SINGLE_RULE: Rules = {
	cached: SINGLE,
	queued: SINGLE,
	enqueue: SINGLE,
	drop: SINGLE,
	clear: SINGLE,
	clean: SINGLE,
	prune: SINGLE,
	holders: SINGLE,
};

export function buildCacheController(parts: CacheParts, rules: 'by-verb' | 'single' = 'by-verb'): CacheController {
	return guarded(parts, rules === 'by-verb' ? OWN_RULES : SINGLE_RULE);
}

function guarded({ catalogue, policy, cache }: CacheParts, rules: Rules): CacheController {
	function seen(ctx: RequestContext, id: ImageId): Image {
		const image = catalogue.image(id);
		if (image === undefined || !canSee(ctx, image)) throw noSuchImage(id);
		return image;
	}
	/** The cache, for who may: whether there is one is said to nobody else. */
	async function open(ctx: RequestContext, verb: keyof CacheController, about: PolicyTarget = {}): Promise<ImageCache> {
		if (!(await policy.decide(ctx, rules[verb], about))) throw refusedBy(rules[verb]);
		if (cache === undefined) throw new ImageError('not-found', 'this site has no cache that could be managed');
		return cache;
	}
	/** About one image: who fails the rule and may not even get it finds nothing, also of one that is gone. */
	async function openFor(ctx: RequestContext, verb: keyof CacheController, id: ImageId, image?: Image): Promise<ImageCache> {
		const about = image === undefined ? {} : policyTarget(ctx, image);
		try {
			return await open(ctx, verb, about);
		} catch (error) {
			if (codeOf(error) !== 'forbidden') throw error;
			if (image !== undefined && (await policy.decide(ctx, 'get_image', about))) throw error;
			throw noSuchImage(id, { cause: error });
		}
	}
	/** An image that is gone may still be an entry for a moment. */
	function seenOrCached(ctx: RequestContext, id: ImageId): Image | undefined {
		try {
			return seen(ctx, id);
		} catch (error) {
			const isKept = cache?.queue().includes(id) === true || cache?.entries().some((entry) => entry.id === id) === true;
			// an image that is there is hidden, whatever is kept of it
			if (codeOf(error) === 'not-found' && isKept && catalogue.image(id) === undefined) return undefined;
			throw error;
		}
	}

	return {
		cached: async (ctx) => (await open(ctx, 'cached')).entries(),
		queued: async (ctx) => (await open(ctx, 'queued')).queue(),
		async enqueue(ctx, id) {
			const image = seen(ctx, id);
			const opened = await openFor(ctx, 'enqueue', id, image);
			if (image.status !== 'active')
				throw new ImageError('invalid', `image ${id} is ${image.status}; only active images can be cached`);
			await opened.enqueue(id);
		},
		async drop(ctx, id, from) {
			const opened = await openFor(ctx, 'drop', id, seenOrCached(ctx, id));
			if (from !== 'cache') await opened.dequeue([id]);
			if (from !== 'queue') await opened.drop([id]);
		},
		async clear(ctx, word) {
			const opened = await open(ctx, 'clear');
			const from = targetOf(word);
			const queued = from === 'cache' ? 0 : await opened.dequeue(opened.queue());
			const cached = from === 'queue' ? 0 : await opened.drop(opened.entries().map(({ id }) => id));
			return { cached, queued };
		},
		clean: async (ctx) => (await open(ctx, 'clean')).clean(),
		prune: async (ctx) => (await open(ctx, 'prune')).prune(),
		async holders(ctx, id) {
			const image = seen(ctx, id);
			await openFor(ctx, 'holders', id, image);
			const nodes = new Set(image.copies.filter(({ kind }) => kind === 'site').map(({ node }) => node));
			const known = catalogue.nodes().filter(({ node }) => nodes.has(node));
			return known.map(({ node, addresses: [address = ''] }) => `${address}/p2p/${node}`);
		},
	};
}

function targetOf(word: string): CacheTarget {
	if (word === '') return 'both';
	if (word === 'cache' || word === 'queue') return word;
	throw new ImageError('invalid', 'what is to be cleared must be cache or queue, or not said at all');
}
