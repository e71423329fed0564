import type { Hono } from 'hono';
import { ImageError } from '#domain/errors.ts';
import type { AppEnv, Handler } from './env.ts';
import { problemText } from './problems.ts';
import { hasBody } from './request-body.ts';

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A path and everything that can be done with it; any other method is 405 with the list. */
export interface Route {
	readonly path: string;
	readonly methods: Readonly<Partial<Record<Method, Handler>>>;
}

export function installRoutes(app: Hono<AppEnv>, routes: readonly Route[]): void {
	for (const { path, methods } of routes) {
		const table = new Map<string, Handler>(Object.entries(methods));
		const allow = [...table.keys()].join(', ');
		app.all(path, (c) => {
			const handler = table.get(c.env.incoming.method ?? '');
			if (handler !== undefined) return handler(c);
			return problemText(c, 405, `the method ${c.env.incoming.method} is not allowed for this resource`, { allow });
		});
	}
}

/** For verbs that have nothing to be told: a body is a misunderstanding. */
export function bodyless(handler: Handler): Handler {
	return (c) => {
		if (hasBody(c.env.incoming)) throw new ImageError('invalid', 'a body is not expected with this request');
		return handler(c);
	};
}
