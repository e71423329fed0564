/**
 * A secured connection after the handshake, byte for byte what stock Noise sends, with fewer and larger steps:
 *
 * - Sending: whatever is given to `send` is sealed before it returns, straight from where it lies into a slot, eight
 *   messages to one socket write. So a caller's buffer is free once `send` has returned, and a slot is used again only
 *   in the callback of the write that carried it.
 * - Receiving: a message is opened in place, in the buffer that the socket has just allocated for this read and that
 *   nobody else will ever fill again; what straddles two reads is put together in a slot. What is handed up is the
 *   receiver's for as long as it likes; the memory is used again only when a receiver has given every byte of it back.
 */
import { Socket } from 'node:net';
import {
	type AbortOptions,
	type MessageStream,
	type StreamCloseEvent,
	type StreamMessageEvent,
	StreamStateError,
} from '@libp2p/interface';
import { AbstractMessageStream, type SendResult } from '@libp2p/utils';
import { Uint8ArrayList } from 'uint8arraylist';
import { ImageError } from '#domain/errors.ts';
import { lend } from '#exchange/loans.ts';
import type { Opener, Sealer } from './cipher.ts';
import {
	GATHER_BYTES,
	HIGH_WATER_BYTES,
	LENGTH_BYTES,
	LOW_WATER_BYTES,
	PLAIN_BYTES,
	SLOT_BYTES,
	TAG_BYTES,
} from './constants.ts';
import type { Slots } from './slots.ts';

export interface SealedStreamOptions {
	readonly wire: MessageStream;
	readonly sealer: Sealer;
	readonly opener: Opener;
	/** what came after the handshake */
	readonly early: Uint8ArrayList;
	/** for one socket write each */
	readonly slots: Slots;
	/** for one message each, of those that straddle two reads */
	readonly parts: Slots;
}

const OVERHEAD_BYTES = LENGTH_BYTES + TAG_BYTES;
/** Less than this is not worth a slot. */
const SMALL_SEND_BYTES = GATHER_BYTES;

export class SealedStream extends AbstractMessageStream {
	readonly #wire: MessageStream;
	readonly #socket: Socket | undefined;
	readonly #sealer: Sealer;
	readonly #opener: Opener;
	readonly #slots: Slots;
	readonly #parts: Slots;
	/** small pieces on their way into one message */
	readonly #gathered = Buffer.allocUnsafeSlow(GATHER_BYTES * 2);
	#gatheredBytes = 0;
	/** the write being filled by the present call of `send` */
	#out: Buffer | undefined;
	#outBytes = 0;
	/** a message of which a part has come */
	#part: Buffer | undefined;
	#partBytes = 0;
	/** the first byte of a length whose second has not come */
	#lengthByte: number | undefined;

	constructor({ wire, sealer, opener, early, slots, parts }: SealedStreamOptions) {
		super({
			log: wire.log,
			direction: wire.direction,
			inactivityTimeout: wire.inactivityTimeout,
			maxReadBufferLength: wire.maxReadBufferLength,
		});
		this.#wire = wire;
		this.#socket = socketOf(wire);
		this.#sealer = sealer;
		this.#opener = opener;
		this.#slots = slots;
		this.#parts = parts;
		wire.addEventListener('close', this.#onClose);
		wire.addEventListener('drain', this.#onDrain);
		wire.addEventListener('remoteCloseWrite', () => this.onRemoteCloseWrite());
		this.#open(early);
		wire.addEventListener('message', this.#onMessage);
		if (wire.status === 'open') wire.resume();
	}

	override send(data: Uint8Array | Uint8ArrayList): boolean {
		if (this.writeStatus === 'closed' || this.writeStatus === 'closing')
			throw new StreamStateError(`Cannot write to a stream that is ${this.writeStatus}`);
		this.#seal(data);
		return !this.writableNeedsDrain;
	}

	/** Never reached with bytes: `send` leaves none behind. */
	sendData(data: Uint8ArrayList): SendResult {
		this.#seal(data);
		return { sentBytes: data.byteLength, canSendMore: !this.writableNeedsDrain };
	}

	#seal(data: Uint8Array | Uint8ArrayList): void {
		const small = data.byteLength < SMALL_SEND_BYTES;
		this.#out = small ? Buffer.allocUnsafe(data.byteLength + OVERHEAD_BYTES) : this.#slots.take();
		this.#outBytes = 0;
		try {
			if (data instanceof Uint8Array) this.#sealPiece(data);
			else for (const piece of data) this.#sealPiece(piece);
			this.#sealGathered();
			this.#ship();
		} catch (error) {
			this.#out = undefined;
			this.abort(error as Error);
			throw error;
		}
	}

	#sealPiece(piece: Uint8Array): void {
		if (piece.byteLength < GATHER_BYTES) {
			if (this.#gatheredBytes + piece.byteLength > this.#gathered.byteLength) this.#sealGathered();
			this.#gathered.set(piece, this.#gatheredBytes);
			this.#gatheredBytes += piece.byteLength;
			return;
		}
		this.#sealGathered();
		for (let at = 0; at < piece.byteLength; at += PLAIN_BYTES) this.#sealMessage(piece.subarray(at, at + PLAIN_BYTES));
	}

	#sealGathered(): void {
		if (this.#gatheredBytes === 0) return;
		this.#sealMessage(this.#gathered.subarray(0, this.#gatheredBytes));
		this.#gatheredBytes = 0;
	}

	#sealMessage(plain: Uint8Array): void {
		const length = plain.byteLength + TAG_BYTES;
		let out = this.#out as Buffer;
		if (this.#outBytes + LENGTH_BYTES + length > out.byteLength) {
			this.#ship();
			out = this.#slots.take();
			this.#out = out;
		}
		const start = this.#outBytes + LENGTH_BYTES;
		out[start - 2] = length >> 8;
		out[start - 1] = length & 0xff;
		this.#sealer.seal(plain, out.subarray(start, start + length));
		this.#outBytes = start + length;
	}

	/** Hands the filled part of the slot to the socket. */
	#ship(): void {
		const out = this.#out as Buffer;
		if (this.#outBytes === 0) return;
		const bytes = out.subarray(0, this.#outBytes);
		const reusable = out.byteLength === SLOT_BYTES;
		this.#out = undefined;
		this.#outBytes = 0;
		const socket = this.#socket;
		// what the handshake has left in the wire's own queue must go first
		if (socket === undefined || this.#wire.writeBufferLength > 0) {
			if (!this.#wire.send(bytes)) this.writableNeedsDrain = true;
			return;
		}
		socket.write(bytes, () => {
			if (reusable) this.#slots.give(out);
			if (this.writableNeedsDrain && socket.writableLength <= LOW_WATER_BYTES) this.#onDrain();
		});
		if (socket.writableLength > HIGH_WATER_BYTES) this.writableNeedsDrain = true;
	}

	readonly #onDrain = (): void => {
		if (this.writableNeedsDrain && this.status === 'open') this.safeDispatchEvent('drain');
	};

	readonly #onMessage = ({ data }: StreamMessageEvent): void => this.#open(data);

	readonly #onClose = ({ error, local }: StreamCloseEvent): void => {
		if (error === undefined) this.onTransportClosed();
		else if (local === true) this.abort(error);
		else this.onRemoteReset();
	};

	#open(data: Uint8Array | Uint8ArrayList): void {
		try {
			if (data instanceof Uint8Array) this.#openRead(data);
			else for (const piece of data) this.#openRead(piece);
		} catch (error) {
			this.abort(error as Error);
		}
	}

	/** One read of the socket: the rest of a message begun before, whole messages, the beginning of one. */
	#openRead(read: Uint8Array): void {
		const opened = new Uint8ArrayList();
		let at = this.#completePart(read, opened);
		let inPlace = 0;
		while (at + LENGTH_BYTES <= read.byteLength) {
			const start = at + LENGTH_BYTES;
			const end = start + lengthAt(read, at);
			if (end > read.byteLength) break;
			const plain = this.#openMessage(read.subarray(start, end));
			if (plain.buffer === read.buffer) inPlace += plain.byteLength;
			opened.append(plain);
			at = end;
		}
		if (at < read.byteLength) this.#keepPart(read, at);
		if (inPlace > 0 && fills(read)) lend(read.buffer, inPlace, () => free(read.buffer));
		if (opened.byteLength > 0) this.onData(opened);
	}

	/** Small messages, which are headers for the most part, get memory of their own: no reader gives these back. */
	#openMessage(sealed: Uint8Array): Uint8Array {
		if (sealed.byteLength < TAG_BYTES) throw new ImageError('corrupt', 'a message is shorter than its tag');
		const plain = sealed.subarray(0, sealed.byteLength - TAG_BYTES);
		this.#opener.open(sealed, plain);
		return plain.byteLength < GATHER_BYTES ? Buffer.from(plain) : plain;
	}

	/** Returns where the next message begins. */
	#completePart(read: Uint8Array, opened: Uint8ArrayList): number {
		let at = 0;
		if (this.#lengthByte !== undefined && read.byteLength > 0) {
			this.#beginPart((this.#lengthByte << 8) | (read[0] as number));
			this.#lengthByte = undefined;
			at = 1;
		}
		const part = this.#part;
		if (part === undefined) return at;
		const count = Math.min(part.byteLength - this.#partBytes, read.byteLength - at);
		part.set(read.subarray(at, at + count), this.#partBytes);
		this.#partBytes += count;
		if (this.#partBytes === part.byteLength) this.#endPart(part, opened);
		return at + count;
	}

	#beginPart(length: number): void {
		this.#part = this.#parts.take().subarray(0, length);
		this.#partBytes = 0;
	}

	#endPart(part: Buffer, opened: Uint8ArrayList): void {
		this.#part = undefined;
		const plain = this.#openMessage(part);
		const giveSlot = (): void => this.#parts.give(Buffer.from(part.buffer));
		if (plain.buffer === part.buffer) lend(part.buffer, plain.byteLength, giveSlot);
		else giveSlot();
		opened.append(plain);
	}

	#keepPart(read: Uint8Array, at: number): void {
		if (read.byteLength - at < LENGTH_BYTES) {
			this.#lengthByte = read[at];
			return;
		}
		this.#beginPart(lengthAt(read, at));
		const rest = read.subarray(at + LENGTH_BYTES);
		this.#part?.set(rest);
		this.#partBytes = rest.byteLength;
	}

	async close(options?: AbortOptions): Promise<void> {
		await this.#wire.close(options);
	}
	sendReset(error: Error): void {
		this.#wire.abort(error);
	}
	sendPause(): void {
		this.#wire.pause();
	}
	sendResume(): void {
		this.#wire.resume();
	}
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

/** The socket under libp2p's TCP connection. Where it is not what we know, the wire's own `send` is used instead. */
function socketOf(wire: MessageStream): Socket | undefined {
	const { socket } = wire as { readonly socket?: unknown };
	return socket instanceof Socket ? socket : undefined;
}
