import type { Quota } from '#domain/ports/quota.ts';
import type { AppContext } from '../env.ts';
import { respondJson } from '../respond.ts';
import { bodyless, type Route } from '../route.ts';

/** Image API v2, "Quota usage". Without unified limits there is nothing to show, whatever else is limited. */
export function infoRoutes(usage: Pick<Quota, 'report'>): readonly Route[] {
	async function show(c: AppContext): Promise<Response> {
		return respondJson(c, 200, { usage: (await usage.report(c.var.ctx)) ?? {} });
	}
	return [{ path: '/v2/info/usage', methods: { GET: bodyless(show) } }];
}
