/** Bounded requests to one Barbican: in time, in bytes, in connections. No redirect is followed. */
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { getCACertificates } from 'node:tls';
import { ImageError } from '#domain/errors.ts';
import { MAX_ANSWER_BYTES, type SecretAnswer, type SecretRequest } from './ports.ts';

/** Requests wait for each other beyond this, within their own time. */
const MAX_CONNECTIONS = 8;

export interface BarbicanHttpOptions {
	/** of one request, its time in the queue included */
	readonly timeoutMs: number;
	/** absent: the authorities of Node and of the system */
	readonly caFile?: string;
	/** true: certificates are not checked */
	readonly insecure: boolean;
}

export interface BarbicanHttp extends Disposable {
	/** Any status resolves; a body that is too long is `unreadable`. `unavailable` when there is no answer in time; an abort is thrown as it is. */
	ask(method: SecretRequest['method'], url: string, headers: Headers, signal: AbortSignal): Promise<SecretAnswer | 'unreadable'>;
}

type Headers = Readonly<Record<string, string>>;

/** `invalid` when the file of authorities cannot be read. */
export function createBarbicanHttp({ timeoutMs, caFile, insecure }: BarbicanHttpOptions): BarbicanHttp {
	const plain = new HttpAgent({ maxSockets: MAX_CONNECTIONS });
	const own = caFile === undefined ? undefined : [readAuthorities(caFile)];
	let madeSecure: HttpsAgent | undefined;
	// reading the system's authorities takes a while, and most nodes never see an image that needs it
	const secure = () => {
		madeSecure ??= new HttpsAgent({
			maxSockets: MAX_CONNECTIONS,
			ca: own ?? [...getCACertificates('default'), ...getCACertificates('system')],
			rejectUnauthorized: !insecure,
		});
		return madeSecure;
	};

	function once(url: string, options: { readonly method: string; readonly headers: Headers; readonly signal: AbortSignal }) {
		return new Promise<SecretAnswer | 'unreadable'>((resolve, reject) => {
			const request = url.startsWith('https:')
				? httpsRequest(url, { ...options, agent: secure() })
				: httpRequest(url, { ...options, agent: plain });
			request.on('error', reject);
			request.on('response', (response) => readAnswer(response).then(resolve, reject));
			request.end();
		});
	}

	return {
		async ask(method, url, headers, outer) {
			const deadline = AbortSignal.timeout(timeoutMs);
			try {
				return await once(url, { method, headers, signal: AbortSignal.any([outer, deadline]) });
			} catch (cause) {
				outer.throwIfAborted();
				const why = deadline.aborted ? `did not answer within ${timeoutMs} ms` : 'cannot be reached';
				throw new ImageError('unavailable', `barbican ${why}`, { cause });
			}
		},
		[Symbol.dispose]() {
			plain.destroy();
			madeSecure?.destroy();
		},
	};
}

async function readAnswer(response: IncomingMessage): Promise<SecretAnswer | 'unreadable'> {
	const pieces: Buffer[] = [];
	let length = 0;
	for await (const piece of response as AsyncIterable<Buffer>) {
		length += piece.length;
		// leaving the loop destroys the connection
		if (length > MAX_ANSWER_BYTES) return 'unreadable';
		pieces.push(piece);
	}
	return { status: response.statusCode ?? 0, body: Buffer.concat(pieces) };
}

function readAuthorities(caFile: string): string {
	try {
		return readFileSync(caFile, 'utf8');
	} catch (cause) {
		throw new ImageError('invalid', `the certificates of ${caFile} cannot be read`, { cause });
	}
}
