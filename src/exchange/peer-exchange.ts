/**
 * The peers' door: starts the host and its protocols, greets whoever comes or is dialled, keeps logs flowing, and offers
 * the connected members as sources of blocks. It reads this node's shelf and feed through their ports and knows nothing
 * of images, records or files.
 */
import type { Connection } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { LogFeed } from '#catalogue/ports.ts';
import type { BlockShelf } from '#content/ports.ts';
import { ImageError } from '#domain/errors.ts';
import type { NodeRecord } from '#domain/ports/catalogue.ts';
import type { Membership } from '#fleet/ports.ts';
import type { Log } from '#lib/log.ts';
import { createCompany } from './company.ts';
import { createConduct } from './conduct.ts';
import { createDialler } from './dialler.ts';
import { failureOf, listenFailure } from './failures.ts';
import { createGate } from './gate.ts';
import { createHost, guardIdentify, registerProtocol } from './host.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import type { PeerExchange } from './ports.ts';
import { MAX_BLOCK_BYTES } from './protocols/blocks/constants.ts';
import { blocksProtocol } from './protocols/blocks/index.ts';
import { greet } from './protocols/hello/client.ts';
import { helloProtocol } from './protocols/hello/index.ts';
import { recordsProtocol } from './protocols/records/index.ts';
import { createSlotPool } from './slots.ts';
import { createSources } from './sources.ts';

/** log growth comes in bursts; whoever waits for sources is told once for each */
const ANNOUNCE_DELAY_MS = 50;

export interface PeerExchangeOptions {
	/** 32 bytes: the ed25519 private seed. The peer id made of it names the node and its log. */
	readonly seed: Uint8Array;
	/** multiaddrs */
	readonly listen: readonly string[];
	/** multiaddrs with /p2p/ */
	readonly bootstrap: readonly string[];
	readonly membership: Membership;
	/** the roster with addresses, from the catalogue */
	readonly nodes: () => readonly NodeRecord[];
	/** told when the roster has changed; returns the way to stop */
	readonly onNodes: (listener: () => void) => () => void;
	readonly feed: LogFeed;
	readonly shelf: BlockShelf;
	/** May bytes of this content leave for this member? */
	readonly mayServe: (peer: string, root: string) => boolean;
	/** peer ids that announced a full copy */
	readonly holders: (root: string) => readonly string[];
	readonly log: Log;
	readonly limits?: Partial<Limits>;
	/** default `tuned`, where its native library loads; both speak the same */
	readonly noise?: 'tuned' | 'stock';
	/** UTC milliseconds; default Date.now */
	readonly clock?: () => number;
}

/** Resolves when the node listens; connections come up behind. `unavailable` when an address cannot be listened on. */
export async function startPeerExchange(options: PeerExchangeOptions): Promise<PeerExchange> {
	const { membership, feed, shelf, mayServe, nodes, log, clock = Date.now } = options;
	const limits: Limits = { ...DEFAULT_LIMITS, ...options.limits };
	const closing = new AbortController();
	const { signal } = closing;

	const gate = createGate({ membership, limits, now: clock, log });
	const { seed, listen, noise } = options;
	const { node: host, takesBytes } = await createHost({ seed, listen, gater: gate.gater, limits, log, ...(noise && { noise }) });
	const conduct = createConduct({ limits, now: clock, onRelease: () => sources.changed() });
	const company = createCompany({
		feed,
		conduct,
		limits,
		log,
		onGreeted(peer) {
			log.info({ peer, site: gate.standing(peer)?.site }, 'a member is connected');
			sources.changed();
		},
		onGone(peer) {
			gate.forget(peer);
			if (signal.aborted) return;
			dialler.lost(peer);
			sources.changed();
		},
	});
	const sources = createSources({
		site: membership.site,
		members: () => gate.standings().filter(({ node }) => company.isGreeted(node)),
		connectionTo: company.connectionTo,
		holders: options.holders,
		conduct,
		limits,
		log,
	});
	const dialler = createDialler({
		self: membership.node,
		bootstrap: options.bootstrap,
		nodes,
		isConnected: company.isGreeted,
		connectedCount: company.count,
		reach,
		limits,
		log,
	});

	async function reach(addresses: Multiaddr[]): Promise<void> {
		const connection = await host.dial(addresses, {
			signal: AbortSignal.any([signal, AbortSignal.timeout(limits.dialTimeoutMs)]),
		});
		await greetOn(connection);
	}

	async function greetOn(connection: Connection): Promise<void> {
		try {
			company.greeted(await greet(connection, { membership, gate, limits, signal }), connection);
		} catch (error) {
			connection.abort(failureOf(error, 'hello'));
			throw error;
		}
	}

	/** Members repeat hello for renewal; certificates that have run out end their connections. */
	function review(): void {
		for (const peer of gate.expired()) company.dismiss(peer, new ImageError('forbidden', 'the certificate is no longer valid'));
	}

	function renew(): void {
		for (const connection of company.connections()) {
			if (connection.direction !== 'outbound' || !company.isGreeted(connection.remotePeer.toString())) continue;
			greetOn(connection).catch((error: Error) => log.info({ error: error.message }, 'a member could not be greeted again'));
		}
	}

	host.addEventListener('connection:open', ({ detail }) => company.arrived(detail));
	host.addEventListener('connection:close', ({ detail }) => company.departed(detail));
	const protocols = [
		helloProtocol({ membership, gate, limits, log, onMember: company.greeted }),
		recordsProtocol({ feed, limits, signal }),
		blocksProtocol({
			shelf,
			mayServe,
			slots: createSlotPool({ slotBytes: MAX_BLOCK_BYTES, slots: limits.serveSlots }),
			slotsReturn: takesBytes,
			limits,
			signal,
		}),
	];
	for (const protocol of protocols) await registerProtocol(host, protocol, gate, log);
	guardIdentify(host, gate, log);
	try {
		await host.start();
	} catch (cause) {
		await host.stop();
		throw listenFailure(cause, listen);
	}

	const stops = [
		options.onNodes(() => dialler.refresh()),
		feed.onGrowth(
			gathered(ANNOUNCE_DELAY_MS, () => {
				conduct.forgetLacks();
				sources.changed();
			}),
		),
	];
	const reviews = setInterval(review, limits.reviewEveryMs).unref();
	const renewals = setInterval(renew, limits.helloEveryMs).unref();
	dialler.refresh();

	return {
		addresses: () => host.getMultiaddrs().map((address) => address.toString()),
		peers: () =>
			gate
				.standings()
				.filter(({ node }) => company.isGreeted(node))
				.map(({ node, site, since }) => ({
					node,
					site,
					since,
					address: company.connectionTo(node)?.remoteAddr.toString() ?? '',
				})),
		sources,
		async [Symbol.asyncDispose]() {
			closing.abort();
			for (const stop of stops) stop();
			clearInterval(reviews);
			clearInterval(renewals);
			dialler.stop();
			gate.stop();
			conduct.stop();
			await company.disband();
			await host.stop();
		},
	};
}

/** Once, `delayMs` after the first call of a burst. */
function gathered(delayMs: number, act: () => void): () => void {
	let due = false;
	return () => {
		if (due) return;
		due = true;
		setTimeout(() => {
			due = false;
			act();
		}, delayMs).unref();
	};
}
