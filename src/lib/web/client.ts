/**
 * Asks servers of the web in the name of clients, who must not reach with a URL what they could not reach themselves: the
 * URL is filtered, all addresses of its host are looked at, and the connection goes to the very address that was; the
 * same again for each redirect. Proxies of the environment are not used.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { deadline } from '../deadline.ts';
import { orLeft } from '../or-left.ts';
import { parseRedirect, parseWebAddress, type WebAddress, type WebFilter } from './address.ts';
import { askAt, type TlsTrust, type WebAnswer } from './pinned-request.ts';
import { addressesOfThisMachine, isReachable } from './reach.ts';
import { WebError } from './web-error.ts';

export interface WebClient {
	/** `invalid` for a URL that would not be asked. Resolves its host, and connects to nobody. */
	check(url: string, signal: AbortSignal): Promise<void>;
	/** Resolves when the head of the last answer has come; the caller must iterate the body, or dispose. */
	ask(url: string, question: WebQuestion): Promise<WebAnswer>;
}

export interface WebQuestion {
	/** default GET */
	readonly method?: 'GET' | 'HEAD';
	readonly headers?: Readonly<Record<string, string>>;
	/** the value of `authorization`: for the scheme, host and port of the first URL, and for nobody that it redirects to */
	readonly authorization?: string;
	/** ends the body, too */
	readonly signal: AbortSignal;
}

export interface WebClientOptions {
	readonly filter?: WebFilter;
	readonly redirects: { readonly most: number; readonly statuses: readonly number[] };
	/** until the head of an answer; for each redirect anew. Default 30 s */
	readonly answerMs?: number;
	readonly tls?: TlsTrust;
	/** by default as this machine resolves names */
	readonly resolve?: (host: string) => Promise<readonly string[]>;
	/** asked before each connection; by default those of all interfaces */
	readonly ownAddresses?: () => readonly string[];
}

export function createWebClient(options: WebClientOptions): WebClient {
	const { filter = {}, redirects, answerMs = 30_000, tls = {}, resolve = resolveHere } = options;
	const { ownAddresses = addressesOfThisMachine } = options;

	/** The address to connect to. One that may not be reached is enough to refuse the host: which one answers is not ours to choose. */
	async function pin({ host, trusted }: WebAddress, signal: AbortSignal): Promise<string> {
		const addresses = isIP(host) === 0 ? await resolved(host, signal) : [host];
		const own = ownAddresses();
		const [first] = addresses;
		if (first === undefined || !(trusted || addresses.every((address) => isReachable(address, own))))
			throw new WebError('invalid', `nothing is fetched from ${host}: its address is not allowed, or it has none`);
		return first;
	}

	async function resolved(host: string, signal: AbortSignal): Promise<readonly string[]> {
		using limit = deadline(answerMs, new WebError('timeout', `the name ${host} was not resolved in time`), signal);
		try {
			return await orLeft(resolve(host), limit.signal);
		} catch (error) {
			if (limit.signal.aborted) throw limit.signal.reason;
			throw new WebError('invalid', `nothing is fetched from ${host}: the name cannot be resolved`, { cause: error });
		}
	}

	return {
		async check(url, signal) {
			await pin(parseWebAddress(url, filter), signal);
		},
		async ask(url, { method = 'GET', headers = {}, authorization, signal }) {
			const first = parseWebAddress(url, filter);
			let target = first;
			for (let hops = 0; ; hops += 1) {
				const isOwed = authorization !== undefined && target.url.origin === first.url.origin;
				const answer = await askAt(target, await pin(target, signal), {
					method,
					headers: isOwed ? { ...headers, authorization } : headers,
					tls,
					answerMs,
					signal,
				});
				const { location } = answer.headers;
				if (!redirects.statuses.includes(answer.status) || location === undefined) return answer;
				answer[Symbol.dispose]();
				if (hops === redirects.most) throw new WebError('invalid', `more than ${redirects.most} redirects`);
				target = parseRedirect(location, target, filter);
			}
		},
	};
}

/** With a dot at its end, so that no search list of this machine makes another name of it. */
async function resolveHere(host: string): Promise<readonly string[]> {
	return (await lookup(`${host}.`, { all: true, verbatim: true })).map(({ address }) => address);
}
