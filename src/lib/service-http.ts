/**
 * Bounded requests to a service whose address the operator gave: in time, in bytes, in connections. No redirect is
 * followed and no proxy is asked: a token goes where the operator said. What clients name is asked for by #lib/web/client.ts.
 */
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { getCACertificates } from 'node:tls';

/** As many as a busy node keeps busy; further requests wait for one of them, within their own time. */
const MAX_CONNECTIONS = 32;
const MAX_IDLE_CONNECTIONS = 8;
/** Shorter than what servers and balancers usually grant, so that it is this side which hangs up. */
const IDLE_MS = 4000;
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE']);

export interface ServiceHttpOptions {
	/** what errors call it: keystone, cinder, … */
	readonly service: string;
	/** of one request, its time in the queue included */
	readonly timeoutMs: number;
	readonly maxAnswerBytes: number;
	/** default 32 */
	readonly maxConnections?: number;
	/** PEM; absent: the authorities of Node and of the system */
	readonly caFile?: string | undefined;
	/** true: certificates are not checked */
	readonly insecure: boolean;
}

export interface ServiceRequest {
	readonly method: string;
	readonly url: string;
	readonly headers?: Readonly<Record<string, string>>;
	/** sent as JSON */
	readonly body?: object | undefined;
	/** It may be sent again when a kept connection turns out to be dead; default: what is idempotent may (RFC 9110 §9.2.2). */
	readonly repeatable?: boolean;
	readonly signal: AbortSignal;
}

export interface ServiceAnswer {
	readonly status: number;
	readonly headers: Headers;
	readonly body: Buffer;
}

export interface ServiceHttp extends Disposable {
	/** Any status resolves. `ServiceError` when there is no answer, or none within the limits; an abort is thrown as it is. */
	send(request: ServiceRequest): Promise<ServiceAnswer>;
}

/** `unavailable`: nobody answers in time; `unreadable`: the answer is too long. Messages name the service, not its address. */
export class ServiceError extends Error {
	override readonly name = 'ServiceError';
	readonly code: 'unavailable' | 'unreadable';

	constructor(code: ServiceError['code'], message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}

/** Throws the file system's error when the file of authorities cannot be read. */
export function createServiceHttp(options: ServiceHttpOptions): ServiceHttp {
	const { service, timeoutMs, maxAnswerBytes, maxConnections = MAX_CONNECTIONS, caFile, insecure } = options;
	const shared = { keepAlive: true, maxSockets: maxConnections, maxFreeSockets: MAX_IDLE_CONNECTIONS, timeout: IDLE_MS };
	const plain = new HttpAgent(shared);
	const own = caFile === undefined ? undefined : authorities(caFile);
	let madeSecure: HttpsAgent | undefined;
	// reading the system's authorities takes a while, and many a service is asked in the clear
	const secure = () => {
		madeSecure ??= new HttpsAgent({ ...shared, ca: own ?? authorities(), rejectUnauthorized: !insecure });
		return madeSecure;
	};

	function once({ method, url, headers, body }: ServiceRequest, signal: AbortSignal): Promise<ServiceAnswer> {
		const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
		const toSend = {
			method,
			signal,
			headers: {
				accept: 'application/json',
				...(bytes && { 'content-type': 'application/json', 'content-length': String(bytes.length) }),
				...headers,
			},
		};
		return new Promise((resolve, reject) => {
			const request = url.startsWith('https:')
				? httpsRequest(url, { ...toSend, agent: secure() })
				: httpRequest(url, { ...toSend, agent: plain });
			request.on('error', (error) => reject(request.reusedSocket ? new StaleConnection(error) : error));
			request.on('response', (response) => answerOf(response).then(resolve, reject));
			request.end(bytes);
		});
	}

	async function answerOf(response: IncomingMessage): Promise<ServiceAnswer> {
		const body = await readBounded(response, maxAnswerBytes);
		if (body === undefined) throw new ServiceError('unreadable', `${service}'s answer is longer than ${maxAnswerBytes} bytes`);
		return { status: response.statusCode ?? 0, headers: headersOf(response), body };
	}

	/** A dead connection says nothing of the service; the next one kept may be dead as well, a new one is not of that kind. */
	async function onLiveConnection(request: ServiceRequest, signal: AbortSignal): Promise<ServiceAnswer> {
		const repeatable = request.repeatable ?? IDEMPOTENT.has(request.method);
		for (;;) {
			try {
				return await once(request, signal);
			} catch (error) {
				if (!(error instanceof StaleConnection && repeatable) || signal.aborted) throw error;
			}
		}
	}

	return {
		async send(request) {
			const deadline = AbortSignal.timeout(timeoutMs);
			const signal = AbortSignal.any([request.signal, deadline]);
			try {
				return await onLiveConnection(request, signal);
			} catch (error) {
				request.signal.throwIfAborted();
				if (error instanceof ServiceError) throw error;
				const why = deadline.aborted ? `did not answer within ${timeoutMs} ms` : 'cannot be reached';
				const cause = error instanceof StaleConnection ? error.cause : error;
				throw new ServiceError('unavailable', `${service} ${why}`, { cause });
			}
		},
		[Symbol.dispose]() {
			plain.destroy();
			madeSecure?.destroy();
		},
	};
}

/** Undefined when it is not JSON. What JSON.parse complains about quotes the text, in which there may be a token: it stays here. */
export function jsonIn(body: Buffer): unknown {
	try {
		return JSON.parse(body.toString());
	} catch {
		return undefined;
	}
}

/** Undefined, and the connection destroyed, when there are more bytes. */
export async function readBounded(response: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
	const pieces: Buffer[] = [];
	let length = 0;
	for await (const piece of response as AsyncIterable<Buffer>) {
		length += piece.length;
		// leaving the loop destroys the connection
		if (length > maxBytes) return undefined;
		pieces.push(piece);
	}
	return Buffer.concat(pieces);
}

/** PEM of those that may vouch for a server. Throws the file system's error. */
export function authorities(caFile?: string): string[] {
	if (caFile === undefined) return [...getCACertificates('default'), ...getCACertificates('system')];
	return [readFileSync(caFile, 'utf8')];
}

/** A kept connection that the server had closed meanwhile: says nothing of the server. */
class StaleConnection extends Error {
	constructor(cause: Error) {
		super(cause.message, { cause });
	}
}

function headersOf(response: IncomingMessage): Headers {
	const headers = new Headers();
	for (const [name, values = []] of Object.entries(response.headersDistinct))
		for (const value of values) headers.append(name, value);
	return headers;
}
