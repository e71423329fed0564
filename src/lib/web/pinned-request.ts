/** One request on a connection of its own, to one address and no other, whatever the host's name says by now. */
import * as http from 'node:http';
import * as https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { deadline } from '../deadline.ts';
import { orLeft } from '../or-left.ts';
import type { WebAddress } from './address.ts';
import { WebError } from './web-error.ts';

export interface TlsTrust {
	/** PEM; instead of the authorities that Node knows */
	readonly ca?: string;
	/** default true */
	readonly rejectUnauthorized?: boolean;
}

export interface PinnedQuestion {
	readonly method: 'GET' | 'HEAD';
	readonly headers: Readonly<Record<string, string>>;
	readonly tls: TlsTrust;
	readonly answerMs: number;
	/** ends the body, too */
	readonly signal: AbortSignal;
}

export interface WebAnswer extends Disposable {
	readonly status: number;
	readonly headers: http.IncomingHttpHeaders;
	/** Read once. One that ends before its length is `unavailable`; one that brings nothing for `stallMs` is `timeout`. */
	body(stallMs?: number): AsyncIterable<Uint8Array>;
}

const MAX_HEAD_BYTES = 16 * 1024;

export async function askAt({ url, host }: WebAddress, address: string, question: PinnedQuestion): Promise<WebAnswer> {
	const { method, headers, tls, answerMs, signal: outer } = question;
	using limit = deadline(answerMs, new WebError('timeout', `${host} did not answer in time`), outer);
	const { signal } = limit;
	const { request: begin, Agent } = url.protocol === 'https:' ? https : http;
	const request = begin(url, {
		method,
		// an agent of its own, since the global one may be told of proxies by the environment
		agent: new Agent({ keepAlive: false }),
		lookup: always(address),
		headers: { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'sundog', ...headers },
		maxHeaderSize: MAX_HEAD_BYTES,
		...tls,
	});
	const head = Promise.withResolvers<http.IncomingMessage>();
	request.once('response', head.resolve);
	// Stays for good: what happens to the connection later is told by the body.
	request.on('error', head.reject);
	request.end();
	try {
		const message = await orLeft(head.promise, signal);
		return {
			status: message.statusCode ?? 0,
			headers: message.headers,
			body: (stallMs) => bodyOf(message, stallMs, outer),
			[Symbol.dispose]: () => void request.destroy(),
		};
	} catch (cause) {
		request.destroy();
		if (signal.aborted) throw signal.reason;
		const why = isDistrust(cause) ? 'shows a certificate that is not trusted here' : 'cannot be reached';
		throw new WebError('unavailable', `${host} ${why}`, { cause });
	}
}

/** By the names that OpenSSL and Node give what is wrong with a certificate. */
function isDistrust(error: unknown): boolean {
	return /CERT|LEAF_SIGNATURE/.test((error as NodeJS.ErrnoException).code ?? '');
}

function always(address: string): LookupFunction {
	const family = isIP(address);
	return (_host, { all }, done) => {
		if (all === true) done(null, [{ address, family }]);
		else done(null, address, family);
	};
}

/** The clock of a stall runs only while a chunk is asked for: a slow reader is no slow server. */
async function* bodyOf(
	message: http.IncomingMessage,
	stallMs: number | undefined,
	signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
	const leave = (): void => void message.destroy(signal.reason);
	const stall = (): void => void message.destroy(new WebError('timeout', 'the server sent nothing for too long'));
	const chunks = message[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
	if (signal.aborted) leave();
	signal.addEventListener('abort', leave, { once: true });
	try {
		for (;;) {
			const clock = stallMs === undefined ? undefined : setTimeout(stall, stallMs);
			const chunk = await chunks.next().finally(() => clearTimeout(clock));
			if (chunk.done === true) return;
			yield chunk.value;
		}
	} catch (cause) {
		if (signal.aborted) throw signal.reason;
		throw cause instanceof WebError ? cause : new WebError('unavailable', 'the connection broke off', { cause });
	} finally {
		signal.removeEventListener('abort', leave);
		message.destroy();
	}
}
