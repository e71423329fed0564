/** Being logged in to one account of Swift's: a token, renewed ahead of its end, and the address that it opens. */
import { ImageError } from '#domain/errors.ts';
import type { Log } from '#lib/log.ts';
import { singleFlight } from '#lib/single-flight.ts';
import type { Admission } from './admission.ts';
import type { Http } from './http.ts';
import { keystoneLogin } from './keystone-login.ts';
import type { Reference } from './references.ts';
import type { SwiftSettings } from './settings.ts';
import { tempauthLogin } from './tempauth-login.ts';

export interface Session {
	readonly reference: Reference;
	/** `forbidden` when the credential is refused, `unavailable` when nobody answers */
	admission(signal: AbortSignal): Promise<Admission>;
	/** Swift has not taken this token: the next admission brings another. */
	forget(token: string): void;
}

/** After a refusal the credential is not tried again for so long: an account that fails too often may get locked. */
const REFUSED_PAUSE_MS = 10_000;

export function createSession(http: Http, reference: Reference, settings: SwiftSettings, log: Log): Session {
	const flight = singleFlight<Admission>();
	// a login serves many callers, who come and go: it ends by the deadline of its request
	const { signal: always } = new AbortController();
	let current: { readonly admission: Admission; readonly renewAt: number } | undefined;
	let refusedUntil = 0;

	async function login(): Promise<Admission> {
		if (performance.now() < refusedUntil) throw refused();
		const askedAt = performance.now();
		const { kind } = reference.login;
		const admission = await (kind === 'tempauth' ? tempauthLogin : keystoneLogin)(http, reference, settings, always);
		if (admission === undefined) {
			refusedUntil = performance.now() + REFUSED_PAUSE_MS;
			log.error({ reference: reference.name }, "swift's credential is refused");
			throw refused();
		}
		// half of its life is used in any case, or each request would log in
		const usableMs = admission.lifeMs - Math.min(settings.renewAheadMs, admission.lifeMs / 2);
		current = { admission, renewAt: askedAt + usableMs };
		return admission;
	}

	return {
		reference,
		async admission(signal) {
			if (current !== undefined && performance.now() < current.renewAt) return current.admission;
			return await flight('login', signal, login);
		},
		forget(token) {
			if (current?.admission.token === token) current = undefined;
		},
	};
}

function refused(): ImageError {
	return new ImageError('forbidden', 'the credential for swift is refused');
}
