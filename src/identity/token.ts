import { createHash, timingSafeEqual } from 'node:crypto';
import { ImageError } from '#domain/errors.ts';
import type { Identity, Subject } from './ports.ts';

export interface TokenIdentityOptions {
	readonly adminToken: string;
}

/**
 * One shared secret: whoever sends it in X-Auth-Token is the administrator. Their project is called `admin`, so that
 * what they create belongs to somebody: an image without owner would be visible to every project once others come.
 */
export function createTokenIdentity({ adminToken }: TokenIdentityOptions): Identity {
	if (adminToken === '') throw new TypeError('the admin token is empty');
	const expected = digest(adminToken);
	return {
		challenge: 'Token realm="sundog"',
		async identify(credentials) {
			const token = credentials.header('x-auth-token')?.trim() ?? '';
			// digests have equal lengths: neither length nor content of the secret shows in the time taken
			if (!timingSafeEqual(digest(token), expected))
				throw new ImageError('unauthenticated', 'this server requires a valid token in x-auth-token');
			return ADMIN;
		},
	};
}

const ADMIN: Subject = { user: 'admin', project: 'admin', roles: ['admin', 'member', 'reader'], admin: true };

function digest(text: string): Buffer {
	return createHash('sha256').update(text).digest();
}
