/**
 * Takes a stream of answers apart without holding any of it: headers are checked against what was asked, in order;
 * bodies are copied into the buffers that were given, or dropped when their owner has gone.
 */
import type { Uint8ArrayList } from 'uint8arraylist';
import { ImageError } from '#domain/errors.ts';
import { giveBack } from '#exchange/loans.ts';
import { malformed } from '#exchange/wire.ts';
import type { Ask } from './ask.ts';
import { ANSWER_HEADER_BYTES } from './constants.ts';
import { type AnswerHeader, decodeAnswerHeader } from './messages.ts';

export interface AnswerReader {
	/** asks that were sent and are not answered to the last byte, given up or not */
	readonly outstanding: number;
	expect(ask: Ask): void;
	take(data: Uint8Array | Uint8ArrayList): void;
	/** Rejects what is outstanding; bytes that come later are dropped. */
	end(reason: ImageError): void;
}

export interface AnswerReaderOptions {
	/** There is room for one more ask. */
	readonly onSettled: () => void;
	/** The peer broke the protocol: nothing after this can be understood. */
	readonly onViolation: (violation: ImageError) => void;
}

export function createAnswerReader({ onSettled, onViolation }: AnswerReaderOptions): AnswerReader {
	const asks: Ask[] = [];
	const header = new Uint8Array(ANSWER_HEADER_BYTES);
	let headerFilled = 0;
	/** the answer whose body is coming in */
	let length = 0;
	let filled = 0;
	let inBody = false;
	let over = false;

	function takePiece(piece: Uint8Array): void {
		let offset = 0;
		while (offset < piece.byteLength && !over) offset += inBody ? takeBody(piece, offset) : takeHeader(piece, offset);
		giveBack(piece);
	}

	function takeHeader(piece: Uint8Array, offset: number): number {
		const count = Math.min(ANSWER_HEADER_BYTES - headerFilled, piece.byteLength - offset);
		header.set(piece.subarray(offset, offset + count), headerFilled);
		headerFilled += count;
		if (headerFilled === ANSWER_HEADER_BYTES) {
			headerFilled = 0;
			begin(decodeAnswerHeader(header));
		}
		return count;
	}

	function begin(answer: AnswerHeader): void {
		const ask = asks[0];
		if (ask === undefined) throw malformed('answer', 'came that nobody asked for');
		const { kind, index } = ask.request;
		if (answer.index !== index) throw malformed('answer', `is for ${answer.index} where ${index} was due`);
		if (answer.kind === 'missing' || (answer.kind === 'manifest' && answer.length === 0)) {
			if (answer.length !== 0) throw malformed('answer', 'says missing and carries bytes');
			ask.reject(new ImageError('not-found', `the peer does not have ${kind} ${index}`));
			settle();
			return;
		}
		if (answer.kind !== kind) throw malformed('answer', `is a ${answer.kind} where a ${kind} was due`);
		if (answer.length !== ask.length) throw malformed('answer', `has ${answer.length} bytes where ${ask.length} were due`);
		length = answer.length;
		filled = 0;
		inBody = true;
	}

	function takeBody(piece: Uint8Array, offset: number): number {
		const count = Math.min(length - filled, piece.byteLength - offset);
		const ask = asks[0] as Ask;
		ask.into?.set(offset === 0 && count === piece.byteLength ? piece : piece.subarray(offset, offset + count), filled);
		filled += count;
		if (filled === length) {
			inBody = false;
			ask.resolve();
			settle();
		}
		return count;
	}

	function settle(): void {
		const ask = asks.shift();
		if (ask !== undefined) ask.into = undefined;
		onSettled();
	}

	return {
		get outstanding() {
			return asks.length;
		},
		expect(ask) {
			asks.push(ask);
		},
		take(data) {
			try {
				if (data instanceof Uint8Array) takePiece(data);
				else for (const piece of data) takePiece(piece);
			} catch (error) {
				onViolation(error instanceof ImageError ? error : malformed('answer', 'cannot be read'));
			}
		},
		end(reason) {
			over = true;
			for (const ask of asks.splice(0)) {
				ask.into = undefined;
				ask.reject(reason);
			}
		},
	};
}
