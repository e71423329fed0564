import { access } from 'node:fs/promises';
import { preferred } from '../accept.ts';
import type { AppContext } from '../env.ts';
import type { Health } from '../ports.ts';
import { respond, respondJson } from '../respond.ts';
import { bodyless, type Route } from '../route.ts';

export interface HealthOptions {
	/** while this file is there, `/healthcheck` says that the node is taken out (Glance: disable_by_file_path) */
	readonly disableFile?: string;
}

/** `/healthcheck` is Glance's; `/livez` says that the process answers, `/readyz` that every capability works that the node needs. */
export function healthRoutes(health: Health, { disableFile }: HealthOptions = {}): readonly Route[] {
	async function healthcheck(c: AppContext): Promise<Response> {
		const disabled = disableFile !== undefined && (await exists(disableFile));
		const [status, reason] = disabled ? [503, 'DISABLED BY FILE'] : [200, 'OK'];
		switch (preferred(c.req.header('accept'), ['text/plain', 'text/html', 'application/json'])) {
			case 'application/json':
				return respondJson(c, status, { detailed: false, reasons: [reason] });
			case 'text/html':
				return respond(c, status, page(reason), { 'content-type': 'text/html; charset=UTF-8' });
			default:
				return respond(c, status, reason, { 'content-type': 'text/plain; charset=UTF-8' });
		}
	}
	async function head(c: AppContext): Promise<Response> {
		return respond(c, (await healthcheck(c)).status === 200 ? 204 : 503, null);
	}
	async function ready(c: AppContext): Promise<Response> {
		const capabilities = await health.readiness({ signal: AbortSignal.timeout(READINESS_MS) });
		const all = capabilities.every(({ ready, optional }) => ready || optional === true);
		return respondJson(c, all ? 200 : 503, { ready: all, capabilities });
	}
	return [
		{ path: '/healthcheck', methods: { GET: bodyless(healthcheck), HEAD: head, POST: healthcheck } },
		{ path: '/livez', methods: { GET: bodyless((c) => respondJson(c, 200, { alive: true })) } },
		{ path: '/readyz', methods: { GET: bodyless(ready) } },
	];
}

const READINESS_MS = 5000;

function page(reason: string): string {
	return `<html>\n <head>\n  <title>Healthcheck Status</title>\n </head>\n <body>\n  <p>${reason}</p>\n </body>\n</html>`;
}

async function exists(path: string): Promise<boolean> {
	try {
		await access(path);
		return true;
	} catch {
		return false;
	}
}
