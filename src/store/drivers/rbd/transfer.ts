/** Bytes between a stream and an image: a few large pieces under way at once, and no more in memory than those. */
import type { ByteRange } from '#domain/controller.ts';
import { ImageError } from '#domain/errors.ts';
import type { ObjectSource } from '#domain/ports/stores.ts';
import { orLeft } from '#lib/or-left.ts';
import { MiB } from '#lib/sizes.ts';

const PIECE_BYTES = 4 * MiB;
const DEPTH = 4;
/** A transfer may always have so many pieces; more only while all transfers together have no more than SPARE_PIECES of those. */
const OWN_PIECES = 2;
const SPARE_PIECES = 48;

export interface Sink {
	/** The buffer is the sink's until it resolves. */
	write(offset: number, bytes: Uint8Array): Promise<void>;
	/** Told before anything ends behind the room there is, while no write is under way; resolves to the new room, in bytes. */
	grow?(end: number): Promise<number>;
	/** bytes that are there from the beginning */
	readonly room: number;
	/** what is all zero need not be written */
	readonly skipZeros: boolean;
}

/** Writes the whole source in order and resolves to its length when all of it is written; `invalid` when that is not its `size`. */
export async function fill(source: ObjectSource, sink: Sink, signal: AbortSignal): Promise<number> {
	using pieces = takePieces(Math.min(PIECE_BYTES, Math.max(1, source.size ?? PIECE_BYTES)));
	const flying: { readonly buffer: Buffer; readonly done: Promise<void> }[] = [];
	let { room } = sink;
	let offset = 0;

	async function landOldest(): Promise<void> {
		const oldest = flying.shift();
		if (oldest === undefined) return;
		await orLeft(oldest.done, signal);
		pieces.give(oldest.buffer);
	}
	async function launch(buffer: Buffer, length: number): Promise<void> {
		const bytes = buffer.subarray(0, length);
		if (offset + length > room && sink.grow) {
			while (flying.length > 0) await landOldest();
			room = await sink.grow(offset + length);
		}
		if (sink.skipZeros && isZero(bytes)) pieces.give(buffer);
		else {
			const done = sink.write(offset, bytes);
			// a failure is seen when its turn comes
			done.catch(() => undefined);
			flying.push({ buffer, done });
		}
		offset += length;
	}
	async function nextBuffer(): Promise<Buffer> {
		for (;;) {
			const buffer = pieces.take();
			if (buffer !== undefined) return buffer;
			await landOldest();
		}
	}

	let buffer = await nextBuffer();
	let filled = 0;
	for await (const chunk of untilLeft(source.read(), signal)) {
		if (source.size !== undefined && offset + filled + chunk.length > source.size) throw wrongSize(source.size);
		for (let from = 0; from < chunk.length; ) {
			const part = chunk.subarray(from, from + buffer.length - filled);
			buffer.set(part, filled);
			filled += part.length;
			from += part.length;
			if (filled < buffer.length) continue;
			await launch(buffer, filled);
			buffer = await nextBuffer();
			filled = 0;
		}
	}
	if (source.size !== undefined && offset + filled !== source.size) throw wrongSize(source.size);
	if (filled > 0) await launch(buffer, filled);
	while (flying.length > 0) await landOldest();
	return offset;
}

/** Reads ahead of whoever asks. A chunk is valid until the next one is asked for. */
export async function* readAhead(
	read: (offset: number, buffer: Uint8Array) => Promise<void>,
	{ start, end }: ByteRange,
	signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
	if (end <= start) return;
	using pieces = takePieces(Math.min(PIECE_BYTES, end - start));
	const flying: { readonly buffer: Buffer; readonly bytes: Uint8Array; readonly done: Promise<void> }[] = [];
	let next = start;
	for (;;) {
		while (next < end) {
			const buffer = pieces.take();
			if (buffer === undefined) break;
			// pieces end where objects end
			const bytes = buffer.subarray(0, Math.min(buffer.length - (next % buffer.length), end - next));
			const done = read(next, bytes);
			done.catch(() => undefined);
			flying.push({ buffer, bytes, done });
			next += bytes.length;
		}
		const oldest = flying.shift();
		if (oldest === undefined) return;
		await orLeft(oldest.done, signal);
		yield oldest.bytes;
		signal.throwIfAborted();
		pieces.give(oldest.buffer);
	}
}

interface Pieces extends Disposable {
	/** undefined: as many as there may be are under way */
	take(): Buffer | undefined;
	give(buffer: Buffer): void;
}

let spareLeft = SPARE_PIECES;

function takePieces(bytes: number): Pieces {
	const free: Buffer[] = [];
	let made = 0;
	let spare = 0;
	return {
		take() {
			const freed = free.pop();
			if (freed !== undefined || made > DEPTH) return freed;
			if (made >= OWN_PIECES) {
				if (spareLeft === 0) return undefined;
				spareLeft -= 1;
				spare += 1;
			}
			made += 1;
			return Buffer.allocUnsafeSlow(bytes);
		},
		give: (buffer) => void free.push(buffer),
		[Symbol.dispose]() {
			spareLeft += spare;
		},
	};
}

const ZEROS = Buffer.alloc(PIECE_BYTES);

function isZero(bytes: Uint8Array): boolean {
	return ZEROS.compare(bytes, 0, bytes.length, 0, bytes.length) === 0;
}

/** Also leaves a source that does not go on. */
async function* untilLeft(source: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
	const chunks = source[Symbol.asyncIterator]();
	let left = true;
	try {
		for (;;) {
			const { done, value } = await orLeft(chunks.next(), signal);
			if (done === true) break;
			yield value;
		}
		left = false;
	} finally {
		// a source that hangs would not answer this either
		if (left) chunks.return?.().catch(() => undefined);
	}
}

function wrongSize(expected: number): ImageError {
	return new ImageError('invalid', `the object's data are not the ${expected} bytes announced`);
}
