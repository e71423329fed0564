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
import type { Uint8ArrayList } from 'uint8arraylist';
import type { Opener, Sealer } from './cipher.ts';
import { HIGH_WATER_BYTES, LOW_WATER_BYTES } from './constants.ts';
import { createOpening } from './opening.ts';
import { createSealing } from './sealing.ts';
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

export class SealedStream extends AbstractMessageStream {
	readonly #wire: MessageStream;
	readonly #socket: Socket | undefined;
	readonly #seal: (data: Uint8Array | Uint8ArrayList) => void;
	readonly #open: (read: Uint8Array) => Uint8ArrayList;

	constructor({ wire, sealer, opener, early, slots, parts }: SealedStreamOptions) {
		super({
			log: wire.log,
			direction: wire.direction,
			inactivityTimeout: wire.inactivityTimeout,
			maxReadBufferLength: wire.maxReadBufferLength,
		});
		this.#wire = wire;
		this.#socket = socketOf(wire);
		this.#seal = createSealing({ sealer, slots, write: (bytes, written) => this.#write(bytes, written) });
		this.#open = createOpening({ opener, parts });
		wire.addEventListener('close', this.#onClose);
		wire.addEventListener('drain', this.#onDrain);
		wire.addEventListener('remoteCloseWrite', () => this.onRemoteCloseWrite());
		this.#receive(early);
		wire.addEventListener('message', this.#onMessage);
		if (wire.status === 'open') wire.resume();
	}

	override send(data: Uint8Array | Uint8ArrayList): boolean {
		if (this.writeStatus === 'closed' || this.writeStatus === 'closing')
			throw new StreamStateError(`Cannot write to a stream that is ${this.writeStatus}`);
		try {
			this.#seal(data);
		} catch (error) {
			this.abort(error as Error);
			throw error;
		}
		return !this.writableNeedsDrain;
	}

	/** Never reached with bytes: `send` leaves none behind. */
	sendData(data: Uint8ArrayList): SendResult {
		this.#seal(data);
		return { sentBytes: data.byteLength, canSendMore: !this.writableNeedsDrain };
	}

	#write(bytes: Uint8Array, written: () => void): void {
		const socket = this.#socket;
		// what the handshake has left in the wire's own queue must go first
		if (socket === undefined || this.#wire.writeBufferLength > 0) {
			if (!this.#wire.send(bytes)) this.writableNeedsDrain = true;
			return;
		}
		socket.write(bytes, () => {
			written();
			if (socket.writableLength <= LOW_WATER_BYTES) this.#onDrain();
		});
		if (socket.writableLength > HIGH_WATER_BYTES) this.writableNeedsDrain = true;
	}

	#receive(data: Uint8Array | Uint8ArrayList): void {
		try {
			for (const read of data instanceof Uint8Array ? [data] : data) {
				const opened = this.#open(read);
				if (opened.byteLength > 0) this.onData(opened);
			}
		} catch (error) {
			this.abort(error as Error);
		}
	}

	readonly #onMessage = ({ data }: StreamMessageEvent): void => this.#receive(data);

	readonly #onDrain = (): void => {
		if (this.writableNeedsDrain && this.status === 'open') this.safeDispatchEvent('drain');
	};

	readonly #onClose = ({ error, local }: StreamCloseEvent): void => {
		if (error === undefined) this.onTransportClosed();
		else if (local === true) this.abort(error);
		else this.onRemoteReset();
	};

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

/** The socket under libp2p's TCP connection. Where it is not what we know, the wire's own `send` is used instead. */
function socketOf(wire: MessageStream): Socket | undefined {
	const { socket } = wire as { readonly socket?: unknown };
	return socket instanceof Socket ? socket : undefined;
}
