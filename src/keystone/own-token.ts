import { ImageError } from '#domain/errors.ts';
import { isoTime } from '#lib/iso-time.ts';
import type { Log } from '#lib/log.ts';
import { singleFlight } from '#lib/single-flight.ts';
import type { KeystoneApi } from './api.ts';
import { type Credential, loginBody, type Scope } from './credential.ts';
import type { KeystoneAnswer } from './ports.ts';

/** The node's own tokens, one for each scope. */
export interface OwnTokens {
	/** One that is still good for a while. `unavailable` when Keystone gives none. */
	get(scope: Scope, signal: AbortSignal): Promise<string>;
	/** Keystone has not taken this one: the next `get` brings another. */
	forget(scope: Scope, token: string): void;
}

export interface OwnTokensOptions {
	readonly api: KeystoneApi;
	readonly credential: Credential;
	/** milliseconds, going forward */
	readonly clock: () => number;
	readonly log: Log;
}

/** A token is renewed when less than this is left of it, or less than a fifth of its life if that is sooner. */
const RENEW_AHEAD_MS = 60_000;
/** After a refusal the credential is not tried again for so long: Keystone may lock an account that fails too often. */
const REFUSED_PAUSE_MS = 10_000;
/** A wrong password is 401, an application credential or a project that does not exist 404. */
const REFUSALS: ReadonlySet<number> = new Set([400, 401, 403, 404]);

interface OwnToken {
	readonly token: string;
	readonly renewAt: number;
}

export function createOwnTokens({ api, credential, clock, log }: OwnTokensOptions): OwnTokens {
	const tokens = new Map<Scope, OwnToken>();
	const refusedUntil = new Map<Scope, number>();
	const flight = singleFlight<OwnToken>();

	async function login(scope: Scope): Promise<OwnToken> {
		if (clock() < (refusedUntil.get(scope) ?? 0)) throw refused();
		const body = loginBody(credential, scope);
		const askedAt = clock();
		// ended by the client's own deadline: callers come and go
		const signal = new AbortController().signal;
		const answer = await api.send({
			method: 'POST',
			path: '/auth/tokens?nocatalog',
			body,
			repeatable: true,
			signal,
		});
		if (REFUSALS.has(answer.status)) {
			refusedUntil.set(scope, clock() + REFUSED_PAUSE_MS);
			log.error({ status: answer.status, scope }, "keystone refuses the node's own credential");
			throw refused();
		}
		const own = { token: tokenOf(answer), renewAt: askedAt + usableMs(answer.body) };
		tokens.set(scope, own);
		log.debug({ scope, forMs: own.renewAt - askedAt }, 'got a token from keystone');
		return own;
	}

	return {
		async get(scope, signal) {
			const known = tokens.get(scope);
			if (known !== undefined && clock() < known.renewAt) return known.token;
			return (await flight(scope, signal, () => login(scope))).token;
		},
		forget(scope, token) {
			if (tokens.get(scope)?.token === token) tokens.delete(scope);
		},
	};
}

function refused(): ImageError {
	return new ImageError('unavailable', "keystone refuses the node's own credential");
}

function tokenOf({ status, headers }: KeystoneAnswer): string {
	const token = headers.get('x-subject-token');
	if (status !== 201 || token === null) throw new ImageError('unavailable', `keystone answered a login with status ${status}`);
	return token;
}

/** By Keystone's clock alone, so that two clocks that differ do no harm. */
function usableMs(body: unknown): number {
	const { issued_at, expires_at } = (body as { readonly token?: Readonly<Record<string, unknown>> } | undefined)?.token ?? {};
	const lifeMs = isoTime(String(expires_at)) - isoTime(String(issued_at));
	if (!(lifeMs > 0)) throw new ImageError('unavailable', 'keystone gave a token that ends before it begins, or never');
	return lifeMs - Math.min(RENEW_AHEAD_MS, lifeMs / 5);
}
