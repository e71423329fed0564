/** The sending half of a transport: plaintext in pieces of any size becomes messages, several of them to one write. */
import type { Uint8ArrayList } from 'uint8arraylist';
import type { Sealer } from './cipher.ts';
import { GATHER_BYTES, LENGTH_BYTES, PLAIN_BYTES, TAG_BYTES } from './constants.ts';
import type { Slots } from './slots.ts';

export interface SealingOptions {
	readonly sealer: Sealer;
	/** for one write each */
	readonly slots: Slots;
	/** Takes the bytes of one write; `written` must be called when nobody reads them any more, or never. */
	readonly write: (bytes: Uint8Array, written: () => void) => void;
}

const OVERHEAD_BYTES = LENGTH_BYTES + TAG_BYTES;
/** Less than this is not worth a slot. */
const SMALL_BYTES = GATHER_BYTES;
const nothing = (): void => {};

/** When the returned function returns, all of `data` is sealed and written out: its memory is the caller's again. */
export function createSealing({ sealer, slots, write }: SealingOptions): (data: Uint8Array | Uint8ArrayList) => void {
	/** small pieces on their way into one message */
	const gathered = Buffer.allocUnsafeSlow(GATHER_BYTES * 2);
	let gatheredBytes = 0;
	/** the write being filled */
	let out: Buffer = gathered;
	let outBytes = 0;
	let release = nothing;

	function begin(buffer: Buffer, onWritten: () => void): void {
		out = buffer;
		outBytes = 0;
		release = onWritten;
	}

	function beginSlot(): void {
		const slot = slots.take();
		begin(slot, () => slots.give(slot));
	}

	function end(): void {
		if (outBytes > 0) write(out.subarray(0, outBytes), release);
		else release();
	}

	function sealMessage(plain: Uint8Array): void {
		const length = plain.byteLength + TAG_BYTES;
		if (outBytes + LENGTH_BYTES + length > out.byteLength) {
			end();
			beginSlot();
		}
		const start = outBytes + LENGTH_BYTES;
		out[start - 2] = length >> 8;
		out[start - 1] = length & 0xff;
		sealer.seal(plain, out.subarray(start, start + length));
		outBytes = start + length;
	}

	function sealGathered(): void {
		if (gatheredBytes === 0) return;
		sealMessage(gathered.subarray(0, gatheredBytes));
		gatheredBytes = 0;
	}

	function sealPiece(piece: Uint8Array): void {
		if (piece.byteLength < GATHER_BYTES) {
			if (gatheredBytes + piece.byteLength > gathered.byteLength) sealGathered();
			gathered.set(piece, gatheredBytes);
			gatheredBytes += piece.byteLength;
			return;
		}
		sealGathered();
		for (let at = 0; at < piece.byteLength; at += PLAIN_BYTES) sealMessage(piece.subarray(at, at + PLAIN_BYTES));
	}

	return (data) => {
		if (data.byteLength < SMALL_BYTES) begin(Buffer.allocUnsafe(data.byteLength + OVERHEAD_BYTES), nothing);
		else beginSlot();
		if (data instanceof Uint8Array) sealPiece(data);
		else for (const piece of data) sealPiece(piece);
		sealGathered();
		end();
	};
}
