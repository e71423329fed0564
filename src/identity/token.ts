import { createHash, timingSafeEqual } from 'node:crypto';
import { ImageError } from '#domain/errors.ts';
import type { Credentials, Identity, Subject } from './ports.ts';

export interface TokenIdentityOptions {
	readonly adminToken: string;
}

/**
 * One shared secret: whoever sends it in X-Auth-Token is the administrator. Their project is called `admin`, so that
 * what they create belongs to somebody: an image without owner would be visible to every project once others come.
 */
export function createTokenIdentity({ adminToken }: TokenIdentityOptions): Identity {
	const isAdmin = adminTokenCheck(adminToken);
	return {
		challenge: 'Token realm="sundog"',
		async identify(credentials) {
			if (!isAdmin(credentials)) throw new ImageError('unauthenticated', 'this server requires a valid token in x-auth-token');
			return ADMIN;
		},
	};
}

/** Does a request carry the secret? Digests have equal lengths: neither length nor content of it shows in the time taken. */
export function adminTokenCheck(adminToken: string): (credentials: Credentials) => boolean {
	if (adminToken === '') throw new TypeError('the admin token is empty');
	const expected = digest(adminToken);
	return (credentials) => timingSafeEqual(digest(credentials.header('x-auth-token')?.trim() ?? ''), expected);
}

export const ADMIN: Subject = { user: 'admin', project: 'admin', roles: ['admin', 'member', 'reader'], admin: true };

function digest(text: string): Buffer {
	return createHash('sha256').update(text).digest();
}
