/** Version negotiation: which API a path speaks of, and the document that lists them. Image API, "Versions". */
import type { AppContext, Handler } from '../env.ts';
import { pathOf } from '../request-path.ts';
import { respond, respondJson } from '../respond.ts';

/**
 * Minors in the order Glance lists them. Every node has stores to choose from (its own site is one), so that of Glance's
 * four lists the two with several stores are ours.
 */
const WITH_CACHE = [18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0] as const;
/** the newest of them does not come first */
const WITHOUT_CACHE = [15, 13, 12, 11, 10, 9, 8, 17, 7, 6, 5, 4, 3, 2, 1, 0] as const;

/** First segments of paths that are no versions of the API. */
const OTHERS: ReadonlySet<string> = new Set(['v2', 'versions', 'healthcheck', 'livez', 'readyz', 'admin']);

export interface Versions {
	/** `/v2.N/…` is `/v2/…`; so is an unversioned path whose Accept names the API. */
	readonly routePath: (target: string, accept: string | undefined) => string;
	/** Is this a path of something that exists, so that a miss is 404 rather than a choice of versions? */
	readonly namesKnownApi: (path: string) => boolean;
	readonly document: (status: 200 | 300, publicUrl: (c: AppContext) => string) => Handler;
}

/** `caching`: this node has the cache API, and with it the minors that brought it. */
export function createVersions({ caching }: { readonly caching: boolean }): Versions {
	const minors: readonly number[] = caching ? WITH_CACHE : WITHOUT_CACHE;
	const current = Math.max(...minors);
	const known = new Set(minors.map((minor) => `v2.${minor}`));

	return {
		routePath(target, accept) {
			const path = pathOf(target);
			const first = path.split('/', 2)[1] ?? '';
			// Glance forgives a second slash after the version
			if (first === 'v2' || known.has(first)) return `/v2${path.slice(first.length + 1).replace(/^\/+/, '/')}`;
			if (OTHERS.has(first)) return path;
			const wanted = /application\/vnd\.openstack\.images-(v2(?:\.\d+)?)/i.exec(accept ?? '')?.[1];
			return wanted !== undefined && (wanted === 'v2' || known.has(wanted)) ? `/v2${path}` : path;
		},
		namesKnownApi: (path) => OTHERS.has(path.split('/', 2)[1] ?? ''),
		document(status, publicUrl) {
			return (c) => {
				const links = [{ rel: 'self', href: `${publicUrl(c)}/v2/` }];
				const versions = minors.map((minor) => ({
					id: `v2.${minor}`,
					status: minor === current ? 'CURRENT' : 'SUPPORTED',
					links,
				}));
				return respondJson(c, status, { versions });
			};
		},
	};
}

export function toVersionRoot(publicUrl: (c: AppContext) => string): Handler {
	return (c) => respond(c, 302, null, { 'content-type': 'text/plain; charset=utf8', location: `${publicUrl(c)}/v2/` });
}
