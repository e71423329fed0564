/** Bounded JSON requests to Keystone and Cinder: in time, in bytes, in connections. No redirect is followed: a token goes where the operator said. */
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { getCACertificates } from 'node:tls';
import { ImageError } from '#domain/errors.ts';

const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const MAX_CONNECTIONS = 32;
/** Shorter than what servers usually grant, so that it is this side which hangs up. */
const IDLE_MS = 4000;
const ANSWER_MS = 60_000;

export interface JsonRequest {
	readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
	readonly url: string;
	readonly headers?: Readonly<Record<string, string>>;
	readonly body?: object | undefined;
	readonly signal: AbortSignal;
}

export interface JsonAnswer {
	readonly status: number;
	readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
	/** undefined when there is none, or it is not JSON */
	readonly body: unknown;
	/** there is a body, and it is not JSON */
	readonly garbled: boolean;
}

export interface JsonHttp extends Disposable {
	/** Any status resolves. `unavailable` when there is no answer within the limits. */
	send(request: JsonRequest): Promise<JsonAnswer>;
}

export function createJsonHttp({
	caFile,
	insecure,
}: {
	readonly caFile: string | undefined;
	readonly insecure: boolean;
}): JsonHttp {
	const shared = { keepAlive: true, maxSockets: MAX_CONNECTIONS, timeout: IDLE_MS };
	const http = new HttpAgent(shared);
	const https = new HttpsAgent({ ...shared, ca: authorities(caFile), rejectUnauthorized: !insecure });

	function once({ method, url, headers, body, signal }: JsonRequest): Promise<JsonAnswer> {
		const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
		const secure = url.startsWith('https:');
		return new Promise((resolve, reject) => {
			const request = (secure ? httpsRequest : httpRequest)(url, {
				method,
				agent: secure ? https : http,
				signal,
				headers: {
					accept: 'application/json',
					...(bytes && { 'content-type': 'application/json', 'content-length': String(bytes.length) }),
					...headers,
				},
			});
			request.on('error', reject);
			request.on('response', (response) => readAnswer(response).then(resolve, reject));
			request.end(bytes);
		});
	}

	return {
		async send(request) {
			const deadline = AbortSignal.timeout(ANSWER_MS);
			const signal = AbortSignal.any([request.signal, deadline]);
			try {
				return await once({ ...request, signal });
			} catch (error) {
				request.signal.throwIfAborted();
				if (error instanceof ImageError) throw error;
				const why = deadline.aborted ? `does not answer within ${ANSWER_MS / 1000} s` : 'cannot be reached';
				throw new ImageError('unavailable', `the cloud's API ${why}`, { cause: error });
			}
		},
		[Symbol.dispose]() {
			http.destroy();
			https.destroy();
		},
	};
}

async function readAnswer(response: IncomingMessage): Promise<JsonAnswer> {
	const pieces: Buffer[] = [];
	let length = 0;
	for await (const piece of response as AsyncIterable<Buffer>) {
		length += piece.length;
		// leaving the loop destroys the connection
		if (length > MAX_ANSWER_BYTES) throw new ImageError('store-failed', `an answer is longer than ${MAX_ANSWER_BYTES} bytes`);
		pieces.push(piece);
	}
	const body = parsed(Buffer.concat(pieces));
	return { status: response.statusCode ?? 0, headers: response.headers, body, garbled: length > 0 && body === undefined };
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
		throw new ImageError('store-failed', 'the file of cinder_ca_certificates_file cannot be read', { cause });
	}
}
