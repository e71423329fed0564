import { ImageError } from '#domain/errors.ts';
import { mediaType } from '#http/v2/images.ts';
import type { AppContext, Handler } from '../env.ts';
import { jsonBody } from '../json-body.ts';
import type { AdminDesk } from '../ports.ts';
import { respondJson } from '../respond.ts';
import { bodyless, type Route } from '../route.ts';

const MAX_BODY_BYTES = 4096;

/** What the CLI asks of a running node; for administrators only. */
export function deskRoutes(desk: AdminDesk): readonly Route[] {
	async function invite(c: AppContext): Promise<Response> {
		// a page of another origin cannot send this type without asking first
		if (mediaType(c) !== 'application/json')
			throw new ImageError('unsupported-type', 'the content type must be application/json');
		const token = await desk.invite(siteOf(await jsonBody(c, MAX_BODY_BYTES)));
		return respondJson(c, 201, { token }, { 'cache-control': 'no-store' });
	}
	return [
		{ path: '/admin/v1/fleet/invitations', methods: { POST: adminOnly(invite) } },
		{ path: '/admin/v1/node', methods: { GET: adminOnly(bodyless(async (c) => respondJson(c, 200, await desk.node()))) } },
		{
			path: '/admin/v1/transfers',
			methods: { GET: adminOnly(bodyless(async (c) => respondJson(c, 200, { transfers: await desk.transfers() }))) },
		},
	];
}

function adminOnly(handler: Handler): Handler {
	return (c) => {
		if (!c.var.ctx.admin) throw new ImageError('forbidden', 'only administrators may do this');
		return handler(c);
	};
}

function siteOf(body: unknown): string {
	const site = typeof body === 'object' && body !== null && 'site' in body ? body.site : undefined;
	if (typeof site !== 'string' || site === '') throw new ImageError('invalid', 'site must be the name of a site');
	return site;
}
