/** What an image's properties say of its signature. */
import { getCurves } from 'node:crypto';
import { UUID } from '#lib/uuid.ts';
import { decodeBase64 } from './base64.ts';
import { refusal } from './refusal.ts';

export interface Claim {
	readonly signature: Buffer;
	readonly hash: Hash;
	/** as the property names it */
	readonly keyType: string;
	/** what the certificate's key must be */
	readonly family: KeyFamily;
	/** a UUID */
	readonly certificate: string;
}

export type KeyFamily = 'rsa' | 'dsa' | 'ec';

export interface Hash {
	/** Node's name */
	readonly name: string;
	readonly bytes: number;
}

/** MD5 and SHA-1 are not among them, whatever a property says. */
const HASHES: ReadonlyMap<string, Hash> = new Map([
	['SHA-224', { name: 'sha224', bytes: 28 }],
	['SHA-256', { name: 'sha256', bytes: 32 }],
	['SHA-384', { name: 'sha384', bytes: 48 }],
	['SHA-512', { name: 'sha512', bytes: 64 }],
]);

/** Only the names of curves of 384 bits and more are taken; like Glance, any of them for a key on any curve. */
const CURVES = ['sect571k1', 'sect409k1', 'sect571r1', 'sect409r1', 'secp521r1', 'secp384r1'];

/** Of the curves those that this Node can compute with. */
const KEY_TYPES: ReadonlyMap<string, KeyFamily> = new Map<string, KeyFamily>([
	['RSA-PSS', 'rsa'],
	['DSA', 'dsa'],
	...CURVES.filter((curve) => getCurves().includes(curve)).map((curve) => [`ECC_${curve.toUpperCase()}`, 'ec'] as const),
]);

/** Undefined unless all four properties are there: then nobody asked for a check. `invalid` for what can never be checked. */
export function claimOf(properties: Readonly<Record<string, string>>): Claim | undefined {
	const {
		img_signature: text,
		img_signature_hash_method: hashMethod,
		img_signature_key_type: keyType,
		img_signature_certificate_uuid: certificate,
	} = properties;
	if (text === undefined || hashMethod === undefined || keyType === undefined || certificate === undefined) return undefined;
	const signature = decodeBase64(text);
	if (signature === undefined || signature.length === 0) throw refusal('img_signature is not a signature in base64');
	const hash = HASHES.get(hashMethod);
	if (hash === undefined) throw refusal(`img_signature_hash_method is none of ${[...HASHES.keys()].join(', ')}`);
	const family = KEY_TYPES.get(keyType);
	if (family === undefined) throw refusal(`img_signature_key_type is none of ${[...KEY_TYPES.keys()].join(', ')}`);
	if (!UUID.test(certificate)) throw refusal('img_signature_certificate_uuid is not a uuid');
	return { signature, hash, keyType, family, certificate };
}
