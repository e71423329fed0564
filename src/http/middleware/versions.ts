/** Version negotiation: which API a path speaks of, and the document that lists them. Image API, "Versions". */
import { getPath } from 'hono/utils/url';
import type { AppContext, Handler } from '../env.ts';
import { respond, respondJson } from '../respond.ts';

/** In Glance's order for a node without cache and store management; the first segment of a path may name any of them. */
const MINORS = [15, 9, 17, 7, 6, 5, 4, 3, 2, 1, 0] as const;
const CURRENT = 17;

/** First segments of paths that are no versions of the API. */
const OTHERS: ReadonlySet<string> = new Set(['', 'v2', 'versions', 'healthcheck', 'livez', 'readyz', 'admin']);

/** `/v2.N/…` is `/v2/…`; so is an unversioned path whose Accept names the API. */
export function routePath(request: Request): string {
	const path = getPath(request);
	const first = path.split('/', 2)[1] ?? '';
	if (isMinor(first)) return `/v2${path.slice(first.length + 1)}`;
	if (OTHERS.has(first)) return path;
	const wanted = /application\/vnd\.openstack\.images-(v2(?:\.\d+)?)/.exec(request.headers.get('accept') ?? '')?.[1];
	return wanted !== undefined && (wanted === 'v2' || isMinor(wanted)) ? `/v2${path}` : path;
}

/** Is this a path of something that exists, so that a miss is 404 rather than a choice of versions? */
export function namesKnownApi(path: string): boolean {
	return OTHERS.has(path.split('/', 2)[1] ?? '');
}

function isMinor(segment: string): boolean {
	return MINORS.some((minor) => segment === `v2.${minor}`);
}

export function versionsDocument(status: 200 | 300, publicUrl: (c: AppContext) => string): Handler {
	return (c) => {
		const links = [{ rel: 'self', href: `${publicUrl(c)}/v2/` }];
		const versions = MINORS.map((minor) => ({ id: `v2.${minor}`, status: minor === CURRENT ? 'CURRENT' : 'SUPPORTED', links }));
		return respondJson(c, status, { versions });
	};
}

export function toVersionRoot(publicUrl: (c: AppContext) => string): Handler {
	return (c) => respond(c, 302, null, { location: `${publicUrl(c)}/v2/` });
}
