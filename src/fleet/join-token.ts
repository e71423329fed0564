/**
 * One-time join tokens: what an operator carries from the centre to a new site. A token pins the fleet's public key, so
 * the new node knows whom to trust before it has spoken to anyone, and names the site that it is good for.
 */
import { createHash, randomBytes } from 'node:crypto';
import { ImageError } from '#domain/errors.ts';
import { SITE_NAME } from './certificate.ts';
import { publicKeyOf } from './node-key.ts';

export interface JoinToken {
	readonly fleet: string;
	readonly site: string;
	/** 32 random bytes, base64url */
	readonly secret: string;
}

const PREFIX = 'sundog1';
const MAX_TOKEN_CHARS = 512;
const SECRET = /^[A-Za-z0-9_-]{43}$/;

export function makeJoinToken(fleet: string, site: string): JoinToken {
	return { fleet, site, secret: randomBytes(32).toString('base64url') };
}

export function formatJoinToken(token: JoinToken): string {
	return `${PREFIX}.${token.fleet}.${token.site}.${token.secret}`;
}

export function parseJoinToken(text: string): JoinToken {
	const [prefix, fleet = '', site = '', secret = '', ...rest] = text.length > MAX_TOKEN_CHARS ? [] : text.trim().split('.');
	const wellFormed =
		prefix === PREFIX && rest.length === 0 && publicKeyOf(fleet) !== undefined && SITE_NAME.test(site) && SECRET.test(secret);
	if (!wellFormed) throw new ImageError('invalid', 'the join token is not one that "sundog fleet invite" printed');
	return { fleet, site, secret };
}

/** What the centre keeps of a token: enough to recognise it, not enough to use it. */
export function tokenDigest(token: JoinToken): string {
	return createHash('sha256').update(formatJoinToken(token)).digest('hex');
}
