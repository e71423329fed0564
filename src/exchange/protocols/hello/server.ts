/** The listener's half of hello, the only thing a stranger may say. Whoever proves nothing loses the connection at once. */
import type { Connection, Stream } from '@libp2p/interface';
import { ImageError } from '#domain/errors.ts';
import { openFrames } from '#exchange/frames.ts';
import type { Gate, Standing } from '#exchange/gate.ts';
import type { Limits } from '#exchange/limits.ts';
import { errorFrom, refusalOf } from '#exchange/refusals.ts';
import { malformed } from '#exchange/wire.ts';
import type { Membership } from '#fleet/ports.ts';
import type { Log } from '#lib/log.ts';
import { MAX_HELLO_BYTES } from './constants.ts';
import { decodeHello, encodeHello, type Greeting } from './messages.ts';

export interface HelloServerOptions {
	readonly membership: Membership;
	readonly gate: Gate;
	readonly limits: Pick<Limits, 'helloTimeoutMs'>;
	readonly log: Log;
	/** Both sides have proved membership on this connection. */
	readonly onMember: (standing: Standing, connection: Connection) => void;
}

export function createHelloServer({ membership, gate, limits, log, onMember }: HelloServerOptions) {
	/** Who it is, and the certificate it shall be given, if any. */
	async function judge(peer: string, greeting: Greeting): Promise<{ standing: Standing; issued?: string }> {
		const issued =
			'token' in greeting ? await membership.redeem(greeting.token, peer) : await membership.renew(peer, greeting.certificate);
		const shown = 'token' in greeting ? issued : greeting.certificate;
		const standing = shown === undefined ? undefined : gate.prove(peer, shown);
		if (standing === undefined) throw new ImageError('forbidden', 'the certificate is not valid for this peer in this fleet');
		return { standing, ...(issued !== undefined && { issued }) };
	}

	return async function serveHello(stream: Stream, connection: Connection): Promise<void> {
		const peer = connection.remotePeer.toString();
		const signal = AbortSignal.timeout(limits.helloTimeoutMs);
		const channel = openFrames(stream, { maxFrameBytes: MAX_HELLO_BYTES });
		try {
			const frame = await channel.read({ signal });
			if (frame === undefined) throw malformed('hello', 'ended before it began');
			const greeting = decodeHello(frame);
			if (greeting.type !== 'greeting') throw malformed(greeting.type, 'came instead of a greeting');
			const { standing, issued } = await judge(peer, greeting);
			const welcome = {
				type: 'welcome',
				certificate: membership.certificate(),
				...(issued !== undefined && { issued }),
			} as const;
			await channel.write(encodeHello(welcome), { signal });

			const last = await channel.read({ signal });
			const settled = last === undefined ? undefined : decodeHello(last);
			if (settled?.type === 'refused') throw errorFrom(settled.refusal, 'the dialler refused this node');
			if (settled?.type !== 'settled') throw malformed('hello', 'was not settled');
			if (settled.issued !== undefined) await membership.accept(settled.issued);
			await channel.close({ signal });
			onMember(standing, connection);
		} catch (error) {
			gate.forget(peer);
			const refusal = refusalOf(error);
			log.info({ peer, address: connection.remoteAddr.toString(), ...refusal }, 'a peer was refused at the gate');
			await channel
				.write(encodeHello({ type: 'refused', refusal }), { signal })
				.then(() => channel.close({ signal }))
				.catch(() => {});
			await connection.close().catch((cause) => connection.abort(cause));
		}
	};
}
