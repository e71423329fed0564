/** Bounded requests to one server: in time, in bytes, in connections. No redirect is followed, no proxy is asked. */
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { getCACertificates } from 'node:tls';
import { ImageError } from '#domain/errors.ts';

/** A token's catalogue is tens of kilobytes; more than this is no answer to anything asked here. */
const MAX_ANSWER_BYTES = 1024 * 1024;
/** As many as a busy node keeps busy; further requests wait for one of them, within their own time. */
const MAX_CONNECTIONS = 32;
const MAX_IDLE_CONNECTIONS = 8;
/** Shorter than what servers and balancers usually grant, so that it is this side which hangs up. */
const IDLE_MS = 4000;

export interface HttpClientOptions {
	/** without a slash at the end */
	readonly url: string;
	/** of one request, its time in the queue included */
	readonly timeoutMs: number;
	/** absent: the authorities of Node and of the system */
	readonly caFile?: string;
	/** true: certificates are not checked */
	readonly insecure: boolean;
}

export interface HttpRequest {
	readonly method: string;
	/** appended to `url` as it is */
	readonly path: string;
	readonly headers: Readonly<Record<string, string>>;
	/** sent as JSON */
	readonly body?: object;
	/** may be sent again when a kept connection turns out to be dead */
	readonly repeatable: boolean;
	readonly signal: AbortSignal;
}

export interface HttpAnswer {
	readonly status: number;
	readonly headers: Headers;
	/** undefined when it is not JSON */
	readonly body: unknown;
}

export interface HttpClient extends Disposable {
	/** Any status resolves. `unavailable` when there is no answer, or none within the limits; an abort is thrown as it is. */
	send(request: HttpRequest): Promise<HttpAnswer>;
}

export function createHttpClient({ url, timeoutMs, caFile, insecure }: HttpClientOptions): HttpClient {
	const secure = url.startsWith('https:');
	const shared = { keepAlive: true, maxSockets: MAX_CONNECTIONS, maxFreeSockets: MAX_IDLE_CONNECTIONS, timeout: IDLE_MS };
	const agent = secure
		? new HttpsAgent({ ...shared, ca: authorities(caFile), rejectUnauthorized: !insecure })
		: new HttpAgent(shared);
	const start = secure ? httpsRequest : httpRequest;

	function once({ method, path, headers, body }: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
		const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
		return new Promise((resolve, reject) => {
			const request = start(`${url}${path}`, {
				method,
				agent,
				signal,
				headers: {
					accept: 'application/json',
					...(bytes && { 'content-type': 'application/json', 'content-length': bytes.length }),
					...headers,
				},
			});
			request.on('error', (error) => reject(request.reusedSocket ? new StaleConnection(error) : error));
			request.on('response', (response) => readAnswer(response).then(resolve, reject));
			request.end(bytes);
		});
	}

	return {
		async send(request) {
			const deadline = AbortSignal.timeout(timeoutMs);
			const signal = AbortSignal.any([request.signal, deadline]);
			const attempt = () => once(request, signal);
			try {
				return await attempt().catch((error: unknown) => {
					if (!(error instanceof StaleConnection && request.repeatable) || signal.aborted) throw error;
					return attempt();
				});
			} catch (error) {
				request.signal.throwIfAborted();
				if (error instanceof ImageError) throw error;
				if (deadline.aborted) throw new ImageError('unavailable', `keystone did not answer within ${timeoutMs} ms`);
				const cause = error instanceof StaleConnection ? error.cause : error;
				throw new ImageError('unavailable', 'keystone cannot be reached', { cause });
			}
		},
		[Symbol.dispose]: () => agent.destroy(),
	};
}

/** A kept connection that the server had closed meanwhile: says nothing of the server. */
class StaleConnection extends Error {
	constructor(cause: Error) {
		super(cause.message, { cause });
	}
}

async function readAnswer(response: IncomingMessage): Promise<HttpAnswer> {
	const pieces: Buffer[] = [];
	let length = 0;
	for await (const piece of response as AsyncIterable<Buffer>) {
		length += piece.length;
		// leaving the loop destroys the connection
		if (length > MAX_ANSWER_BYTES)
			throw new ImageError('unavailable', `keystone's answer is longer than ${MAX_ANSWER_BYTES} bytes`);
		pieces.push(piece);
	}
	return { status: response.statusCode ?? 0, headers: headersOf(response), body: parsed(Buffer.concat(pieces)) };
}

function headersOf(response: IncomingMessage): Headers {
	const headers = new Headers();
	for (const [name, values = []] of Object.entries(response.headersDistinct))
		for (const value of values) headers.append(name, value);
	return headers;
}

/** What JSON.parse complains about quotes the text, in which there may be a token: it stays here. */
function parsed(bytes: Buffer): unknown {
	try {
		return JSON.parse(bytes.toString());
	} catch {
		return undefined;
	}
}

function authorities(caFile: string | undefined): string[] {
	if (caFile === undefined) return [...getCACertificates('default'), ...getCACertificates('system')];
	try {
		return [readFileSync(caFile, 'utf8')];
	} catch (cause) {
		throw new ImageError('invalid', `the certificates of ${caFile} cannot be read`, { cause });
	}
}
