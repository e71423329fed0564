/** The two functions of the library that are used here. */
declare module 'sodium-native' {
	/** Seals `m` into `c`, which is 16 bytes longer; both may begin at the same place. */
	export function crypto_aead_chacha20poly1305_ietf_encrypt(
		c: Uint8Array,
		m: Uint8Array,
		ad: Uint8Array | null,
		nsec: null,
		npub: Uint8Array,
		k: Uint8Array,
	): number;
	/** Opens `c` into `m`, which is 16 bytes shorter; both may begin at the same place. Throws when the tag does not fit. */
	export function crypto_aead_chacha20poly1305_ietf_decrypt(
		m: Uint8Array,
		nsec: null,
		c: Uint8Array,
		ad: Uint8Array | null,
		npub: Uint8Array,
		k: Uint8Array,
	): number;
}
