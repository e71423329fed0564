/** The centre's book of one-time invitations. Durable before a token is printed and before a certificate is given out. */
import { ImageError } from '#domain/errors.ts';
import type { KeyValue } from '#lib/key-value.ts';
import { issueCertificate, SITE_NAME } from './certificate.ts';
import { formatJoinToken, makeJoinToken, parseJoinToken, tokenDigest } from './join-token.ts';
import { peerIdOf, type SigningKey } from './node-key.ts';

export interface Invitations {
	/** A token for one node of this site, good once. */
	invite(site: string): Promise<string>;
	/** The certificate for a token. The same peer may ask again (its answer may have been lost); another peer is `forbidden`. */
	redeem(token: string, peer: string): Promise<string>;
}

interface Invitation {
	readonly site: string;
	/** UTC milliseconds */
	readonly expires: number;
	readonly redeemed?: { readonly peer: string; readonly certificate: string };
}

export const INVITATION_LIFE_MS = 24 * 3600 * 1000;
const MAX_OPEN_INVITATIONS = 10_000;

export function createInvitations(options: { kv: KeyValue; fleetKey: SigningKey; clock: () => number }): Invitations {
	const { kv, fleetKey, clock } = options;
	const fleet = peerIdOf(fleetKey.publicKey);
	// Two peers may race with one token: redeeming is one at a time.
	let turn: Promise<unknown> = Promise.resolve();

	async function invite(site: string): Promise<string> {
		if (!SITE_NAME.test(site))
			throw new ImageError('invalid', `"${site}" is no site name: lower-case letters, digits and -, at most 63`);
		await sweep();
		const token = makeJoinToken(fleet, site);
		await save(tokenDigest(token), { site, expires: clock() + INVITATION_LIFE_MS });
		return formatJoinToken(token);
	}

	async function redeemInTurn(text: string, peer: string): Promise<string> {
		const token = parseJoinToken(text);
		const key = tokenDigest(token);
		const invitation = token.fleet === fleet ? load(key) : undefined;
		if (invitation === undefined) throw new ImageError('forbidden', 'the join token is unknown to this fleet');
		if (invitation.redeemed?.peer === peer) return invitation.redeemed.certificate;
		if (invitation.redeemed !== undefined) throw new ImageError('forbidden', 'the join token has been used already');
		if (invitation.expires <= clock()) throw new ImageError('forbidden', 'the join token has expired');
		const certificate = await issueCertificate(fleetKey, { peer, site: invitation.site }, clock());
		await save(key, { ...invitation, redeemed: { peer, certificate } });
		return certificate;
	}

	function load(key: string): Invitation | undefined {
		const bytes = kv.get(key);
		return bytes === undefined ? undefined : (JSON.parse(Buffer.from(bytes).toString('utf8')) as Invitation);
	}

	function save(key: string, invitation: Invitation): Promise<void> {
		return kv.write([{ put: key, value: Buffer.from(JSON.stringify(invitation)) }], { sync: true });
	}

	/** Forgets what has expired: an answer that was lost may be asked for again for as long as the token lived. */
	async function sweep(): Promise<void> {
		const expired: { del: string }[] = [];
		let open = 0;
		for await (const key of kv.keys({})) {
			if ((load(key)?.expires ?? 0) <= clock()) expired.push({ del: key });
			else open += 1;
		}
		if (expired.length > 0) await kv.write(expired, { sync: true });
		if (open >= MAX_OPEN_INVITATIONS) throw new ImageError('limit-exceeded', 'too many invitations are open');
	}

	return {
		invite,
		redeem(token, peer) {
			const result = turn.then(() => redeemInTurn(token, peer));
			turn = result.catch(() => undefined);
			return result;
		},
	};
}
