/** A signature checked with a certificate's key, as cursive does it for Glance and Nova. */
import { constants, createVerify, type KeyObject, X509Certificate } from 'node:crypto';
import type { SignatureCheck } from '#domain/ports/signatures.ts';
import type { Claim, KeyFamily } from './claim.ts';
import { refusal } from './refusal.ts';

/** `invalid` when this is no certificate, or not one for such a signature. Neither its dates nor its issuer count. */
export function createCheck(claim: Claim, certificate: Uint8Array): SignatureCheck {
	const { signature, hash } = claim;
	const publicKey = publicKeyOf(claim, certificate);
	const key = { key: publicKey, ...paddingOf(claim, publicKey) };
	const verifier = createVerify(hash.name);
	let verdict: boolean | undefined;

	function judge(): boolean {
		try {
			return verifier.verify(key, signature);
		} catch {
			// a signature that is none for such a key
			return false;
		}
	}

	return {
		feed: (chunk) => void verifier.update(chunk),
		verify() {
			verdict ??= judge();
			if (!verdict) throw refusal(`the data is not what was signed with the key of certificate ${claim.certificate}`);
		},
	};
}

const FAMILIES: Readonly<Record<string, KeyFamily>> = { rsa: 'rsa', 'rsa-pss': 'rsa', dsa: 'dsa', ec: 'ec' };

function publicKeyOf({ certificate: id, family, keyType }: Claim, certificate: Uint8Array): KeyObject {
	const key = readKey(id, certificate);
	if (FAMILIES[key.asymmetricKeyType ?? ''] !== family)
		throw refusal(`the key of certificate ${id} is not one of the type ${keyType}`);
	// parameters of somebody's own making instead of a curve's name
	if (family === 'ec' && key.asymmetricKeyDetails?.namedCurve === undefined)
		throw refusal(`the key of certificate ${id} is on no curve that has a name`);
	return key;
}

function readKey(id: string, certificate: Uint8Array): KeyObject {
	try {
		return new X509Certificate(certificate).publicKey;
	} catch (cause) {
		throw refusal(`certificate ${id} is not an X.509 certificate with a usable key`, { cause });
	}
}

/**
 * PSS as cursive makes and expects it: the mask by the same hash, the salt as long as it can be. The length is given as a
 * number, since Node's constant for "the longest" means "any" when verifying; so do negative numbers.
 */
function paddingOf({ certificate: id, family, hash }: Claim, key: KeyObject) {
	if (family !== 'rsa') return {};
	const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
	const saltLength = Math.ceil((modulusLength - 1) / 8) - hash.bytes - 2;
	if (saltLength < 0) throw refusal(`the key of certificate ${id} is too short for this hash`);
	return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
}
