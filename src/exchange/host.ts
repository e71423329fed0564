/**
 * The libp2p node: TCP, Noise, yamux, and every limit said aloud. What a stranger can learn of it ends with its key and
 * the name of hello: identify answers members only, and no protocol handler reads a byte before the gate has spoken.
 */
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { identify } from '@libp2p/identify';
import type { ComponentLogger, Connection, ConnectionGater, Libp2p, Logger, Stream } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { createLibp2p } from 'libp2p';
import { ImageError } from '#domain/errors.ts';
import type { Log } from '#lib/log.ts';
import { boundedYamux } from './bounded-yamux.ts';
import type { Limits } from './limits.ts';
import type { Protocol } from './protocols/protocol.ts';
import { tunedNoise } from './tuned-noise/tuned-noise.ts';

export interface HostOptions {
	/** 32 bytes, the ed25519 private seed */
	readonly seed: Uint8Array;
	/** multiaddrs; none for a node that only dials */
	readonly listen: readonly string[];
	readonly gater: ConnectionGater;
	readonly limits: Limits;
	/** default `tuned`, where its native library loads */
	readonly noise?: 'tuned' | 'stock';
	readonly log: Log;
}

export interface Host {
	readonly node: Libp2p;
	/** what is given to a stream has been taken over once the stream's write buffer is empty: its memory may be used again */
	readonly takesBytes: boolean;
}

/** Created, not started: protocols are registered first. */
export async function createHost({ seed, listen, gater, limits, noise: wanted, log }: HostOptions): Promise<Host> {
	// the noise library prints session keys to standard output when it is set
	if (process.env.DUMP_SESSION_KEYS !== undefined)
		throw new ImageError('invalid', 'refusing to start while DUMP_SESSION_KEYS is set: it prints the keys of every connection');
	const tuned = wanted === 'stock' ? undefined : await tunedNoise();
	if (tuned === undefined) log.info({}, 'connections use stock noise');
	const node = await createLibp2p({
		start: false,
		privateKey: await generateKeyPairFromSeed('Ed25519', seed),
		addresses: { listen: [...listen] },
		nodeInfo: { name: 'sundog', version: '1', userAgent: 'sundog/1' },
		transports: [tcp({ maxConnections: limits.maxConnections, backlog: 128 })],
		connectionEncrypters: [tuned ?? noise()],
		streamMuxers: [boundedYamux(limits)],
		connectionManager: {
			maxConnections: limits.maxConnections,
			maxIncomingPendingConnections: limits.maxPendingInbound,
			inboundConnectionThreshold: limits.inboundPerSecond,
			dialTimeout: limits.dialTimeoutMs,
			addressDialTimeout: limits.dialTimeoutMs,
			inboundUpgradeTimeout: limits.dialTimeoutMs,
			inboundStreamProtocolNegotiationTimeout: limits.openTimeoutMs,
			outboundStreamProtocolNegotiationTimeout: limits.openTimeoutMs,
			reconnectRetries: 0,
		},
		// records/1 beats on every connection: a second heartbeat would only be a second truth
		connectionMonitor: { enabled: false },
		connectionGater: gater,
		logger: silentComponents,
		services: { identify: identify({ runOnConnectionOpen: false, maxObservedAddresses: 0 }) },
	});
	return { node, takesBytes: tuned !== undefined };
}

export interface Doorkeeper {
	admits(peer: string): boolean;
}

/** Registers a protocol behind the gate. */
export async function registerProtocol(host: Libp2p, protocol: Protocol, gate: Doorkeeper, log: Log): Promise<void> {
	const { id, maxInboundStreams, maxOutboundStreams, forStrangers } = protocol;
	const handle = (stream: Stream, connection: Connection): void => {
		if (!forStrangers && !gate.admits(connection.remotePeer.toString())) {
			refuse(stream, connection, id, log);
			return;
		}
		protocol.serve(stream, connection).catch((error: Error) => {
			log.debug({ protocol: id, peer: connection.remotePeer.toString(), error: error.message }, 'a conversation failed');
			stream.abort(error);
		});
	};
	await host.handle(id, handle, { maxInboundStreams, maxOutboundStreams });
}

const IDENTIFY_PROTOCOL = '/ipfs/id/1.0.0';

/** Identify tells addresses and protocols: members only. */
export function guardIdentify(host: Libp2p, gate: Doorkeeper, log: Log): void {
	host.use(IDENTIFY_PROTOCOL, (stream, connection, next) => {
		const stranger = stream.direction === 'inbound' && !gate.admits(connection.remotePeer.toString());
		if (stranger) refuse(stream, connection, IDENTIFY_PROTOCOL, log);
		else next(stream, connection);
	});
}

function refuse(stream: Stream, connection: Connection, protocol: string, log: Log): void {
	log.info({ protocol, peer: connection.remotePeer.toString() }, 'a stranger was refused');
	const reason = new ImageError('forbidden', 'membership is not proved');
	stream.abort(reason);
	connection.abort(reason);
}

/** libp2p's own log is for its developers; formatting it for nobody costs a few percent of a transfer. */
const silentLogger: Logger = Object.assign(() => {}, {
	enabled: false,
	error() {},
	trace() {},
	newScope: () => silentLogger,
});
const silentComponents: ComponentLogger = { forComponent: () => silentLogger };
