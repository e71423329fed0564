import { ImageError } from '#domain/errors.ts';
import type { Keystone } from '#keystone/ports.ts';
import type { Log } from '#lib/log.ts';
import { type AccessRequest, isAllowed } from './access-rules.ts';
import { ANONYMOUS } from './anonymous.ts';
import type { Credentials, Identity } from './ports.ts';
import { serviceFactsOf, type ValidToken } from './token-facts.ts';
import { createValidations } from './validations.ts';

export interface KeystoneIdentityOptions {
	readonly keystone: Keystone;
	/** what a refusal names: where a client gets a token */
	readonly publicUrl: string;
	/** how long a validated token is believed; 0 asks Keystone each time */
	readonly tokenCacheMs: number;
	/** how long at most a revocation goes unnoticed, where Keystone lists revocations; default a minute */
	readonly revocationMs?: number;
	/** a service token must carry one of them */
	readonly serviceTokenRoles: readonly string[];
	/** false: every valid token counts as a service token, but only one with such a role lets ended tokens pass */
	readonly serviceTokenRolesRequired: boolean;
	/** what access rules call this service */
	readonly serviceType: string;
	/** a request without a token reads as nobody */
	readonly anonymousRead: boolean;
	readonly clock: () => number;
	readonly log: Log;
}

const DEFAULT_REVOCATION_MS = 60_000;
/** Of the 16 KiB that all headers may have together; the longest of Keystone's, signed ones, are under two. */
const MAX_TOKEN_LENGTH = 8192;
/** RFC 6750 §2.1, b64token. Two header lines joined by a comma are no token. */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/**
 * X-Auth-Token is a token of Keystone, and Keystone is asked what it says. X-Service-Token, of another service that acts
 * for a user, is asked first: with it a user's token may have ended while that service was at work.
 */
export function createKeystoneIdentity(options: KeystoneIdentityOptions): Identity {
	const { publicUrl, revocationMs = DEFAULT_REVOCATION_MS, serviceTokenRoles, serviceTokenRolesRequired, serviceType } = options;
	const { validate } = createValidations({ ...options, revocationMs });
	const isService = (token: ValidToken) => token.roleNames.some((role) => serviceTokenRoles.includes(role));
	const mayBeUsed = ({ accessRules }: ValidToken, request: AccessRequest) =>
		accessRules === undefined || isAllowed(accessRules, serviceType, request);

	/** One that is not valid is as good as none, as in Glance. */
	async function serviceOf(credentials: Credentials): Promise<ValidToken | undefined> {
		const sent = tokenIn(credentials, 'x-service-token');
		if (sent === undefined || !isToken(sent)) return undefined;
		const token = await validate(sent, { allowExpired: false, signal: credentials.signal });
		if (token === undefined || !mayBeUsed(token, credentials)) return undefined;
		return isService(token) || !serviceTokenRolesRequired ? token : undefined;
	}

	return {
		challenge: `Keystone uri="${publicUrl}"`,
		async identify(credentials) {
			const sent = tokenIn(credentials, 'x-auth-token');
			if (sent === undefined) {
				if (options.anonymousRead) return ANONYMOUS;
				throw new ImageError('unauthenticated', 'this server requires a token of keystone in x-auth-token');
			}
			if (!isToken(sent)) throw refused();
			const service = await serviceOf(credentials);
			const forUser = service !== undefined && isService(service);
			const token = await validate(sent, { allowExpired: forUser, signal: credentials.signal });
			// a service that acts for a user comes by a way of its own, not by the one that the user's credential was made for
			if (token === undefined || !(forUser || mayBeUsed(token, credentials))) throw refused();
			const { user, project, roles, facts } = token;
			return {
				user,
				project,
				roles,
				token: { ...facts, service: service === undefined ? null : serviceFactsOf(service) },
				credential: { token: () => sent },
			};
		},
	};
}

function tokenIn(credentials: Credentials, name: string): string | undefined {
	const text = credentials.header(name)?.trim();
	return text === '' ? undefined : text;
}

export function isToken(text: string): boolean {
	return text.length <= MAX_TOKEN_LENGTH && TOKEN.test(text);
}

function refused(): ImageError {
	return new ImageError('unauthenticated', 'the token in x-auth-token is not valid here, or no longer');
}
