/** Swift's own authentication, version 1: user and key in headers, token and address in headers. */
import { ImageError } from '#domain/errors.ts';
import { type Admission, storageAddress } from './admission.ts';
import type { Http } from './http.ts';
import type { Reference } from './references.ts';
import type { SwiftSettings } from './settings.ts';

/** Of a token whose end is not said. */
const UNSAID_LIFE_S = 3600;

/** Undefined when the credential is refused. */
export async function tempauthLogin(
	http: Http,
	{ authAddress, login }: Reference,
	{ endpoint }: SwiftSettings,
	signal: AbortSignal,
): Promise<Admission | undefined> {
	if (login.kind !== 'tempauth') throw new TypeError('no login by tempauth');
	const headers = { 'x-auth-user': login.user, 'x-auth-key': login.key };
	const { status, header } = await http.ask({ method: 'GET', url: authAddress, headers, signal });
	if (status === 401 || status === 403) return undefined;
	const token = header('x-auth-token');
	if (status >= 300 || token === undefined)
		throw new ImageError(status >= 500 || status === 429 ? 'unavailable' : 'store-failed', `a login to swift gives ${status}`);
	const account = login.user.split(':')[0] ?? '';
	return {
		token,
		storageUrl: endpoint ?? storageAddress(header('x-storage-url')),
		project: { id: account, name: account },
		lifeMs: (Number(header('x-auth-token-expires')) || UNSAID_LIFE_S) * 1000,
	};
}
