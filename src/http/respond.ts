import type { AppContext } from './env.ts';

type PlainHeaders = Readonly<Record<string, string>>;

/** Every answer leaves through here or through `commonHeaders`: none goes without its request id. */
export function respond(c: AppContext, status: number, body: string | null, headers: PlainHeaders = {}): Response {
	return new Response(body, { status, headers: { ...commonHeaders(c), ...(EMPTY.has(status) && NO_CONTENT), ...headers } });
}

export function respondJson(c: AppContext, status: number, value: unknown, headers: PlainHeaders = {}): Response {
	return respondJsonText(c, status, JSON.stringify(value), headers);
}

/** Of a value that is JSON already. */
export function respondJsonText(c: AppContext, status: number, text: string, headers: PlainHeaders = {}): Response {
	return respond(c, status, text, { 'content-type': 'application/json', ...headers });
}

export function commonHeaders(c: AppContext): PlainHeaders {
	return { 'x-openstack-request-id': c.var.requestId, ...c.var.cors };
}

/** Glance gives even nothing a type. */
const NO_CONTENT: PlainHeaders = { 'content-type': 'text/html; charset=UTF-8' };
const EMPTY: ReadonlySet<number> = new Set([202, 204]);
