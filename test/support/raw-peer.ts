/** A libp2p peer that is not a Sundog node: it can prove membership or not, and says on each protocol whatever a test wants. */
import type { Connection, Stream } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { createGate } from '#exchange/gate.ts';
import { createHost } from '#exchange/host.ts';
import { DEFAULT_LIMITS } from '#exchange/limits.ts';
import { greet } from '#exchange/protocols/hello/client.ts';
import { silentLog } from '#lib/log.ts';
import { type TestFleet, type TestIdentity, testIdentity } from './exchange-parts.ts';
import type { TestNode } from './test-node.ts';

export interface RawPeer extends AsyncDisposable {
	readonly identity: TestIdentity;
	/** The connection alone, nothing proved. */
	dial(node: TestNode): Promise<Connection>;
	/** The connection with hello done as a member. */
	join(node: TestNode): Promise<Connection>;
}

export interface RawPeerOptions {
	readonly fleet: TestFleet;
	readonly handlers?: Readonly<Record<string, (stream: Stream) => void | Promise<void>>>;
}

export async function startRawPeer({ fleet, handlers = {} }: RawPeerOptions): Promise<RawPeer> {
	const identity = await testIdentity();
	const membership = fleet.membership(identity.peer, { site: 'elsewhere' });
	const gate = createGate({ membership, limits: DEFAULT_LIMITS, now: Date.now, log: silentLog });
	const { node: host } = await createHost({ seed: identity.seed, listen: [], gater: {}, limits: DEFAULT_LIMITS, log: silentLog });
	for (const [protocol, handler] of Object.entries(handlers)) await host.handle(protocol, handler, { maxInboundStreams: 1000 });
	await host.start();
	const dial = (node: TestNode): Promise<Connection> => host.dial(multiaddr(node.address()));
	return {
		identity,
		dial,
		async join(node) {
			const connection = await dial(node);
			await greet(connection, { membership, gate, limits: DEFAULT_LIMITS, signal: AbortSignal.timeout(5_000) });
			return connection;
		},
		async [Symbol.asyncDispose]() {
			gate.stop();
			await host.stop();
		},
	};
}

/** Resolves with what has come when the stream ends, is reset or its connection goes. */
export function drain(stream: Stream): Promise<Buffer> {
	const pieces: Uint8Array[] = [];
	const { promise, resolve } = Promise.withResolvers<Buffer>();
	const done = (): void => resolve(Buffer.concat(pieces));
	stream.addEventListener('message', ({ data }) => pieces.push(data.subarray()));
	stream.addEventListener('close', done);
	stream.addEventListener('end', done);
	if (stream.status !== 'open') done();
	return promise;
}

export function closed(target: Stream | Connection): Promise<void> {
	const { promise, resolve } = Promise.withResolvers<void>();
	const { addEventListener } = target as Pick<Stream, 'addEventListener'>;
	addEventListener.call(target, 'close', () => resolve(), { once: true });
	if (target.status !== 'open') resolve();
	return promise;
}

export function frame(payload: Uint8Array): Buffer {
	const length = Buffer.alloc(4);
	length.writeUInt32BE(payload.byteLength);
	return Buffer.concat([length, payload]);
}
