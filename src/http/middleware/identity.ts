import type { IncomingMessage } from 'node:http';
import type { RequestContext } from '#domain/context.ts';
import { codeOf, ImageError } from '#domain/errors.ts';
import type { Credentials, Identity } from '#identity/ports.ts';
import type { AppContext, Middleware } from '../env.ts';
import { problem } from '../problems.ts';

/**
 * AuthZ: makes the context that everything behind it acts in, once: a token that ends during a long upload does not
 * end the upload. `isAdmin` is what the rules say of a caller.
 */
export function identify(identity: Identity, isAdmin: (ctx: RequestContext) => boolean): Middleware {
	return async (c, next) => {
		const { outgoing } = c.env;
		try {
			const signal = goneSignal(outgoing);
			const { readOnly = false, ...subject } = await identity.identify(credentialsOf(c, signal));
			if (readOnly && !HARMLESS.has(c.req.method)) throw new ImageError('forbidden', 'read-only access');
			const ctx: RequestContext = { admin: false, ...subject, requestId: c.var.requestId, door: 'client', signal };
			c.set('ctx', ctx.admin ? ctx : { ...ctx, admin: isAdmin(ctx) });
		} catch (error) {
			if (codeOf(error) === 'unauthenticated') return problem(c, error, { 'www-authenticate': identity.challenge });
			throw error;
		}
		dropClaims(c);
		await next();
		// whoever refuses for want of a name, the client is told where to get one
		if (c.res.status === 401) c.res.headers.set('www-authenticate', identity.challenge);
	};
}

const HARMLESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

function credentialsOf(c: AppContext, signal: AbortSignal): Credentials {
	const { incoming } = c.env;
	return {
		header(name) {
			const value = incoming.headers[name];
			return typeof value === 'string' ? value : undefined;
		},
		lines: (name) => incoming.headersDistinct[name] ?? [],
		method: incoming.method ?? '',
		path: c.req.path,
		remoteAddress: incoming.socket.remoteAddress ?? '',
		signal,
	};
}

/** What a client says of itself in the words of keystonemiddleware and of Glance's first API: nobody behind this reads it. */
const CLAIMS =
	/^(x-(service-)?(identity-status|roles?|(user|project|domain|tenant)(-(domain-)?(id|name))?)|x-(is-admin-project|service-catalog)|openstack-system-scope|x-image-meta-(owner|status))$/;

function dropClaims(c: AppContext): void {
	const { headers } = c.env.incoming as { readonly headers: IncomingMessage['headers'] };
	for (const name of Object.keys(headers)) {
		if (!CLAIMS.test(name)) continue;
		delete headers[name];
		c.req.raw.headers.delete(name);
	}
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
