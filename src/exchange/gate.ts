/**
 * Who may speak. Noise has proved which key is at the other end; the gate asks whether that key belongs to the fleet.
 * A peer that nobody has announced is on probation: few at once, for seconds, and only hello answers it.
 */
import type { ConnectionGater, MultiaddrConnection, PeerId, StreamMessageEvent } from '@libp2p/interface';
import { ImageError } from '#domain/errors.ts';
import type { Membership } from '#fleet/ports.ts';
import type { Log } from '#lib/log.ts';
import type { Limits } from './limits.ts';

/** What a member has shown on the connections it has now. */
export interface Standing {
	readonly node: string;
	readonly site: string;
	readonly certificate: string;
	/** UTC milliseconds */
	readonly since: number;
}

export interface Gate {
	/** for libp2p: asked when Noise is done and before anything else is spoken */
	readonly gater: ConnectionGater;
	/** May this peer open anything but hello, right now? */
	admits(peer: string): boolean;
	/** Hello has proved membership. `undefined` when the certificate is not the fleet's, not this peer's or not current. */
	prove(peer: string, certificate: string): Standing | undefined;
	standing(peer: string): Standing | undefined;
	standings(): readonly Standing[];
	/** The last connection of a peer is gone, or it was refused. */
	forget(peer: string): void;
	/** Peers whose certificates are no longer good; the caller closes their connections. */
	expired(): readonly string[];
	stop(): void;
}

export interface GateOptions {
	readonly membership: Membership;
	readonly limits: Pick<Limits, 'maxProbation' | 'probationMs' | 'probationBytes'>;
	readonly now: () => number;
	readonly log: Log;
}

export function createGate({ membership, limits, now, log }: GateOptions): Gate {
	const standings = new Map<string, Standing>();
	const probation = new Map<MultiaddrConnection, { readonly peer: string; end(): void }>();

	function release(wire: MultiaddrConnection): void {
		probation.get(wire)?.end();
		probation.delete(wire);
	}

	/** Seconds and kilobytes: enough for hello, too little for harm. */
	function watch(name: string, wire: MultiaddrConnection): void {
		let bytesLeft = limits.probationBytes;
		const dismiss = (reason: string): void => {
			release(wire);
			log.debug({ peer: name, reason }, 'a stranger was dismissed');
			wire.abort(new ImageError('forbidden', reason));
		};
		const count = ({ data }: StreamMessageEvent): void => {
			bytesLeft -= data.byteLength;
			if (bytesLeft < 0) dismiss('too many bytes came before membership was proved');
		};
		const patience = setTimeout(dismiss, limits.probationMs, 'membership was not proved in time').unref();
		const gone = (): void => release(wire);
		wire.addEventListener('message', count);
		wire.addEventListener('close', gone);
		probation.set(wire, {
			peer: name,
			end() {
				clearTimeout(patience);
				wire.removeEventListener('message', count);
				wire.removeEventListener('close', gone);
			},
		});
	}

	/** True when there is no room for one more stranger. */
	function denyInbound(peer: PeerId, wire: MultiaddrConnection): boolean {
		const name = peer.toString();
		if (isAdmitted(name)) return false;
		const strangers = [...probation.keys()].filter(({ direction }) => direction === 'inbound');
		if (strangers.length >= limits.maxProbation) {
			log.debug({ peer: name }, 'a stranger was turned away: too many on probation');
			return true;
		}
		watch(name, wire);
		return false;
	}

	/** Whom this node dialled has to prove itself too, and is listened to no more than any stranger until then. */
	function watchOutbound(peer: PeerId, wire: MultiaddrConnection): boolean {
		if (!isAdmitted(peer.toString())) watch(peer.toString(), wire);
		return false;
	}

	function isAdmitted(peer: string): boolean {
		return standings.has(peer) || membership.isMember(peer);
	}

	return {
		gater: {
			denyInboundEncryptedConnection: denyInbound,
			denyOutboundEncryptedConnection: watchOutbound,
			denyDialMultiaddr: () => false,
		},
		admits: isAdmitted,
		prove(peer, certificate) {
			const site = membership.admits(peer, certificate);
			if (site === undefined) return undefined;
			const standing = { node: peer, site, certificate, since: standings.get(peer)?.since ?? now() };
			standings.set(peer, standing);
			for (const [wire, { peer: candidate }] of [...probation]) if (candidate === peer) release(wire);
			return standing;
		},
		standing: (peer) => standings.get(peer),
		standings: () => [...standings.values()],
		forget(peer) {
			standings.delete(peer);
		},
		expired: () =>
			[...standings.values()]
				.filter(({ node, certificate }) => membership.admits(node, certificate) === undefined)
				.map(({ node }) => node),
		stop() {
			for (const wire of [...probation.keys()]) release(wire);
		},
	};
}
