/** Every bound of the peers' door that is not a fact of one protocol. docs/peer-protocol.md §9 lists them. */
import { KiB, MiB } from '#lib/sizes.ts';

export interface Limits {
	/** members this node keeps connections to */
	readonly maxMembers: number;
	/** connections of any kind, both directions */
	readonly maxConnections: number;
	/** inbound connections that have not finished Noise */
	readonly maxPendingInbound: number;
	/** new inbound connections per second from one address */
	readonly inboundPerSecond: number;
	/** connected peers that have not proved membership */
	readonly maxProbation: number;
	/** how long one of them may take to prove it */
	readonly probationMs: number;
	/** and how much it may send meanwhile, on the wire */
	readonly probationBytes: number;
	/** streams of all protocols that one connection may have open towards this node */
	readonly maxInboundStreams: number;
	/** TCP, Noise and muxer of one dial */
	readonly dialTimeoutMs: number;
	/** opening a stream, protocol negotiation included */
	readonly openTimeoutMs: number;
	/** one hello conversation; a redeemed token may need a durable write on the other side */
	readonly helloTimeoutMs: number;
	/** a member repeats hello on a living connection: renewal, and proof that its certificate is still good */
	readonly helloEveryMs: number;
	/** how often certificates of connected members are looked at again */
	readonly reviewEveryMs: number;
	/** first and last pause between dials of one peer */
	readonly redialMinMs: number;
	readonly redialMaxMs: number;
	/** yamux: how far the receive window of a stream may grow */
	readonly streamWindowBytes: number;
	/** what a paused stream may hold; must exceed the window */
	readonly readBufferBytes: number;
	/** a silent log subscription says something this often, and is given up after that long without a word */
	readonly recordsBeatMs: number;
	readonly recordsSilenceMs: number;
	/** about this many bytes of log entries in one batch */
	readonly recordsBatchBytes: number;
	/** one `receive` of the catalogue: verify, fold, make durable */
	readonly recordsTakeMs: number;
	/** streams of blocks/1 that one member may have open towards this node, and this node towards one member */
	readonly maxBlockStreams: number;
	/** blocks asked for and not yet sent, on one stream */
	readonly maxOutstandingBlocks: number;
	/** block requests per second of one member, and how many of them may come at once */
	readonly blockRequestsPerSecond: number;
	readonly blockRequestBurst: number;
	/** conversations (streams) that one member may open per second, and at once */
	readonly streamsPerSecond: number;
	readonly streamBurst: number;
	/** a reader that takes no byte for so long is reset */
	readonly blockStallMs: number;
	/** a conversation without a request for so long is ended */
	readonly blockIdleMs: number;
	/** a source that sends no byte for so long, with requests outstanding, is given up */
	readonly blockSilenceMs: number;
	/** while others wait for a conversation with the same peer, one that is busy has it for so long at a time */
	readonly blockTurnMs: number;
	/** fetches that one session keeps outstanding */
	readonly blockDepth: number;
	/** buffers of one block each for all readers together */
	readonly serveSlots: number;
	/** a peer that sent wrong bytes is avoided: first time this long, doubled with each further one */
	readonly penaltyMs: number;
	readonly maxPenaltyMs: number;
	/** a peer that failed otherwise (lost, slow, nothing there) is not asked again for so long */
	readonly coolDownMs: number;
}

export const DEFAULT_LIMITS: Limits = {
	maxMembers: 64,
	maxConnections: 160,
	maxPendingInbound: 32,
	inboundPerSecond: 64,
	maxProbation: 8,
	probationMs: 5_000,
	probationBytes: 128 * KiB,
	maxInboundStreams: 64,
	dialTimeoutMs: 10_000,
	openTimeoutMs: 10_000,
	helloTimeoutMs: 10_000,
	helloEveryMs: 3_600_000,
	reviewEveryMs: 30_000,
	redialMinMs: 1_000,
	redialMaxMs: 30_000,
	streamWindowBytes: 8 * MiB,
	readBufferBytes: 16 * MiB,
	recordsBeatMs: 15_000,
	recordsSilenceMs: 45_000,
	recordsBatchBytes: 512 * KiB,
	recordsTakeMs: 60_000,
	maxBlockStreams: 4,
	maxOutstandingBlocks: 64,
	blockRequestsPerSecond: 8_192,
	blockRequestBurst: 1_024,
	streamsPerSecond: 64,
	streamBurst: 128,
	blockStallMs: 60_000,
	blockIdleMs: 300_000,
	blockSilenceMs: 30_000,
	blockTurnMs: 500,
	blockDepth: 16,
	serveSlots: 48,
	penaltyMs: 600_000,
	maxPenaltyMs: 86_400_000,
	coolDownMs: 2_000,
};
