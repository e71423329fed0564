/** The dialler's half of hello: shows a proof, checks the listener's, takes and gives renewed certificates. */
import type { Connection } from '@libp2p/interface';
import { ImageError } from '#domain/errors.ts';
import { type FrameChannel, openFrames } from '#exchange/frames.ts';
import type { Gate, Standing } from '#exchange/gate.ts';
import type { Limits } from '#exchange/limits.ts';
import { errorFrom } from '#exchange/refusals.ts';
import { malformed } from '#exchange/wire.ts';
import type { Membership } from '#fleet/ports.ts';
import { HELLO_PROTOCOL, MAX_HELLO_BYTES } from './constants.ts';
import { decodeHello, encodeHello, type Greeting, type Welcome } from './messages.ts';

export interface GreetOptions {
	readonly membership: Membership;
	readonly gate: Gate;
	readonly limits: Pick<Limits, 'helloTimeoutMs'>;
	readonly signal: AbortSignal;
}

/** Resolves when both sides have proved membership. `forbidden` with the listener's reason, or when its own proof fails. */
export async function greet(connection: Connection, options: GreetOptions): Promise<Standing> {
	const { membership, gate, limits } = options;
	const peer = connection.remotePeer.toString();
	const signal = AbortSignal.any([options.signal, AbortSignal.timeout(limits.helloTimeoutMs)]);
	return converse(connection, signal, async (channel) => {
		const welcome = await present(channel, { type: 'greeting', certificate: membership.certificate() }, signal);
		const standing = gate.prove(peer, welcome.certificate);
		if (standing === undefined) {
			const refusal = { code: 'forbidden', reason: 'the certificate is not valid for this peer in this fleet' } as const;
			await channel.write(encodeHello({ type: 'refused', refusal }), { signal });
			throw new ImageError('forbidden', `peer ${peer} did not prove membership of the fleet`);
		}
		const renewed = await membership.renew(peer, welcome.certificate);
		await channel.write(encodeHello({ type: 'settled', ...(renewed !== undefined && { issued: renewed }) }), { signal });
		if (welcome.issued !== undefined) await membership.accept(welcome.issued);
		return standing;
	});
}

/** Presents a one-time token and returns the certificate issued for it, unverified. */
export async function redeem(connection: Connection, token: string, signal: AbortSignal): Promise<string> {
	return converse(connection, signal, async (channel) => {
		const welcome = await present(channel, { type: 'greeting', token }, signal);
		if (welcome.issued === undefined) throw malformed('welcome', 'carries no certificate for the token');
		await channel.write(encodeHello({ type: 'settled' }), { signal });
		return welcome.issued;
	});
}

async function present(channel: FrameChannel, greeting: Greeting, signal: AbortSignal): Promise<Welcome> {
	await channel.write(encodeHello(greeting), { signal });
	const frame = await channel.read({ signal });
	if (frame === undefined) throw new ImageError('unavailable', 'the peer ended hello without an answer');
	const answer = decodeHello(frame);
	if (answer.type === 'refused') throw errorFrom(answer.refusal, 'the peer refused this node');
	if (answer.type !== 'welcome') throw malformed(answer.type, 'came instead of a welcome');
	return answer;
}

async function converse<T>(connection: Connection, signal: AbortSignal, talk: (channel: FrameChannel) => Promise<T>): Promise<T> {
	const stream = await connection.newStream([HELLO_PROTOCOL], { signal });
	const channel = openFrames(stream, { maxFrameBytes: MAX_HELLO_BYTES });
	try {
		const result = await talk(channel);
		await channel.close({ signal });
		return result;
	} catch (error) {
		channel.abort(error as Error);
		throw error;
	}
}
