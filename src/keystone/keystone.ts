/**
 * The node's conversation with Keystone: one address, one credential, a token of its own for each scope. Everything
 * that keeps an answer from coming is `unavailable`; neither credential nor tokens appear in errors or log lines.
 * What the answers mean is known to those who ask.
 */
import { ImageError } from '#domain/errors.ts';
import type { Log } from '#lib/log.ts';
import { createKeystoneApi, type KeystoneApiOptions } from './api.ts';
import type { Credential } from './credential.ts';
import { createOwnTokens } from './own-token.ts';
import type { Keystone, KeystoneAnswer, KeystoneRequest, ServiceAccess } from './ports.ts';

export interface KeystoneOptions extends KeystoneApiOptions {
	readonly credential: Credential;
	readonly clock: () => number;
	readonly log: Log;
}

/** `invalid` when the file of authorities cannot be read; nothing is asked before the first `ask`. */
export function createKeystone(options: KeystoneOptions): Keystone & ServiceAccess & Disposable {
	const { credential, clock, log } = options;
	const api = createKeystoneApi(options);
	const own = createOwnTokens({ api, credential, clock, log });

	/** Undefined when Keystone does not take the node's token. */
	async function attempt(request: KeystoneRequest): Promise<KeystoneAnswer | undefined> {
		const { method, path, query, headers, body, scope = 'project', signal } = request;
		const token = await own.get(scope, signal);
		const search = query === undefined ? '' : `?${new URLSearchParams(query)}`;
		const answer = await api.send({
			method,
			path: `${path}${search}`,
			headers: { ...headers, 'x-auth-token': token },
			...(body !== undefined && { body }),
			signal,
		});
		if (answer.status !== 401) return answer;
		own.forget(scope, token);
		return undefined;
	}

	const saying = sayingOnce(log);
	return {
		ask: (request) =>
			saying(request.signal, async () => {
				const answer = (await attempt(request)) ?? (await attempt(request));
				if (answer === undefined) throw new ImageError('unavailable', "keystone does not take the node's own token");
				return answer;
			}),
		token: (signal) => saying(signal, () => own.get('project', signal)),
		forget: (token) => own.forget('project', token),
		[Symbol.dispose]: () => api[Symbol.dispose](),
	};
}

/** One log line when Keystone goes and one when it is back: a line for every request would bury everything else. */
function sayingOnce(log: Log) {
	let away = false;
	return async <T>(signal: AbortSignal, act: () => Promise<T>): Promise<T> => {
		try {
			const result = await act();
			if (away) log.info({}, 'keystone answers again');
			away = false;
			return result;
		} catch (error) {
			if (!away && !signal.aborted) {
				away = true;
				log.warn({ err: error }, 'keystone does not help');
			}
			throw error;
		}
	};
}
