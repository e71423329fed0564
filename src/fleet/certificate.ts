/**
 * Member certificates: compact JWS (RFC 7515) signed by the fleet's ed25519 key, one profile and no other
 * (docs/peer-protocol.md §3). Issued with jose. Checked here without it, because the catalogue's fold must decide
 * synchronously; the profile is pinned, so there is no algorithm to choose and no header to obey.
 */
import { SignJWT } from 'jose';
import { peerIdOf, publicKeyOf, type SigningKey, verifyWith } from './node-key.ts';

export interface CertificateClaims {
	/** fleet id: base58 peer-id text of the fleet's public key */
	readonly iss: string;
	/** peer id of the member */
	readonly sub: string;
	readonly site: string;
	/** seconds since 1970 */
	readonly iat: number;
	readonly exp: number;
}

export const CERTIFICATE_LIFE_MS = 90 * 24 * 3600 * 1000;
/** how far two clocks of one fleet may differ before a fresh certificate looks unborn */
export const CLOCK_TOLERANCE_MS = 120_000;
const MAX_CERTIFICATE_CHARS = 2048;
const HEADER = { alg: 'EdDSA', typ: 'sundog-member+jwt' } as const;
/** A site's name is a store's name: it stands in URLs, file names and comma lists. */
export const SITE_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

export function issueCertificate(fleetKey: SigningKey, member: { peer: string; site: string }, nowMs: number): Promise<string> {
	const iat = Math.floor(nowMs / 1000);
	return new SignJWT({ site: member.site })
		.setProtectedHeader(HEADER)
		.setIssuer(peerIdOf(fleetKey.publicKey))
		.setSubject(member.peer)
		.setIssuedAt(iat)
		.setExpirationTime(iat + CERTIFICATE_LIFE_MS / 1000)
		.sign(fleetKey.key);
}

/** The claims, when the fleet's key signed them; says nothing about time. Undefined for everything else. */
export function readCertificate(fleet: string, certificate: string): CertificateClaims | undefined {
	if (certificate.length > MAX_CERTIFICATE_CHARS) return undefined;
	const parts = certificate.split('.');
	const [header, payload, signature] = parts;
	if (parts.length !== 3 || header === undefined || payload === undefined || signature === undefined) return undefined;
	const fleetKey = publicKeyOf(fleet);
	if (fleetKey === undefined || !isPinnedHeader(header)) return undefined;
	if (!verifyWith(fleetKey, Buffer.from(`${header}.${payload}`), Buffer.from(signature, 'base64url'))) return undefined;
	const claims = parseJson(payload);
	return isClaims(claims) && claims.iss === fleet ? claims : undefined;
}

/** Is the certificate valid at this time? */
export function isCurrent(claims: CertificateClaims, nowMs: number): boolean {
	return nowMs < claims.exp * 1000 && nowMs > claims.iat * 1000 - CLOCK_TOLERANCE_MS;
}

export function isPastHalfLife(claims: CertificateClaims, nowMs: number): boolean {
	return nowMs > ((claims.iat + claims.exp) / 2) * 1000;
}

function isPinnedHeader(text: string): boolean {
	const header = parseJson(text);
	return header?.alg === HEADER.alg && header.typ === HEADER.typ && Object.keys(header).length === 2;
}

function isClaims(value: Record<string, unknown> | undefined): value is Record<string, unknown> & CertificateClaims {
	return (
		value !== undefined &&
		typeof value.iss === 'string' &&
		typeof value.sub === 'string' &&
		publicKeyOf(value.sub) !== undefined &&
		typeof value.site === 'string' &&
		SITE_NAME.test(value.site) &&
		Number.isSafeInteger(value.iat) &&
		Number.isSafeInteger(value.exp)
	);
}

function parseJson(text: string): Record<string, unknown> | undefined {
	try {
		const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
		return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
	} catch {
		return undefined;
	}
}
