/**
 * Bytes from the web, for clients who name a URL and must not reach with it what they could not reach themselves: the
 * URL is filtered, all addresses of its host are looked at, and the connection goes to the very address that was; the
 * same again for each redirect. Proxies of the environment are not used. `docs/operating.md`, "Tasks".
 */
import { lookup } from 'node:dns/promises';
import * as http from 'node:http';
import * as https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { ImageError } from '#domain/errors.ts';
import { orLeft } from '#lib/or-left.ts';
import { type ImportFiltering, parseRedirect, parseWebAddress, type WebAddress } from './web-filter.ts';
import { isReachable } from './web-reach.ts';

export interface WebSource {
	/** `invalid` for a URL that would not be fetched from. Resolves its host, and connects to nobody. */
	check(url: string, options: { readonly signal: AbortSignal }): Promise<void>;
	/**
	 * What is there. Resolves when the answer's head has come: the caller must then iterate `data`, or dispose.
	 * `invalid` for an answer that is no 200, or that is encoded; `unavailable` when there is none; `timeout`.
	 */
	open(url: string, options: { readonly signal: AbortSignal }): Promise<WebBody>;
}

export interface WebBody extends Disposable {
	/** bytes, when the server said so */
	readonly size: number | undefined;
	/** Read once. A body that ends before its size is `unavailable`. */
	readonly data: AsyncIterable<Uint8Array>;
}

export interface WebSourceOptions {
	readonly filtering?: ImportFiltering;
	/** until the head of an answer; for each redirect anew. Default 30 s */
	readonly answerMs?: number;
	/** a body that brings nothing for so long is given up. Default 60 s */
	readonly stallMs?: number;
	/** for everything. Default one day */
	readonly wholeMs?: number;
	/** by default as this machine resolves names */
	readonly resolve?: (host: string) => Promise<readonly string[]>;
}

const MAX_REDIRECTS = 3;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const DAY_MS = 86_400_000;

export function createWebSource(options: WebSourceOptions = {}): WebSource {
	const { filtering = {}, answerMs = 30_000, stallMs = 60_000, wholeMs = DAY_MS, resolve = resolveHere } = options;

	/** The address to connect to. One that may not be reached is enough to refuse the host: which one answers is not ours to choose. */
	async function pin({ host, trusted }: WebAddress, signal: AbortSignal): Promise<string> {
		const addresses = isIP(host) === 0 ? await resolved(host, signal) : [host];
		const [first] = addresses;
		if (first === undefined || !(trusted || addresses.every(isReachable)))
			throw new ImageError('invalid', `nothing is fetched from ${host}: its address is not allowed, or it has none`);
		return first;
	}

	async function resolved(host: string, signal: AbortSignal): Promise<readonly string[]> {
		using limit = deadline(answerMs, `the name ${host} was not resolved in time`, signal);
		try {
			return await orLeft(resolve(host), limit.signal);
		} catch (error) {
			if (limit.signal.aborted) throw limit.signal.reason;
			throw new ImageError('invalid', `nothing is fetched from ${host}: the name cannot be resolved`, { cause: error });
		}
	}

	async function follow(text: string, signal: AbortSignal): Promise<Answer> {
		let target = parseWebAddress(text, filtering);
		for (let hops = 0; ; hops += 1) {
			const answer = await ask(target, await pin(target, signal), answerMs, signal);
			const { statusCode = 0, headers } = answer.message;
			if (!REDIRECTS.has(statusCode) || headers.location === undefined) return answer;
			answer[Symbol.dispose]();
			if (hops === MAX_REDIRECTS) throw new ImageError('invalid', `more than ${MAX_REDIRECTS} redirects`);
			target = parseRedirect(headers.location, target, filtering);
		}
	}

	return {
		async check(url, { signal }) {
			await pin(parseWebAddress(url, filtering), signal);
		},
		async open(url, { signal }) {
			using opening = new DisposableStack();
			const whole = opening.use(deadline(wholeMs, 'the fetch took too long', signal));
			const answer = opening.use(await follow(url, whole.signal));
			const size = sizeOf(answer.message);
			const open = opening.move();
			return { size, data: bodyOf(answer.message, stallMs, whole.signal), [Symbol.dispose]: () => open.dispose() };
		},
	};
}

/** Disposal ends its connection. */
interface Answer extends Disposable {
	readonly message: http.IncomingMessage;
}

/** One request on a connection of its own, to the address and no other, whatever the name says by now. */
async function ask({ url, host }: WebAddress, address: string, answerMs: number, outer: AbortSignal): Promise<Answer> {
	using limit = deadline(answerMs, `${host} did not answer in time`, outer);
	const { signal } = limit;
	const { request: begin, Agent } = url.protocol === 'https:' ? https : http;
	const request = begin(url, {
		// an agent of its own, since the global one may be told of proxies by the environment
		agent: new Agent({ keepAlive: false }),
		lookup: always(address),
		headers: { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'sundog' },
		maxHeaderSize: 16 * 1024,
	});
	const head = Promise.withResolvers<http.IncomingMessage>();
	request.once('response', head.resolve);
	// Stays for good: what happens to the connection later is told by the body.
	request.on('error', head.reject);
	request.end();
	try {
		return { message: await orLeft(head.promise, signal), [Symbol.dispose]: () => void request.destroy() };
	} catch (cause) {
		request.destroy();
		if (signal.aborted) throw signal.reason;
		throw new ImageError('unavailable', `${host} cannot be reached`, { cause });
	}
}

function always(address: string): LookupFunction {
	const family = isIP(address);
	return (_host, { all }, done) => {
		if (all === true) done(null, [{ address, family }]);
		else done(null, address, family);
	};
}

function sizeOf({ statusCode, headers }: http.IncomingMessage): number | undefined {
	if (statusCode !== 200) throw new ImageError('invalid', `the server answered ${statusCode} instead of 200`);
	const encoding = headers['content-encoding'] ?? 'identity';
	if (encoding !== 'identity')
		throw new ImageError('invalid', 'the server answered with encoded content, which was not asked for');
	const length = headers['content-length'];
	return length === undefined || !/^\d{1,15}$/.test(length) ? undefined : Number(length);
}

/** The clock of a stall runs only while a chunk is asked for: a slow reader is no slow server. */
async function* bodyOf(message: http.IncomingMessage, stallMs: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
	const leave = (): void => void message.destroy(signal.reason);
	const chunks = message[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
	if (signal.aborted) leave();
	signal.addEventListener('abort', leave, { once: true });
	try {
		for (;;) {
			const stalled = setTimeout(
				() => message.destroy(new ImageError('timeout', 'the server sent nothing for too long')),
				stallMs,
			);
			const chunk = await chunks.next().finally(() => clearTimeout(stalled));
			if (chunk.done === true) return;
			yield chunk.value;
		}
	} catch (cause) {
		if (signal.aborted) throw signal.reason;
		throw cause instanceof ImageError ? cause : new ImageError('unavailable', 'the connection broke off', { cause });
	} finally {
		signal.removeEventListener('abort', leave);
		message.destroy();
	}
}

/** Fires with `outer` or after so long, until it is disposed. Does not keep a process alive. */
function deadline(ms: number, message: string, outer: AbortSignal): Disposable & { readonly signal: AbortSignal } {
	const late = new AbortController();
	const timer = setTimeout(() => late.abort(new ImageError('timeout', message)), ms).unref();
	return { signal: AbortSignal.any([outer, late.signal]), [Symbol.dispose]: () => clearTimeout(timer) };
}

/** With a dot at its end, so that no search list of this machine makes another name of it. */
async function resolveHere(host: string): Promise<readonly string[]> {
	return (await lookup(`${host}.`, { all: true, verbatim: true })).map(({ address }) => address);
}
