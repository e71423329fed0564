/**
 * Noise XX as libp2p speaks it, with the handshake of `@libp2p/noise` and a transport of our own that costs half the
 * processor time. Peers cannot tell the difference: docs/decisions/0004-peer-transport.md has the figures.
 */
import type { ConnectionEncrypter, MessageStream, SecureConnectionOptions, SecuredConnection } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { createOpener, createSealer, loadSodium } from './cipher.ts';
import { MAX_IDLE_PARTS, MAX_IDLE_SLOTS, MAX_MESSAGE_BYTES, SLOT_BYTES } from './constants.ts';
import {
	generateX25519KeyPair,
	HandshakeTap,
	MESSAGES_TO_DIALLER,
	MESSAGES_TO_LISTENER,
	revealingCrypto,
	type TransportKeys,
} from './handshake.ts';
import { SealedStream } from './sealed-stream.ts';
import { createSlots } from './slots.ts';

type NoiseFactory = ReturnType<typeof noise>;
type NoiseComponents = Parameters<NoiseFactory>[0];
type Extensions = SecuredConnection<unknown>['remoteExtensions'];

/** Undefined where the native library does not load: use the stock one, which speaks the same. */
export async function tunedNoise(): Promise<NoiseFactory | undefined> {
	const sodium = await loadSodium();
	if (sodium === undefined) return undefined;
	const slots = createSlots({ slotBytes: SLOT_BYTES, maxIdle: MAX_IDLE_SLOTS });
	const parts = createSlots({ slotBytes: MAX_MESSAGE_BYTES, maxIdle: MAX_IDLE_PARTS });

	return (components: NoiseComponents) => {
		const staticKey = generateX25519KeyPair();

		async function secure(wire: MessageStream, options: SecureConnectionOptions | undefined, dials: boolean) {
			let keys: TransportKeys | undefined;
			const crypto = revealingCrypto(staticKey, (revealed) => {
				keys = revealed;
			});
			const stock = noise({ crypto, staticNoiseKey: staticKey.privateKey })(components);
			const tap = new HandshakeTap(wire, dials ? MESSAGES_TO_DIALLER : MESSAGES_TO_LISTENER);
			try {
				const secured = await (dials ? stock.secureOutbound(tap, options) : stock.secureInbound(tap, options));
				if (keys === undefined) throw new Error('the handshake has ended without keys');
				const { forward, backward } = keys;
				const connection = new SealedStream({
					wire,
					sealer: createSealer(sodium as NonNullable<typeof sodium>, dials ? forward : backward),
					opener: createOpener(sodium as NonNullable<typeof sodium>, dials ? backward : forward),
					early: tap.detach(),
					slots,
					parts,
				});
				return { ...secured, connection };
			} catch (error) {
				tap.detach();
				throw error;
			}
		}

		return {
			protocol: '/noise',
			secureOutbound: (wire, options) => secure(wire, options, true),
			secureInbound: (wire, options) => secure(wire, options, false),
		} as ConnectionEncrypter<Extensions> as ReturnType<NoiseFactory>;
	};
}
