/**
 * Where this node stands in its fleet: which fleet, which site, and the certificate that says so. Kept in two small
 * files of the data directory; the fleet's own key lies only where the fleet was founded.
 */
import { join } from 'node:path';
import { ImageError } from '#domain/errors.ts';
import { type CertificateClaims, isCurrent, isPastHalfLife, issueCertificate, readCertificate } from './certificate.ts';
import { parseJoinToken } from './join-token.ts';
import { type NodeKey, openSigningKey, peerIdOf, readSigningKey, type SigningKey } from './node-key.ts';
import { readPrivateFile, writePrivateFile } from './private-file.ts';

export interface Standing {
	readonly fleet: string;
	readonly site: string;
	readonly certificate: string;
	/** present at the node that founded the fleet: the centre */
	readonly fleetKey?: SigningKey;
}

export interface StandingOptions {
	readonly dataDir: string;
	readonly nodeKey: NodeKey;
	/** the configured site name */
	readonly site: string;
	readonly token?: string;
	/** peers were configured: founding a fleet of one's own would be a mistake */
	readonly hasBootstrap: boolean;
	readonly clock: () => number;
	/** Presents the token to the fleet and resolves to the certificate it gave. */
	readonly redeem: (token: string) => Promise<string>;
}

const FLEET_KEY_FILE = 'fleet.key';
const MEMBERSHIP_FILE = 'membership.json';

/** Reads the standing, or gains one: by the token, or by founding a fleet. */
export async function gainStanding(options: StandingOptions): Promise<Standing> {
	const standing = await currentStanding(options);
	if (standing.site !== options.site)
		throw new ImageError(
			'invalid',
			`this data directory belongs to site "${standing.site}", not "${options.site}": set SUNDOG_SITE or choose another data directory`,
		);
	return standing;
}

async function currentStanding(options: StandingOptions): Promise<Standing> {
	const kept = await readStanding(options);
	if (kept === undefined) return newStanding(options);
	const claims = readCertificate(kept.fleet, kept.certificate);
	const now = options.clock();
	if (claims === undefined || (isCurrent(claims, now) && !isPastHalfLife(claims, now))) return kept;
	if (kept.fleetKey !== undefined) return certifyFounder(options, kept.fleetKey);
	// Members are renewed by their peers in time; one that slept through its certificate comes back by a new token.
	return options.token !== undefined && !isCurrent(claims, now) ? joinByToken(options, options.token, kept.fleet) : kept;
}

export function saveCertificate(dataDir: string, fleet: string, certificate: string): Promise<void> {
	return writePrivateFile(join(dataDir, MEMBERSHIP_FILE), `${JSON.stringify({ fleet, certificate }, null, '\t')}\n`);
}

async function readStanding({ dataDir, nodeKey }: StandingOptions): Promise<Standing | undefined> {
	const path = join(dataDir, MEMBERSHIP_FILE);
	const text = await readPrivateFile(path);
	if (text === undefined) return undefined;
	const { fleet, certificate } = parseMembership(path, text);
	const claims = claimsFor(nodeKey.peerId, fleet, certificate);
	if (claims === undefined) throw new ImageError('invalid', `${path} holds no certificate of this node`);
	const fleetKey = await readSigningKey(join(dataDir, FLEET_KEY_FILE));
	return { fleet, certificate, site: claims.site, ...(fleetKey && { fleetKey }) };
}

function parseMembership(path: string, text: string): { fleet: string; certificate: string } {
	try {
		const { fleet, certificate } = JSON.parse(text) as Record<string, unknown>;
		if (typeof fleet === 'string' && typeof certificate === 'string') return { fleet, certificate };
	} catch {
		// falls through to the same complaint
	}
	throw new ImageError('invalid', `${path} is damaged`);
}

function newStanding(options: StandingOptions): Promise<Standing> {
	if (options.token !== undefined) return joinByToken(options, options.token);
	if (options.hasBootstrap)
		throw new ImageError(
			'invalid',
			'peers are configured, but this node belongs to no fleet yet: set SUNDOG_JOIN to a token from "sundog fleet invite"',
		);
	return foundFleet(options);
}

async function joinByToken(options: StandingOptions, text: string, formerFleet?: string): Promise<Standing> {
	const { dataDir, nodeKey, site, redeem } = options;
	const token = parseJoinToken(text);
	if (formerFleet !== undefined && token.fleet !== formerFleet)
		throw new ImageError('invalid', 'the join token is of another fleet than this data directory');
	if (token.site !== site)
		throw new ImageError('invalid', `the join token is for site "${token.site}", but this node is configured as "${site}"`);
	const certificate = await redeem(text);
	const claims = claimsFor(nodeKey.peerId, token.fleet, certificate);
	if (claims === undefined || claims.site !== site)
		throw new ImageError('forbidden', 'the peer answered the join token with a certificate that its fleet did not sign');
	await saveCertificate(dataDir, token.fleet, certificate);
	return { fleet: token.fleet, site, certificate };
}

async function foundFleet(options: StandingOptions): Promise<Standing> {
	return certifyFounder(options, await openSigningKey(join(options.dataDir, FLEET_KEY_FILE)));
}

async function certifyFounder({ dataDir, nodeKey, site, clock }: StandingOptions, fleetKey: SigningKey): Promise<Standing> {
	const fleet = peerIdOf(fleetKey.publicKey);
	const certificate = await issueCertificate(fleetKey, { peer: nodeKey.peerId, site }, clock());
	await saveCertificate(dataDir, fleet, certificate);
	return { fleet, site, certificate, fleetKey };
}

function claimsFor(peer: string, fleet: string, certificate: string): CertificateClaims | undefined {
	const claims = readCertificate(fleet, certificate);
	return claims?.sub === peer ? claims : undefined;
}
