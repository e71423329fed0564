import { ImageError } from '#domain/errors.ts';
import type { AppContext } from '../env.ts';
import type { AdminDesk } from '../ports.ts';
import { respondJson } from '../respond.ts';
import { bodyless, type Route } from '../route.ts';
import { adminBody, adminOnly } from './guards.ts';

/** What the CLI asks of a running node; for administrators only. */
export function deskRoutes(desk: AdminDesk): readonly Route[] {
	async function invite(c: AppContext): Promise<Response> {
		const token = await desk.invite(siteOf(await adminBody(c)));
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

function siteOf({ site }: Readonly<Record<string, unknown>>): string {
	if (typeof site !== 'string' || site === '') throw new ImageError('invalid', 'site must be the name of a site');
	return site;
}
