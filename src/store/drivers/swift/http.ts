/**
 * HTTP to the servers of one Swift store, bounded in connections and, for answers that are read whole, in time and bytes. No redirect is
 * followed and no proxy is asked: a token goes where the operator said. Errors name neither addresses nor headers.
 */
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { ImageError } from '#domain/errors.ts';
import { authorities, readBounded } from '#lib/service-http.ts';
import { OptionError } from '#store/options.ts';
import { bodyHeaders, type Exchange, exchange, type RequestBody, SourceFailure, StaleConnection } from './exchange.ts';

const MAX_CONNECTIONS = 256;
const MAX_IDLE_CONNECTIONS = 16;
/** Shorter than what servers and balancers usually grant, so that it is this side which hangs up. */
const IDLE_MS = 4000;
/** A page of a container's listing is the longest of them. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const ANSWER_MS = 60_000;

export interface HttpRequest {
	readonly method: string;
	readonly url: string;
	readonly headers: Readonly<Record<string, string>>;
	readonly body?: RequestBody;
	readonly signal: AbortSignal;
}

export interface HttpAnswer {
	readonly status: number;
	/** by lower-case name; undefined when absent */
	header(name: string): string | undefined;
	readonly body: Buffer;
}

export interface Http extends Disposable {
	/** The answer, read whole. Any status resolves. */
	ask(request: HttpRequest): Promise<HttpAnswer>;
	/** The answer's head as soon as it comes; who does not read its body destroys it. */
	open(request: HttpRequest): Promise<IncomingMessage>;
}

export function createHttp({ caFile, insecure }: { readonly caFile: string | undefined; readonly insecure: boolean }): Http {
	const shared = { keepAlive: true, maxSockets: MAX_CONNECTIONS, maxFreeSockets: MAX_IDLE_CONNECTIONS, timeout: IDLE_MS };
	const http = new HttpAgent(shared);
	const https = new HttpsAgent({ ...shared, ca: authoritiesOf(caFile), rejectUnauthorized: !insecure });

	function begin({ method, url, headers, body, signal }: HttpRequest): ClientRequest {
		const secure = url.startsWith('https:');
		const options = { method, agent: secure ? https : http, signal, headers: { ...headers, ...bodyHeaders(body) } };
		return (secure ? httpsRequest : httpRequest)(url, options);
	}

	async function start(request: HttpRequest): Promise<Exchange> {
		try {
			return await onLiveConnection(request);
		} catch (error) {
			request.signal.throwIfAborted();
			throw error instanceof SourceFailure ? error.cause : inStoreTerms(error);
		}
	}

	/** A kept connection that the server had closed meanwhile says nothing of the server; nor does the next one. */
	async function onLiveConnection(request: HttpRequest): Promise<Exchange> {
		for (;;) {
			request.signal.throwIfAborted();
			try {
				return await exchange(begin(request), request.body);
			} catch (error) {
				if (!(error instanceof StaleConnection)) throw error;
			}
		}
	}

	return {
		open: async (request) => (await start(request)).response,
		async ask(request) {
			const deadline = AbortSignal.timeout(ANSWER_MS);
			const signal = AbortSignal.any([request.signal, deadline]);
			try {
				return await readWhole(await start({ ...request, signal }));
			} catch (error) {
				request.signal.throwIfAborted();
				if (deadline.aborted) throw new ImageError('unavailable', `swift did not answer within ${ANSWER_MS / 1000} s`);
				throw inStoreTerms(error);
			}
		},
		[Symbol.dispose]() {
			http.destroy();
			https.destroy();
		},
	};
}

function authoritiesOf(caFile: string | undefined): string[] {
	try {
		return authorities(caFile);
	} catch (error) {
		throw new OptionError(`option swift_store_cacert: ${(error as NodeJS.ErrnoException).code}`);
	}
}

async function readWhole({ request, response }: Exchange): Promise<HttpAnswer> {
	const status = response.statusCode ?? 0;
	const body = await readBody(response);
	if (!request.writableFinished) {
		// answered before it had all: the connection is of no more use
		request.destroy();
		if (status < 300) throw new ImageError('store-failed', `swift answers ${status} before it has all`);
	}
	return { status, header: headerOf(response), body };
}

async function readBody(response: IncomingMessage): Promise<Buffer> {
	const body = await readBounded(response, MAX_ANSWER_BYTES);
	if (body === undefined) throw new ImageError('store-failed', `swift answers more than ${MAX_ANSWER_BYTES} bytes`);
	return body;
}

export function headerOf(response: IncomingMessage): HttpAnswer['header'] {
	return (name) => {
		const value = response.headers[name];
		return typeof value === 'string' ? value : value?.[0];
	};
}

/** An answer that is no HTTP and a certificate that is not trusted do not get better by asking again. */
export function inStoreTerms(error: unknown): unknown {
	const code = (error as NodeJS.ErrnoException).code;
	if (error instanceof ImageError || typeof code !== 'string' || /^ERR_(?!STREAM|SSL|TLS)/.test(code)) return error;
	if (code.startsWith('HPE_')) return new ImageError('store-failed', 'swift answers something that is no HTTP', { cause: error });
	if (/CERT|^ERR_TLS|^UNABLE_TO|^ERR_SSL/.test(code))
		return new ImageError('store-failed', 'no trusted connection to swift can be made', { cause: error });
	return new ImageError('unavailable', 'swift cannot be reached', { cause: error });
}
