/**
 * Keeps connections to members: the bootstrap peers and whoever the catalogue's roster gives an address for. A peer that
 * cannot be reached is tried again after a pause that doubles, with jitter; a new announcement makes it worth trying at once.
 */

import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { ImageError } from '#domain/errors.ts';
import type { NodeRecord } from '#domain/ports/catalogue.ts';
import type { Log } from '#lib/log.ts';
import type { Limits } from './limits.ts';

export interface DiallerOptions {
	/** this node's peer id */
	readonly self: string;
	/** multiaddrs with /p2p/ */
	readonly bootstrap: readonly string[];
	readonly nodes: () => readonly NodeRecord[];
	/** peers that are connected and greeted, or on their way */
	readonly isConnected: (peer: string) => boolean;
	readonly connectedCount: () => number;
	/** Connects and greets; whatever it throws counts as not reached. */
	readonly reach: (addresses: Multiaddr[]) => Promise<void>;
	readonly limits: Pick<Limits, 'redialMinMs' | 'redialMaxMs' | 'maxMembers'>;
	readonly log: Log;
}

export interface Dialler {
	/** Looks at the roster again; `news` forgets the pauses of peers whose addresses have changed. */
	refresh(): void;
	/** A connection to this peer is gone. */
	lost(peer: string): void;
	stop(): void;
}

interface Attempt {
	addresses: string;
	failures: number;
	timer: NodeJS.Timeout | undefined;
	busy: boolean;
}

export function createDialler(options: DiallerOptions): Dialler {
	const { self, nodes, isConnected, connectedCount, reach, limits, log } = options;
	const bootstrap = groupByPeer(options.bootstrap);
	const attempts = new Map<string, Attempt>();
	let stopped = false;

	/** Who should be connected, with every address known. */
	function wanted(): Map<string, readonly string[]> {
		const targets = new Map(bootstrap);
		for (const { node, addresses, self: own } of nodes()) {
			if (own || node === self || addresses.length === 0) continue;
			const known = targets.get(node) ?? [];
			targets.set(node, [...new Set([...known, ...addresses.map((address) => `${address}/p2p/${node}`)])]);
		}
		targets.delete(self);
		return targets;
	}

	function refresh(): void {
		if (stopped) return;
		const targets = wanted();
		for (const [peer, attempt] of attempts) {
			if (targets.has(peer)) continue;
			clearTimeout(attempt.timer);
			attempts.delete(peer);
		}
		for (const [peer, addresses] of targets) consider(peer, addresses.join(','));
	}

	function consider(peer: string, addresses: string): void {
		let attempt = attempts.get(peer);
		if (attempt === undefined) {
			attempt = { addresses, failures: 0, timer: undefined, busy: false };
			attempts.set(peer, attempt);
		} else if (attempt.addresses !== addresses) {
			attempt.addresses = addresses;
			attempt.failures = 0;
			clearTimeout(attempt.timer);
			attempt.timer = undefined;
		}
		if (attempt.timer === undefined) start(peer, attempt);
	}

	function start(peer: string, attempt: Attempt): void {
		attempt.timer = undefined;
		if (stopped || attempt.busy || isConnected(peer) || connectedCount() >= limits.maxMembers) return;
		attempt.busy = true;
		void attend(peer, attempt);
	}

	async function attend(peer: string, attempt: Attempt): Promise<void> {
		const { addresses } = attempt;
		try {
			await reach(addresses.split(',').map((address) => multiaddr(address)));
			attempt.failures = 0;
			attempt.busy = false;
		} catch (error) {
			attempt.busy = false;
			if (stopped) return;
			// announced anew while the old address was being tried
			if (attempt.addresses !== addresses) return start(peer, attempt);
			const pauseMs = pauseAfter(++attempt.failures);
			log.debug({ peer, error: (error as Error).message, pauseMs }, 'a peer could not be reached');
			attempt.timer ??= setTimeout(() => start(peer, attempt), pauseMs).unref();
		}
	}

	/** Between half and the whole of the doubled pause, so that a fleet does not come back in step. */
	function pauseAfter(failures: number): number {
		const whole = Math.min(limits.redialMinMs * 2 ** (failures - 1), limits.redialMaxMs);
		return whole * (0.5 + Math.random() / 2);
	}

	return {
		refresh,
		lost(peer) {
			const attempt = attempts.get(peer);
			if (stopped || attempt === undefined || attempt.busy) return;
			attempt.timer ??= setTimeout(() => start(peer, attempt), pauseAfter(Math.max(1, attempt.failures))).unref();
		},
		stop() {
			stopped = true;
			for (const { timer } of attempts.values()) clearTimeout(timer);
			attempts.clear();
		},
	};
}

/** The peer id that a multiaddr ends with. `invalid` when it has none: nobody is dialled without knowing who should answer. */
export function peerOf(address: string): string {
	let name: string | undefined;
	try {
		name = multiaddr(address)
			.getComponents()
			.findLast(({ name: part }) => part === 'p2p')?.value;
	} catch (cause) {
		throw new ImageError('invalid', `peer address ${address} is not a multiaddr`, { cause });
	}
	if (name === undefined) throw new ImageError('invalid', `peer address ${address} does not end in /p2p/<peer id>`);
	return name;
}

function groupByPeer(addresses: readonly string[]): Map<string, readonly string[]> {
	const peers = new Map<string, readonly string[]>();
	for (const address of addresses) {
		const peer = peerOf(address);
		peers.set(peer, [...(peers.get(peer) ?? []), address]);
	}
	return peers;
}
