import { ImageError } from '#domain/errors.ts';
import type { Middleware } from '../env.ts';

/**
 * A web page of another origin may make a browser send requests here (Glance takes JSON of any content type, so no
 * preflight protects it). Browsers say so in Origin; requests that change something are refused then. Clients that are
 * not browsers send no Origin.
 */
export const sameOrigin: Middleware = async (c, next) => {
	const origin = c.req.header('origin');
	const harmless = c.req.method === 'GET' || c.req.method === 'HEAD' || c.req.method === 'OPTIONS';
	if (origin !== undefined && !harmless && hostOf(origin) !== c.req.header('host')?.toLowerCase())
		throw new ImageError('forbidden', 'requests from pages of another origin are refused');
	await next();
};

function hostOf(origin: string): string | undefined {
	return URL.canParse(origin) ? new URL(origin).host : undefined;
}
