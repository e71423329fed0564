import type { ServiceFacts } from '#domain/context.ts';
import { ImageError } from '#domain/errors.ts';
import { ANONYMOUS } from './anonymous.ts';
import { isToken } from './keystone.ts';
import { networks } from './networks.ts';
import type { Credentials, Identity } from './ports.ts';

export interface ProxyIdentityOptions {
	/** addresses or CIDR ranges; whoever connects from elsewhere is refused */
	readonly trusted: readonly string[];
	/** what the proxy has not authenticated reads as nobody */
	readonly anonymousRead: boolean;
	/** what a refusal names, where the proxy's clients get their tokens from Keystone */
	readonly publicUrl?: string;
}

/**
 * A proxy in front has authenticated the client and says so in headers, in the words of keystonemiddleware; Glance's
 * `context` filter reads the same ones. A header on two lines is refused: one of them may be the client's own.
 */
export function createProxyIdentity({ trusted, anonymousRead, publicUrl }: ProxyIdentityOptions): Identity {
	const isTrusted = networks(trusted);
	return {
		challenge: publicUrl === undefined ? 'Proxy realm="sundog"' : `Keystone uri="${publicUrl}"`,
		async identify(credentials) {
			if (!isTrusted(credentials.remoteAddress))
				throw new ImageError('unauthenticated', 'this server is to be reached through a proxy that authenticates');
			const said = (name: string) => singleLine(credentials, name);
			if (said('x-identity-status') !== 'Confirmed') {
				// the proxy says no more of a missing token than of a bad one
				if (anonymousRead && said('x-auth-token') === undefined) return ANONYMOUS;
				throw new ImageError('unauthenticated', 'the proxy has not confirmed an identity');
			}
			const one = (...names: readonly string[]) => idIn(said, names);
			const token = said('x-auth-token') ?? '';
			return {
				user: one('x-user-id', 'x-user'),
				project: one('x-project-id', 'x-tenant-id', 'x-tenant'),
				roles: rolesIn(said('x-roles') ?? said('x-role')),
				token: {
					userDomain: one('x-user-domain-id'),
					projectDomain: one('x-project-domain-id'),
					domain: one('x-domain-id'),
					systemScope: one('openstack-system-scope'),
					adminProject: (said('x-is-admin-project') ?? 'true').toLowerCase() === 'true',
					service: serviceIn(said),
				},
				...(isToken(token) && { credential: { token: () => token } }),
			};
		},
	};
}

type Said = (name: string) => string | undefined;

function singleLine(credentials: Credentials, name: string): string | undefined {
	const [line, ...more] = credentials.lines(name);
	if (more.length > 0) throw new ImageError('unauthenticated', `the header ${name} is there more than once`);
	return line?.trim();
}

/** The first of these headers that is there, even if it is empty: the later ones are older names of it. */
function idIn(said: Said, names: readonly string[]): string | null {
	for (const name of names) {
		const id = said(name);
		if (id === undefined) continue;
		if (id.includes(',')) throw new ImageError('unauthenticated', `the header ${name} holds more than one value`);
		return id === '' ? null : id;
	}
	return null;
}

function rolesIn(text = ''): readonly string[] {
	return text
		.split(',')
		.map((role) => role.trim().toLowerCase())
		.filter((role) => role !== '');
}

function serviceIn(said: Said): ServiceFacts | null {
	const one = (name: string) => idIn(said, [name]);
	const user = one('x-service-user-id');
	const roles = rolesIn(said('x-service-roles'));
	if ((user === null && roles.length === 0) || (said('x-service-identity-status') ?? 'Confirmed') !== 'Confirmed') return null;
	return {
		user,
		project: one('x-service-project-id'),
		userDomain: one('x-service-user-domain-id'),
		projectDomain: one('x-service-project-domain-id'),
		roles,
	};
}
