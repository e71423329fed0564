import type { AppContext } from '../env.ts';
import type { Health } from '../ports.ts';
import { respond, respondJson } from '../respond.ts';
import { bodyless, type Route } from '../route.ts';

/** `/healthcheck` is Glance's; `/livez` says that the process answers, `/readyz` that every capability works. */
export function healthRoutes(health: Health): readonly Route[] {
	function healthcheck(c: AppContext): Response {
		if (c.req.header('accept')?.includes('application/json')) return respondJson(c, 200, { detailed: false, reasons: ['OK'] });
		return respond(c, 200, 'OK', { 'content-type': 'text/plain; charset=UTF-8' });
	}
	async function ready(c: AppContext): Promise<Response> {
		const capabilities = await health.readiness({ signal: AbortSignal.timeout(READINESS_MS) });
		const all = capabilities.every((capability) => capability.ready);
		return respondJson(c, all ? 200 : 503, { ready: all, capabilities });
	}
	return [
		{ path: '/healthcheck', methods: { GET: bodyless(healthcheck), HEAD: (c) => respond(c, 204, null), POST: healthcheck } },
		{ path: '/livez', methods: { GET: bodyless((c) => respondJson(c, 200, { alive: true })) } },
		{ path: '/readyz', methods: { GET: bodyless(ready) } },
	];
}

const READINESS_MS = 5000;
