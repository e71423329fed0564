/** One direction of a Noise transport: ChaCha20-Poly1305 with a counter, into buffers that the caller chose. */
import { ImageError } from '#domain/errors.ts';
import { MAX_COUNTER } from './constants.ts';

type Sodium = typeof import('sodium-native');

export interface Sealer {
	/** `sealed` is 16 bytes longer than `plain` and may begin where it begins. */
	seal(plain: Uint8Array, sealed: Uint8Array): void;
}

export interface Opener {
	/** `plain` is 16 bytes shorter than `sealed` and may begin where it begins. `corrupt` when the tag does not fit. */
	open(sealed: Uint8Array, plain: Uint8Array): void;
}

/** Undefined where no prebuilt library fits this machine. */
export async function loadSodium(): Promise<Sodium | undefined> {
	try {
		const sodium = await import('sodium-native');
		return typeof sodium.crypto_aead_chacha20poly1305_ietf_encrypt === 'function' ? sodium : undefined;
	} catch {
		return undefined;
	}
}

export function createSealer(sodium: Sodium, key: Uint8Array): Sealer {
	const nonce = createNonce();
	return {
		seal(plain, sealed) {
			sodium.crypto_aead_chacha20poly1305_ietf_encrypt(sealed, plain, null, null, nonce.next(), key);
		},
	};
}

export function createOpener(sodium: Sodium, key: Uint8Array): Opener {
	const nonce = createNonce();
	return {
		open(sealed, plain) {
			try {
				sodium.crypto_aead_chacha20poly1305_ietf_decrypt(plain, null, sealed, null, nonce.next(), key);
			} catch (cause) {
				throw new ImageError('corrupt', 'a message does not carry the tag of its connection', { cause });
			}
		},
	};
}

/** 4 zero bytes and a little-endian counter. The same bytes are handed out each time. */
function createNonce(): { next(): Uint8Array } {
	const bytes = Buffer.alloc(12);
	let counter = 0;
	return {
		next() {
			if (counter > MAX_COUNTER)
				throw new ImageError('unavailable', 'the connection has sent all messages that its keys are good for');
			bytes.writeUInt32LE(counter++, 4);
			return bytes;
		},
	};
}
