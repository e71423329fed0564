/**
 * Lets stock Noise do the handshake and nothing after it. The library's public crypto hook shows the two transport keys
 * when they are made (the split, the only derivation without input); a tap in front of the wire hands the library exactly
 * the messages that the handshake has, so that the first byte after them is still ours.
 */
import { createHash, createHmac, createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync } from 'node:crypto';
import type { MessageStream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface';
import { type ICryptoInterface, type KeyPair, pureJsCrypto } from '@libp2p/noise';
import { AbstractMessageStream, type SendResult } from '@libp2p/utils';
import { Uint8ArrayList } from 'uint8arraylist';
import { LENGTH_BYTES } from './constants.ts';

/** XX has three messages: the dialler reads the second, the listener the first and the third. */
export const MESSAGES_TO_DIALLER = 1;
export const MESSAGES_TO_LISTENER = 2;

export interface TransportKeys {
	/** from the dialler to the listener, and back */
	readonly forward: Uint8Array;
	readonly backward: Uint8Array;
}

const PKCS8_X25519 = Buffer.from('302e020100300506032b656e04220420', 'hex');
const SPKI_X25519 = Buffer.from('302a300506032b656e032100', 'hex');

/** The library's crypto with Node's own primitives, telling the keys of the one handshake it is made for. */
export function revealingCrypto(staticKey: KeyPair, onKeys: (keys: TransportKeys) => void): ICryptoInterface {
	return {
		...pureJsCrypto,
		hashSHA256: (data) => createHash('sha256').update(data.subarray()).digest(),
		getHKDF(chainingKey, input) {
			const [first, second, third] = deriveThree(chainingKey, input);
			if (input.byteLength === 0) onKeys({ forward: Uint8Array.from(first), backward: Uint8Array.from(second) });
			return [first, second, third];
		},
		generateX25519KeyPair,
		generateX25519KeyPairFromSeed: () => staticKey,
		generateX25519SharedKey: (privateKey, publicKey) =>
			diffieHellman({
				privateKey: createPrivateKey({ key: Buffer.concat([PKCS8_X25519, privateKey.subarray()]), type: 'pkcs8', format: 'der' }),
				publicKey: createPublicKey({ key: Buffer.concat([SPKI_X25519, publicKey.subarray()]), type: 'spki', format: 'der' }),
			}),
	};
}

export function generateX25519KeyPair(): KeyPair {
	const { publicKey, privateKey } = generateKeyPairSync('x25519', {
		publicKeyEncoding: { type: 'spki', format: 'der' },
		privateKeyEncoding: { type: 'pkcs8', format: 'der' },
	});
	return { publicKey: publicKey.subarray(SPKI_X25519.byteLength), privateKey: privateKey.subarray(PKCS8_X25519.byteLength) };
}

/** HKDF of the Noise specification, §4.3, with SHA-256 and three outputs. */
function deriveThree(chainingKey: Uint8Array, input: Uint8Array): [Buffer, Buffer, Buffer] {
	const hmac = (key: Uint8Array, ...parts: Uint8Array[]): Buffer => {
		const mac = createHmac('sha256', key);
		for (const part of parts) mac.update(part);
		return mac.digest();
	};
	const temporary = hmac(chainingKey, input);
	const first = hmac(temporary, Buffer.of(1));
	const second = hmac(temporary, first, Buffer.of(2));
	return [first, second, hmac(temporary, second, Buffer.of(3))];
}

/** What the library sees as the wire while it shakes hands. */
export class HandshakeTap extends AbstractMessageStream {
	readonly #wire: MessageStream;
	readonly #received = new Uint8ArrayList();
	#due: number;

	constructor(wire: MessageStream, messagesDue: number) {
		super({ log: wire.log, direction: wire.direction, maxReadBufferLength: wire.maxReadBufferLength });
		this.#wire = wire;
		this.#due = messagesDue;
		wire.addEventListener('message', this.#onMessage);
		wire.addEventListener('drain', this.#onDrain);
		wire.addEventListener('close', this.#onClose);
	}

	/** Ends the tap; the wire stays paused. Returns what came after the handshake. */
	detach(): Uint8ArrayList {
		this.#wire.removeEventListener('message', this.#onMessage);
		this.#wire.removeEventListener('drain', this.#onDrain);
		this.#wire.removeEventListener('close', this.#onClose);
		return this.#received;
	}

	readonly #onMessage = ({ data }: StreamMessageEvent): void => {
		this.#received.append(data);
		while (this.#due > 0 && this.#received.byteLength >= LENGTH_BYTES) {
			const end = LENGTH_BYTES + this.#received.getUint16(0);
			if (this.#received.byteLength < end) return;
			this.#due--;
			// nothing may pile up between the last message and the handover
			if (this.#due === 0) this.#wire.pause();
			const message = this.#received.sublist(0, end);
			this.#received.consume(end);
			this.onData(message);
		}
	};
	readonly #onDrain = (): void => {
		this.safeDispatchEvent('drain');
	};
	readonly #onClose = ({ error }: StreamCloseEvent): void => {
		if (error === undefined) this.onTransportClosed();
		else this.abort(error);
	};

	sendData(data: Uint8ArrayList): SendResult {
		return { sentBytes: data.byteLength, canSendMore: this.#wire.send(data) };
	}
	sendReset(error: Error): void {
		this.#wire.abort(error);
	}
	sendPause(): void {}
	sendResume(): void {}
	async close(): Promise<void> {
		await this.#wire.close();
	}
}
