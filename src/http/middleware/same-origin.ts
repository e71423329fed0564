import { ImageError } from '#domain/errors.ts';
import type { AppContext, Middleware } from '../env.ts';
import { allowedOrigin, type CorsOptions } from './cors.ts';

/**
 * A web page of another origin may make a browser send requests here (Glance takes JSON of any content type, so no
 * preflight protects it). Browsers say so in Origin; requests that change something are refused then, unless the
 * operator named that origin. Where every origin is allowed, a token must come along: a header that no page can add
 * without having asked first. Clients that are not browsers send no Origin.
 */
export function sameOrigin(cors: CorsOptions, publicUrl: (c: AppContext) => string): Middleware {
	function mayWrite(c: AppContext, origin: string): boolean {
		const host = hostOf(origin);
		if (host !== undefined && (host === c.req.header('host')?.toLowerCase() || host === hostOf(publicUrl(c)))) return true;
		const allowed = allowedOrigin(cors, origin);
		return allowed === '*' ? c.req.header('x-auth-token') !== undefined : allowed !== undefined;
	}
	return async (c, next) => {
		const origin = c.req.header('origin');
		const harmless = c.req.method === 'GET' || c.req.method === 'HEAD' || c.req.method === 'OPTIONS';
		if (origin !== undefined && !harmless && !mayWrite(c, origin))
			throw new ImageError('forbidden', 'requests from pages of another origin are refused');
		await next();
	};
}

function hostOf(origin: string): string | undefined {
	return URL.canParse(origin) ? new URL(origin).host : undefined;
}
