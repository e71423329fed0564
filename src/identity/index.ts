/** The register of identities: `SUNDOG_AUTH` names the key. To add one: one file, one line. */
import { createNoneIdentity } from './none.ts';
import { createTokenIdentity } from './token.ts';

export const identities = {
	none: createNoneIdentity,
	token: createTokenIdentity,
} as const;
