/** The register of identities: `SUNDOG_AUTH` names the key. To add one: one file, one line. */
import { createKeystoneIdentity } from './keystone.ts';
import { createNoneIdentity } from './none.ts';
import { createProxyIdentity } from './proxy.ts';
import { createTokenIdentity } from './token.ts';

export const identities = {
	keystone: createKeystoneIdentity,
	token: createTokenIdentity,
	proxy: createProxyIdentity,
	none: createNoneIdentity,
} as const;
