/** Pages of other origins that may use this service. https://fetch.spec.whatwg.org/#http-cors-protocol, as oslo.middleware has it */
import type { AppContext, Middleware } from '../env.ts';
import { respond } from '../respond.ts';

export interface CorsOptions {
	/** scheme, host and port each, or `*` for all */
	readonly origins: readonly string[];
	readonly methods: readonly string[];
	/** besides those that need no permission */
	readonly allowHeaders: readonly string[];
	readonly exposeHeaders: readonly string[];
	readonly maxAgeSeconds: number;
	readonly credentials: boolean;
}

/** Glance's. */
export const DEFAULT_CORS: CorsOptions = {
	origins: [],
	methods: ['GET', 'PUT', 'POST', 'DELETE', 'PATCH'],
	allowHeaders: [
		...['Content-MD5', 'X-Image-Meta-Checksum', 'X-Storage-Token', 'Accept-Encoding', 'X-Auth-Token', 'X-Identity-Status'],
		...['X-Roles', 'X-Service-Catalog', 'X-User-Id', 'X-Tenant-Id', 'X-OpenStack-Request-ID'],
	],
	exposeHeaders: ['X-Image-Meta-Checksum', 'X-Auth-Token', 'X-Subject-Token', 'X-Service-Token', 'X-OpenStack-Request-ID'],
	maxAgeSeconds: 3600,
	credentials: true,
};

const ALWAYS_ALLOWED: readonly string[] = [
	...['accept', 'accept-language', 'content-type', 'cache-control'],
	...['content-language', 'expires', 'last-modified', 'pragma'],
];

/** OPTIONS is always 200 and empty, allowed or not: what a browser may do it reads from the headers. */
export function cors(options: CorsOptions = DEFAULT_CORS): Middleware {
	const headersAllowed = new Set([...ALWAYS_ALLOWED, ...options.allowHeaders.map((name) => name.toLowerCase())]);

	function preflight(c: AppContext, allowed: Headers): Headers {
		const method = c.req.header('access-control-request-method');
		if (method === undefined || !options.methods.includes(method)) return {};
		const names = (c.req.header('access-control-request-headers') ?? '').split(',').map((name) => name.trim());
		const wanted = names.filter((name) => name !== '');
		if (!wanted.every((name) => headersAllowed.has(name.toLowerCase()))) return {};
		return {
			...allowed,
			...(options.maxAgeSeconds > 0 && { 'access-control-max-age': String(options.maxAgeSeconds) }),
			'access-control-allow-methods': method,
			...(wanted.length > 0 && { 'access-control-allow-headers': wanted.join(',') }),
		};
	}

	return async (c, next) => {
		const origin = allowedOrigin(options, c.req.header('origin'));
		const allowed: Headers = origin === undefined ? {} : originHeaders(options, origin);
		if (c.req.method === 'OPTIONS') return respond(c, 200, null, origin === undefined ? {} : preflight(c, allowed));
		const exposed = options.exposeHeaders.join(',');
		if (origin !== undefined) c.set('cors', { ...allowed, ...(exposed !== '' && { 'access-control-expose-headers': exposed }) });
		return next();
	};
}

type Headers = Readonly<Record<string, string>>;

/** What to name as allowed; undefined: this origin is not. */
export function allowedOrigin({ origins }: CorsOptions, origin: string | undefined): string | undefined {
	if (origin === undefined) return undefined;
	if (origins.includes(origin)) return origin;
	return origins.includes('*') ? '*' : undefined;
}

function originHeaders({ credentials }: CorsOptions, origin: string): Headers {
	return {
		vary: 'Origin',
		'access-control-allow-origin': origin,
		...(credentials && { 'access-control-allow-credentials': 'true' }),
	};
}
