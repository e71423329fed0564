import type { Log } from '#lib/log.ts';
import type { Middleware } from '../env.ts';

/** One line a request. Paths only: neither query nor headers, where tokens and names could be. */
export function accessLog(log: Log): Middleware {
	return async (c, next) => {
		const started = performance.now();
		await next();
		const { outgoing } = c.env;
		const status = outgoing.headersSent ? outgoing.statusCode : c.res.status;
		const fields = {
			method: c.req.method,
			path: c.req.path,
			status,
			ms: Math.round((performance.now() - started) * 10) / 10,
			bytes: c.var.dataBytes,
			request: c.var.requestId,
		};
		if (outgoing.destroyed && !outgoing.writableFinished) log.info({ ...fields, cut: true }, 'request cut off');
		else log.info(fields, 'request');
	};
}
