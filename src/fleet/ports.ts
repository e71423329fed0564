/** Membership as the peers' door sees it. */

export interface Membership {
	/** this node's peer id */
	readonly node: string;
	readonly site: string;
	/** the fleet's id: base58 of its public key */
	readonly fleet: string;
	/** this node's own certificate, compact JWS; renewed before it expires */
	certificate(): string;
	/** Site of a certificate that this fleet's key signed for this peer and that is valid now; undefined otherwise. */
	admits(peer: string, certificate: string): string | undefined;
	/** A known member by its announcements: lets the gate say yes before a word is exchanged. */
	isMember(peer: string): boolean;
	/** The certificate for a one-time token; only a node that holds the fleet's key answers. `forbidden` for a used, expired or foreign token. Same peer, same token: same answer. */
	redeem(token: string, peer: string): Promise<string>;
	/** A fresh certificate for a member whose own is past half its life; undefined where there is nothing to renew. Only where the fleet's key is. */
	renew(peer: string, certificate: string): Promise<string | undefined>;
	/** Takes a certificate that a holder of the fleet's key sent. */
	accept(certificate: string): Promise<void>;
}
