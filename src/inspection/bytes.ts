/** Reads numbers and texts out of bytes. Offsets must lie inside; parsers check the length first. */

export function view(bytes: Uint8Array): DataView {
	return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** One character a byte. */
export function latin1(bytes: Uint8Array): string {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** `signature`: one character a byte. */
export function hasAt(bytes: Uint8Array, offset: number, signature: string): boolean {
	return latin1(bytes.subarray(offset, offset + signature.length)) === signature;
}

export function isZero(bytes: Uint8Array): boolean {
	return bytes.every((byte) => byte === 0);
}

export function isSame(a: Uint8Array, b: Uint8Array): boolean {
	return Buffer.compare(a, b) === 0;
}

/** Null for what a number does not hold exactly: more than 8 PiB. */
export function toCount(value: bigint): number | null {
	return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : null;
}
