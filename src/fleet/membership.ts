/** Membership for the peers' door: who may speak, from certificates and from the roster that the logs spell. */
import { ImageError } from '#domain/errors.ts';
import type { NodeRecord } from '#domain/ports/catalogue.ts';
import { isCurrent, isPastHalfLife, issueCertificate, readCertificate } from './certificate.ts';
import type { Invitations } from './invitations.ts';
import type { Membership } from './ports.ts';
import type { Standing } from './standing.ts';

export interface MembershipOptions {
	readonly node: string;
	readonly standing: Standing;
	/** only where the fleet's key is */
	readonly invitations?: Invitations;
	readonly nodes: () => readonly NodeRecord[];
	/** Keeps this node's renewed certificate, on disk and in its log. */
	readonly save: (certificate: string) => Promise<void>;
	readonly clock: () => number;
}

export function createMembership(options: MembershipOptions): Membership {
	const { node, standing, invitations, nodes, save, clock } = options;
	const { fleet, site, fleetKey } = standing;
	let own = standing.certificate;

	function admits(peer: string, certificate: string): string | undefined {
		const claims = readCertificate(fleet, certificate);
		return claims?.sub === peer && isCurrent(claims, clock()) ? claims.site : undefined;
	}

	return {
		node,
		site,
		fleet,
		certificate: () => own,
		admits,
		isMember(peer) {
			const record = nodes().find((candidate) => candidate.node === peer);
			return record !== undefined && admits(peer, record.certificate) !== undefined;
		},
		async redeem(token, peer) {
			if (invitations === undefined)
				throw new ImageError('forbidden', 'this node cannot take join tokens: it does not hold the fleet key');
			return invitations.redeem(token, peer);
		},
		async renew(peer, certificate) {
			if (fleetKey === undefined) return undefined;
			const claims = readCertificate(fleet, certificate);
			if (claims?.sub !== peer || !isCurrent(claims, clock()) || !isPastHalfLife(claims, clock())) return undefined;
			return issueCertificate(fleetKey, { peer, site: claims.site }, clock());
		},
		async accept(certificate) {
			const claims = readCertificate(fleet, certificate);
			const current = readCertificate(fleet, own);
			if (claims?.sub !== node || claims.site !== site)
				throw new ImageError('forbidden', 'a peer sent a certificate that is not for this node');
			if (current !== undefined && claims.exp <= current.exp) return;
			await save(certificate);
			own = certificate;
		},
	};
}
