import type { HttpBindings } from '@hono/node-server';
import type { Context, MiddlewareHandler } from 'hono';
import type { RequestContext } from '#domain/context.ts';

export interface AppEnv {
	Bindings: HttpBindings;
	Variables: {
		requestId: string;
		/** set by the identity middleware: routes behind it may rely on it */
		ctx: RequestContext;
		/** bytes of image data that went in or out, for the access log */
		dataBytes: number;
		/** headers that let a page of another origin read this answer */
		cors: Readonly<Record<string, string>>;
	};
}

export type AppContext = Context<AppEnv>;
export type Handler = (c: AppContext) => Promise<Response> | Response;
export type Middleware = MiddlewareHandler<AppEnv>;
