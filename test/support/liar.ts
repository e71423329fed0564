/**
 * A member that lies: it has the key, the certificate and the address of a real node, says hello as one should, and
 * answers for blocks with something else. Only what leaves the wire is false; everything around it is the product's.
 */
import { hash } from 'node:crypto';
import { join } from 'node:path';
import type { Connection, Stream } from '@libp2p/interface';
import { Uint8ArrayList } from 'uint8arraylist';
import type { LogFeed } from '#catalogue/ports.ts';
import type { ContentRef } from '#domain/image.ts';
import { openFrames } from '#exchange/frames.ts';
import { createGate } from '#exchange/gate.ts';
import { createHost, registerProtocol } from '#exchange/host.ts';
import { DEFAULT_LIMITS } from '#exchange/limits.ts';
import {
	ANSWER_HEADER_BYTES,
	BLOCKS_PROTOCOL,
	MAX_OPEN_FRAME_BYTES,
	REQUEST_BYTES,
} from '#exchange/protocols/blocks/constants.ts';
import {
	blockCount,
	blockLength,
	decodeOpen,
	decodeRequest,
	encodeAnswerHeader,
	encodeOpenAnswer,
	type Request,
} from '#exchange/protocols/blocks/messages.ts';
import { helloProtocol } from '#exchange/protocols/hello/index.ts';
import { recordsProtocol } from '#exchange/protocols/records/index.ts';
import { createMembership } from '#fleet/membership.ts';
import { openNodeKey } from '#fleet/node-key.ts';
import { gainStanding } from '#fleet/standing.ts';
import { silentLog } from '#lib/log.ts';
import type { SampleContent } from './sample-content.ts';

export const LIES = ['flipped', 'swapped', 'truncated', 'cut off', 'reordered', 'oversized', 'noise', 'false manifest'] as const;
export type Lie = (typeof LIES)[number];

export interface Liar extends AsyncDisposable {
	/** blocks it was asked for */
	asked(): number;
}

export interface LiarOptions {
	/** of a node that has joined the fleet and is not running */
	readonly dataDir: string;
	readonly site: string;
	/** multiaddr to listen on */
	readonly listen: string;
	readonly lie: Lie;
	/** what it pretends to hold */
	readonly content: SampleContent;
	readonly blockSize: number;
}

const EMPTY_FEED: LogFeed = {
	vector: () => new Map(),
	missing: async () => [],
	receive: async () => ({ accepted: 0, gaps: 0 }),
	onGrowth: () => () => {},
};

export async function startLiar(options: LiarOptions): Promise<Liar> {
	const { dataDir, site, listen } = options;
	const clock = Date.now;
	const nodeKey = await openNodeKey(join(dataDir, 'identity.key'));
	const standing = await gainStanding({
		dataDir,
		nodeKey,
		site,
		hasBootstrap: true,
		clock,
		redeem: () => Promise.reject(new Error('a liar has joined before')),
	});
	const membership = createMembership({ node: nodeKey.peerId, standing, nodes: () => [], save: async () => {}, clock });
	const limits = DEFAULT_LIMITS;
	const gate = createGate({ membership, limits, now: clock, log: silentLog });
	const { node: host } = await createHost({ seed: nodeKey.seed, listen: [listen], gater: gate.gater, limits, log: silentLog });
	const closing = new AbortController();
	const counter = { asked: 0 };
	const protocols = [
		helloProtocol({ membership, gate, limits, log: silentLog, onMember() {} }),
		recordsProtocol({ feed: EMPTY_FEED, limits, signal: closing.signal }),
		{
			id: BLOCKS_PROTOCOL,
			maxInboundStreams: 16,
			maxOutboundStreams: 16,
			forStrangers: false,
			serve: (stream: Stream, _connection: Connection) => serveLies(stream, options, counter, closing.signal),
		},
	];
	for (const protocol of protocols) await registerProtocol(host, protocol, gate, silentLog);
	await host.start();
	return {
		asked: () => counter.asked,
		async [Symbol.asyncDispose]() {
			closing.abort();
			gate.stop();
			await host.stop();
		},
	};
}

async function serveLies(stream: Stream, options: LiarOptions, counter: { asked: number }, closing: AbortSignal): Promise<void> {
	const { content, blockSize, lie } = options;
	const ref: ContentRef = { root: '', size: content.size, blockSize };
	const channel = openFrames(stream, { maxFrameBytes: MAX_OPEN_FRAME_BYTES });
	const frame = await channel.read({ signal: closing });
	if (frame === undefined) return;
	decodeOpen(frame);
	await channel.write(encodeOpenAnswer({ type: 'accepted', size: ref.size, blockSize }), { signal: closing });

	const received = new Uint8ArrayList(...channel.detach());
	const held: Request[] = [];
	const takeRequests = (): void => {
		while (received.byteLength >= REQUEST_BYTES && stream.status === 'open') {
			const request = decodeRequest(received.slice(0, REQUEST_BYTES));
			received.consume(REQUEST_BYTES);
			counter.asked++;
			if (lie !== 'reordered' || request.kind === 'manifest') answerOne(stream, ref, request, options);
			else if (held.push(request) === 2)
				for (const late of held.splice(0).reverse()) answerOne(stream, ref, late, { ...options, lie: 'reordered' });
		}
	};
	await new Promise<void>((resolve) => {
		stream.addEventListener('message', ({ data }) => {
			received.append(data);
			takeRequests();
		});
		stream.addEventListener('close', () => resolve());
		closing.addEventListener('abort', () => resolve());
		takeRequests();
	});
}

/** What goes on the wire for one block: header and body, of which one or both are false. */
interface Falsehood {
	readonly index: number;
	readonly truth: Buffer;
	readonly another: Buffer;
}

/** Lies about single blocks: what is sent after the header, and how long the header says it is. */
const FALSEHOODS: Readonly<Partial<Record<Lie, (block: Falsehood) => { readonly body: Buffer; readonly declared?: number }>>> = {
	flipped({ index, truth }) {
		const at = (index * 4099) % truth.length;
		truth[at] = (truth[at] as number) ^ 1;
		return { body: truth };
	},
	swapped: ({ truth, another }) => ({ body: another.subarray(0, truth.length) }),
	truncated: ({ truth }) => ({ body: truth.subarray(0, truth.length >> 1) }),
	'cut off': ({ truth }) => ({ body: truth.subarray(0, truth.length >> 1), declared: truth.length }),
	oversized: ({ truth }) => ({ body: Buffer.concat([truth, Buffer.alloc(ANSWER_HEADER_BYTES, 1)]) }),
};

/** Send buffers are not waited for: what is asked for at once is bounded by the asker. */
function answerOne(stream: Stream, ref: ContentRef, { index, kind }: Request, { content, lie }: LiarOptions): void {
	const blockAt = (at: number) => content.slice(at * ref.blockSize, at * ref.blockSize + blockLength(ref, at));
	if (kind === 'manifest') {
		const count = blockCount(ref);
		const digests = Array.from({ length: count - index }, (_, at) =>
			hash('sha256', blockAt((index + at + (lie === 'false manifest' ? 1 : 0)) % count), 'buffer'),
		);
		const body = Buffer.concat(digests);
		stream.send(new Uint8ArrayList(encodeAnswerHeader({ kind, index, length: body.length }), body));
		return;
	}
	const truth = blockAt(index);
	if (lie === 'noise') {
		stream.send(Buffer.alloc(truth.length, index + 1));
		return;
	}
	const { body, declared = body.length } = FALSEHOODS[lie]?.({ index, truth, another: blockAt(index === 0 ? 1 : 0) }) ?? {
		body: truth,
	};
	stream.send(new Uint8ArrayList(encodeAnswerHeader({ kind, index, length: declared }), body));
	if (lie === 'cut off') stream.abort(new Error('cut off'));
}
