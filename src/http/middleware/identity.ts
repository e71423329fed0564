import type { RequestContext } from '#domain/context.ts';
import { codeOf, ImageError } from '#domain/errors.ts';
import type { Identity } from '#identity/ports.ts';
import type { Middleware } from '../env.ts';
import { problem } from '../problems.ts';

/** AuthZ: makes the context that everything behind it acts in. `isAdmin` is what the rules say of a caller. */
export function identify(identity: Identity, isAdmin: (ctx: RequestContext) => boolean): Middleware {
	return async (c, next) => {
		const { incoming, outgoing } = c.env;
		const header = (name: string) => {
			const value = incoming.headers[name];
			return typeof value === 'string' ? value : undefined;
		};
		try {
			const signal = goneSignal(outgoing);
			const subject = await identity.identify({
				header,
				method: incoming.method ?? '',
				path: c.req.path,
				remoteAddress: incoming.socket.remoteAddress ?? '',
				signal,
			});
			const ctx: RequestContext = { admin: false, ...subject, requestId: c.var.requestId, door: 'client', signal };
			c.set('ctx', ctx.admin ? ctx : { ...ctx, admin: isAdmin(ctx) });
		} catch (error) {
			if (codeOf(error) === 'unauthenticated') return problem(c, error, { 'www-authenticate': identity.challenge });
			throw error;
		}
		return next();
	};
}

/** Aborted when the connection ends before the answer has. */
function goneSignal(outgoing: {
	once(event: 'close', listener: () => void): unknown;
	readonly writableFinished: boolean;
}): AbortSignal {
	const controller = new AbortController();
	outgoing.once('close', () => {
		if (!outgoing.writableFinished) controller.abort(new ImageError('aborted', 'the client closed the connection'));
	});
	return controller.signal;
}
