/** The clients' door on a free port of loopback, over a real onion; and raw requests to it. */
import { type Agent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { connect, type Socket } from 'node:net';
import { type AppParts, apiRoutes, createApp } from '#http/app.ts';
import type { Route } from '#http/route.ts';
import { type HttpServer, type HttpServerOptions, startHttpServer } from '#http/server.ts';
import { createNoneIdentity } from '#identity/none.ts';
import { silentLog } from '#lib/log.ts';
import { type TestSite, testSite } from './onion.ts';

export interface ApiServer extends AsyncDisposable, TestSite {
	readonly url: string;
	readonly server: HttpServer;
	/** everything this door answers to */
	readonly routes: readonly Route[];
	/** One request on a connection of its own. */
	ask(method: string, path: string, options?: AskOptions): Promise<Reply>;
	/** A bare connection, for what no client would send. */
	connect(): Socket;
	/** A queued image that can be given data; its id. */
	queued(fields?: Readonly<Record<string, unknown>>): Promise<string>;
	/** An active image with these bytes; its id. */
	active(bytes: Uint8Array, fields?: Readonly<Record<string, unknown>>): Promise<string>;
}

export interface AskOptions {
	readonly headers?: Readonly<Record<string, string>>;
	/** bytes are sent as they are, other values as JSON */
	readonly body?: unknown;
	/** for many requests; default: a connection for each */
	readonly agent?: Agent;
}

export interface Reply {
	readonly status: number;
	readonly headers: IncomingMessage['headers'];
	readonly bytes: Buffer;
	readonly text: string;
	/** the body as JSON, whatever it is */
	// biome-ignore lint/suspicious/noExplicitAny: tests look into bodies they know
	readonly json: any;
}

type Overrides = Partial<AppParts> & { readonly site?: TestSite; readonly http?: HttpServerOptions['limits'] };

export async function startApi(overrides: Overrides = {}): Promise<ApiServer> {
	const { site = await testSite(), http, ...parts } = overrides;
	const appParts: AppParts = {
		images: site.images,
		metadefs: site.metadefs,
		tasks: site.tasks,
		imports: site.imports,
		stores: site.stores,
		locations: site.locations,
		cache: site.cache,
		olderCache: site.olderCache,
		identity: createNoneIdentity(),
		isAdmin: (ctx) => ctx.roles.includes('admin'),
		health: { readiness: async () => [{ name: 'catalogue', ready: true }] },
		admin: { invite: async (name) => `token-for-${name}`, node: async () => ({ site: site.site }), transfers: async () => [] },
		adopter: { adopt: async () => {} },
		deleted: { async *list() {}, restore: async () => {} },
		usage: site.quota,
		log: silentLog,
		...parts,
	};
	const app = createApp(appParts);
	const server = await startHttpServer({ app, host: '127.0.0.1', port: 0, log: silentLog, ...(http && { limits: http }) });
	const ask: ApiServer['ask'] = (method, path, options) => exchange(server.url, method, path, options);
	const queued: ApiServer['queued'] = async (fields = {}) => {
		const { json, text } = await ask('POST', '/v2/images', { body: { disk_format: 'raw', container_format: 'bare', ...fields } });
		if (json?.id === undefined) throw new Error(`not created: ${text}`);
		return json.id;
	};
	return {
		...site,
		url: server.url,
		server,
		routes: apiRoutes(appParts),
		ask,
		connect: () => connect({ host: '127.0.0.1', port: Number(new URL(server.url).port) }),
		queued,
		async active(bytes, fields) {
			const id = await queued(fields);
			const { status, text } = await ask('PUT', `/v2/images/${id}/file`, { headers: OCTETS, body: bytes });
			if (status !== 204) throw new Error(`not uploaded: ${text}`);
			return id;
		},
		[Symbol.asyncDispose]: () => server.close(0),
	};
}

export const OCTETS = { 'content-type': 'application/octet-stream' } as const;

async function exchange(
	base: string,
	method: string,
	path: string,
	{ headers = {}, body, agent }: AskOptions = {},
): Promise<Reply> {
	const bytes = body === undefined ? undefined : body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body));
	const options: RequestOptions = {
		method,
		agent: agent ?? false,
		headers: { ...(bytes && { 'content-length': bytes.length }), ...headers },
	};
	const response = await new Promise<IncomingMessage>((resolve, reject) => {
		const request = httpRequest(new URL(path, base), options);
		request.once('response', resolve).on('error', reject);
		request.end(bytes);
	});
	return replyOf(response);
}

export async function replyOf(response: IncomingMessage): Promise<Reply> {
	const bytes = Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>));
	const text = bytes.toString();
	return { status: response.statusCode ?? 0, headers: response.headers, bytes, text, json: parsed(text) };
}

/** Everything of an answer that does not name the request, with what was asked for taken out: what a caller could tell two by. */
export function shapeOf({ status, headers, text }: Reply, ...asked: readonly string[]) {
	const { date, 'x-openstack-request-id': request, ...kept } = headers;
	if (date === undefined || request === undefined) throw new Error(`no date or request id: ${JSON.stringify(headers)}`);
	const { 'content-length': length, ...rest } = kept;
	const body = asked.reduce((rest, name, at) => rest.replaceAll(name, `NAME ${at}`), text);
	return { status, headers: rest, body, overhead: Number(length ?? 0) - Buffer.byteLength(text) };
}

function parsed(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}
