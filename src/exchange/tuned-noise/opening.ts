/** The receiving half of a transport: reads of a socket become plaintext, in the memory that they came in. */
import { Uint8ArrayList } from 'uint8arraylist';
import { ImageError } from '#domain/errors.ts';
import { lend } from '#exchange/loans.ts';
import type { Opener } from './cipher.ts';
import { GATHER_BYTES, LENGTH_BYTES, TAG_BYTES } from './constants.ts';
import type { Slots } from './slots.ts';

export interface OpeningOptions {
	readonly opener: Opener;
	/** for one message each, of those that straddle two reads */
	readonly parts: Slots;
}

/** Takes a read apart: the rest of a message begun before, whole messages, the beginning of one. `corrupt` ends it for good. */
export function createOpening({ opener, parts }: OpeningOptions): (read: Uint8Array) => Uint8ArrayList {
	/** a message of which a part has come */
	let part: Buffer | undefined;
	let partBytes = 0;
	/** the first byte of a length whose second has not come */
	let lengthByte: number | undefined;

	/** Small messages, which are headers for the most part, get memory of their own: no reader gives these back. */
	function openMessage(sealed: Uint8Array): Uint8Array {
		if (sealed.byteLength < TAG_BYTES) throw new ImageError('corrupt', 'a message is shorter than its tag');
		const plain = sealed.subarray(0, sealed.byteLength - TAG_BYTES);
		opener.open(sealed, plain);
		return plain.byteLength < GATHER_BYTES ? Buffer.from(plain) : plain;
	}

	function beginPart(length: number): Buffer {
		part = parts.take().subarray(0, length);
		partBytes = 0;
		return part;
	}

	function endPart(sealed: Buffer, opened: Uint8ArrayList): void {
		part = undefined;
		const plain = openMessage(sealed);
		const giveSlot = (): void => parts.give(Buffer.from(sealed.buffer));
		if (plain.buffer === sealed.buffer) lend(sealed.buffer, plain.byteLength, giveSlot);
		else giveSlot();
		opened.append(plain);
	}

	/** Returns where the next message begins. */
	function completePart(read: Uint8Array, opened: Uint8ArrayList): number {
		let at = 0;
		if (lengthByte !== undefined && read.byteLength > 0) {
			beginPart((lengthByte << 8) | (read[0] as number));
			lengthByte = undefined;
			at = 1;
		}
		if (part === undefined) return at;
		const count = Math.min(part.byteLength - partBytes, read.byteLength - at);
		part.set(read.subarray(at, at + count), partBytes);
		partBytes += count;
		if (partBytes === part.byteLength) endPart(part, opened);
		return at + count;
	}

	function keepPart(read: Uint8Array, at: number): void {
		if (read.byteLength - at < LENGTH_BYTES) {
			lengthByte = read[at];
			return;
		}
		const rest = read.subarray(at + LENGTH_BYTES);
		beginPart(lengthAt(read, at)).set(rest);
		partBytes = rest.byteLength;
	}

	return (read) => {
		const opened = new Uint8ArrayList();
		let at = completePart(read, opened);
		let inPlace = 0;
		while (at + LENGTH_BYTES <= read.byteLength) {
			const start = at + LENGTH_BYTES;
			const end = start + lengthAt(read, at);
			if (end > read.byteLength) break;
			const plain = openMessage(read.subarray(start, end));
			if (plain.buffer === read.buffer) inPlace += plain.byteLength;
			opened.append(plain);
			at = end;
		}
		if (at < read.byteLength) keepPart(read, at);
		if (inPlace > 0 && fills(read)) lend(read.buffer, inPlace, () => free(read.buffer));
		return opened;
	};
}

function lengthAt(read: Uint8Array, at: number): number {
	return ((read[at] as number) << 8) | (read[at + 1] as number);
}

/** Node gives each read of a TCP socket a buffer of its own; anything else is not ours to free. */
function fills(read: Uint8Array): boolean {
	return read.byteOffset === 0 && read.byteLength === read.buffer.byteLength;
}

function free(buffer: ArrayBufferLike): void {
	if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}
