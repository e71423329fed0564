import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Middleware } from './env.ts';
import { hasBody } from './request-body.ts';

/** How much of a body nobody wants is taken from a client, and for how long, so that it gets to read its answer. */
export interface DrainLimits {
	readonly maxBytes: number;
	readonly maxMs: number;
}

export const DEFAULT_DRAIN: DrainLimits = { maxBytes: 16 * 1024 * 1024, maxMs: 2000 };

/**
 * An answer that is ready before the body has arrived. Closing at once would reset the connection under a client that
 * is still sending and lose the answer with it; reading on would take bytes without end. So the answer is written in
 * full, the connection is announced to close, a bounded amount is discarded, then it is closed.
 */
export function answerEarly(limits: DrainLimits = DEFAULT_DRAIN): Middleware {
	return async (c, next) => {
		await next();
		const { incoming, outgoing } = c.env;
		if (!hasBody(incoming) || incoming.complete || outgoing.headersSent || outgoing.destroyed) return;
		const body = Buffer.from(await c.res.arrayBuffer());
		outgoing.writeHead(c.res.status, {
			...Object.fromEntries(c.res.headers),
			'content-length': body.length,
			connection: 'close',
		});
		outgoing.write(body);
		await discard(incoming, outgoing, limits);
		outgoing.end();
	};
}

function discard(incoming: IncomingMessage, outgoing: ServerResponse, limits: DrainLimits): Promise<void> {
	return new Promise((resolve) => {
		let left = limits.maxBytes;
		const timer = setTimeout(stop, limits.maxMs);
		function take(chunk: Buffer): void {
			left -= chunk.length;
			if (left <= 0) stop();
		}
		function stop(): void {
			clearTimeout(timer);
			incoming.off('data', take).off('end', stop).off('close', stop).pause();
			outgoing.off('close', stop);
			resolve();
		}
		incoming.on('data', take).on('end', stop).on('close', stop).resume();
		outgoing.on('close', stop);
	});
}
