import { ImageError } from '#domain/errors.ts';
import type { Identity, Subject } from './ports.ts';

/**
 * Everybody is the administrator, without a project: for one's own machine only. The node refuses it unless every
 * listener is on loopback; and since a web page can reach loopback by a name of its own (DNS rebinding), requests
 * that name another host are refused here.
 */
export function createNoneIdentity(): Identity {
	return {
		challenge: 'Loopback realm="sundog"',
		async identify(credentials) {
			const host = credentials.header('host') ?? '';
			if (!namesLoopback(host))
				throw new ImageError('unauthenticated', `without authentication only loopback is served, not ${host.slice(0, 80)}`);
			return ADMIN;
		},
	};
}

const ADMIN: Subject = { user: null, project: null, roles: ['admin'], admin: true };

function namesLoopback(host: string): boolean {
	const name = host.replace(/:\d*$/, '').toLowerCase();
	return name === 'localhost' || name.endsWith('.localhost') || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name);
}
