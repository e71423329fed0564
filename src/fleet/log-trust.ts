import { readCertificate } from './certificate.ts';
import { publicKeyOf, verifyWith } from './node-key.ts';

/**
 * Whom the catalogue believes: an entry is its log's word when the key that names the log signed it, and a log is a
 * site's when the fleet's key says so. A certificate that has ended still says whose the entries of its time are.
 */
export function createLogTrust(fleet: string) {
	return {
		verify(log: string, bytes: Uint8Array, signature: Uint8Array): boolean {
			const publicKey = publicKeyOf(log);
			return publicKey !== undefined && verifyWith(publicKey, bytes, signature);
		},
		siteOf(log: string, certificate: string): string | undefined {
			const claims = readCertificate(fleet, certificate);
			return claims?.sub === log ? claims.site : undefined;
		},
	};
}
