import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { getRequestListener, RequestError } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Hono } from 'hono';
import { codeOf, ImageError } from '#domain/errors.ts';
import type { Log } from '#lib/log.ts';
import type { AppEnv } from './env.ts';
import { misframed, refuse } from './framing.ts';
import { createNewcomers } from './newcomers.ts';
import { createTurns } from './turns.ts';

export interface HttpLimits {
	/** a client must have sent its headers by then */
	readonly headersTimeoutMs: number;
	/** an idle connection is kept for so long */
	readonly keepAliveMs: number;
	/** of request line and headers together */
	readonly maxHeaderBytes: number;
	/** of one request */
	readonly maxHeaders: number;
	readonly maxConnections: number;
	/** of one address, connections that have not sent a request yet: one more closes the oldest */
	readonly maxNewcomers: number;
	/** of one connection, requests that wait for the answers before them: one more ends it */
	readonly maxPipelined: number;
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = {
	headersTimeoutMs: 10_000,
	keepAliveMs: 15_000,
	maxHeaderBytes: 16 * 1024,
	maxHeaders: 128,
	maxConnections: 4096,
	maxNewcomers: 64,
	maxPipelined: 16,
};

export interface HttpServerOptions {
	readonly app: Hono<AppEnv>;
	readonly host: string;
	/** 0 picks a free one */
	readonly port: number;
	readonly log: Log;
	readonly limits?: Partial<HttpLimits>;
}

export interface HttpServer {
	/** as a client on this machine would write it: http://127.0.0.1:9292 */
	readonly url: string;
	/** Takes no new connection, closes the idle ones at once and the busy ones when they are done, or after `graceMs`. */
	close(graceMs: number): Promise<void>;
}

/** Listens. `conflict` when the address is in use, `invalid` when it is not one of this machine or not ours to take. */
export async function startHttpServer({ app, host, port, log, limits }: HttpServerOptions): Promise<HttpServer> {
	const effective = { ...DEFAULT_HTTP_LIMITS, ...limits };
	const server = createServer({
		headersTimeout: effective.headersTimeoutMs,
		// uploads may last; their pace is watched where they are read
		requestTimeout: 0,
		connectionsCheckingInterval: 2000,
		keepAliveTimeout: effective.keepAliveMs,
		maxHeaderSize: effective.maxHeaderBytes,
		noDelay: true,
	});
	server.maxConnections = effective.maxConnections;
	// the parser would leave out headers beyond this number without a word: they are counted where they can be refused
	server.maxHeadersCount = 0;
	const newcomers = createNewcomers(effective.maxNewcomers);
	server.on('connection', newcomers.arrived);
	const inTurn = createTurns(effective.maxPipelined);
	const answer = listenerOf(app, log);
	server.on('request', (incoming, outgoing) => {
		newcomers.spoke(incoming.socket);
		inTurn(incoming, outgoing, () => {
			const refusal = misframed(incoming, effective.maxHeaders);
			if (refusal === undefined) answer(incoming, outgoing);
			else refuse(outgoing, refusal);
		});
	});
	// 100 Continue is sent by whoever reads the body, after all checks have passed
	server.on('checkContinue', (incoming, outgoing) => server.emit('request', incoming, outgoing));
	// Node would answer other expectations itself, past all that is looked at here. RFC 9110 §10.1.1 lets them be ignored.
	server.on('checkExpectation', (incoming, outgoing) => server.emit('request', incoming, outgoing));
	await listen(server, host, port);
	return { url: urlOf(server), close: (graceMs) => close(server, graceMs, newcomers.closeAll) };
}

type Listener = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

function listenerOf(app: Hono<AppEnv>, log: Log): Listener {
	return getRequestListener(
		async (request, env) => {
			const response = await app.fetch(request, env);
			// whoever wrote to the socket has answered, whatever became of the value on its way out
			return env.outgoing.headersSent ? RESPONSE_ALREADY_SENT : response;
		},
		{
			autoCleanupIncoming: false,
			// for the old protocol, which has no Host
			hostname: 'localhost',
			errorHandler: (error) => {
				if (error instanceof RequestError)
					return new Response('400 Bad Request\n\nthe request is malformed\n\n   ', { status: 400 });
				log.error({ err: error }, 'request failed');
				return new Response('500 Internal Server Error\n\n   ', { status: 500 });
			},
		},
	);
}

async function listen(server: Server, host: string, port: number): Promise<void> {
	server.listen({ host, port });
	try {
		await once(server, 'listening');
	} catch (cause) {
		throw listenError(cause, `${host}:${port}`);
	}
}

function listenError(cause: unknown, address: string): ImageError {
	if (codeOf(cause) !== undefined) return cause as ImageError;
	const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
	if (code === 'EADDRINUSE') return new ImageError('conflict', `address ${address} is in use`, { cause });
	if (code === 'EACCES') return new ImageError('invalid', `address ${address} may not be listened on by this user`, { cause });
	return new ImageError('invalid', `address ${address} cannot be listened on`, { cause });
}

function urlOf(server: Server): string {
	const address = server.address();
	if (address === null || typeof address === 'string') throw new TypeError('the server listens on no TCP address');
	return `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
}

async function close(server: Server, graceMs: number, closeNewcomers: () => void): Promise<void> {
	if (!server.listening) return;
	const closed = once(server, 'close');
	server.close();
	// Node takes a connection that has not asked for anything yet for a busy one
	closeNewcomers();
	// a connection becomes idle when its answer is out; from now on that is its end
	const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
	const grace = setTimeout(() => server.closeAllConnections(), graceMs);
	await closed;
	clearInterval(sweep);
	clearTimeout(grace);
}

const SWEEP_MS = 20;
