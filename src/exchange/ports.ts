/** What the peers' door offers upwards. */
import type { BlockSources } from '#content/ports.ts';

export interface PeerExchange extends AsyncDisposable {
	/** multiaddrs with /p2p/<peer id>, as dialled by others */
	addresses(): readonly string[];
	peers(): readonly PeerInfo[];
	/** Holders among the connected peers, nearest first. */
	readonly sources: BlockSources;
}

export interface PeerInfo {
	readonly node: string;
	readonly site: string;
	readonly address: string;
	/** UTC milliseconds */
	readonly since: number;
}
