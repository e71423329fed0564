/** Read-through: what is here from disk, what is missing through a fetch session, in order. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import type { ByteRange } from '#domain/controller.ts';
import { codeOf, ImageError } from '#domain/errors.ts';
import type { ContentRef } from '#domain/image.ts';
import type { ReadOptions } from '#domain/ports/image-data.ts';
import { throwIfAborted } from './abort.ts';
import { same } from './digest-table.ts';
import { blockCount, blockLength, digestAt } from './manifest.ts';
import type { TransferLedger } from './ports.ts';
import { type BufferPool, readPieces } from './read-stream.ts';
import { quarantineContent } from './removal.ts';
import type { Room } from './room.ts';
import { assertSame, type Sessions } from './sessions.ts';
import { type Held, isPresent, type StoredContent } from './stored-content.ts';

const LOCAL = { kind: 'local', name: 'local' } as const;

export interface ReadContext {
	readonly room: Room;
	readonly sessions: Sessions;
	readonly ledger: TransferLedger;
	readonly pool: BufferPool;
}

export async function* readContent(
	context: ReadContext,
	content: ContentRef,
	range: ByteRange,
	options: ReadOptions,
): AsyncGenerator<Uint8Array> {
	const { signal } = options;
	assert(range.start >= 0 && range.start <= range.end && range.end <= content.size, 'a range within the content');
	throwIfAborted(signal, 'the read');
	if (range.start === range.end) return;
	let at = range.start;
	try {
		for await (const piece of readHere(context, content, range, options)) {
			at += piece.length;
			yield piece;
		}
		return;
	} catch (error) {
		if (codeOf(error) !== 'corrupt') throw error;
		context.room.log.error(
			{ err: error, root: content.root },
			'a content is damaged on disk; it is put aside and read from others',
		);
	}
	await context.sessions.endIdle(content.root);
	await quarantineContent(context.room, content.root);
	try {
		yield* readThrough(context, content, { start: at, end: range.end }, options);
	} catch (cause) {
		if (codeOf(cause) !== 'corrupt') throw cause;
		throw new ImageError('unavailable', `content ${content.root} is damaged here and no source can give it now`, { cause });
	}
}

async function* readHere(
	context: ReadContext,
	content: ContentRef,
	range: ByteRange,
	options: ReadOptions,
): AsyncGenerator<Uint8Array> {
	await using held = await context.room.shelf.hold(content.root);
	if (held !== undefined && holdsAll(held.content, content, range))
		return yield* readLocal(context, held, content, range, options);
	// A session opens the content itself, possibly under another size: ours must not keep it from that.
	await held?.[Symbol.asyncDispose]();
	yield* readThrough(context, content, range, options);
}

async function* readLocal(
	{ room, ledger, pool }: ReadContext,
	held: Held,
	content: ContentRef,
	range: ByteRange,
	{ signal, check = false }: ReadOptions,
): AsyncGenerator<Uint8Array> {
	assertSame(content, held.content.size);
	const pieces = readPieces(range, pool, (position, into) => room.blocks.read(held.content, position, into));
	for await (const piece of check ? compared(pieces, held.content, range.start) : pieces) {
		throwIfAborted(signal, 'the read');
		ledger.add(content.root, LOCAL, piece.length);
		yield piece;
	}
}

async function* readThrough(
	{ room, sessions, ledger, pool }: ReadContext,
	content: ContentRef,
	range: ByteRange,
	{ signal, check = false }: ReadOptions,
): AsyncGenerator<Uint8Array> {
	using use = await sessions.use(content, signal);
	const stored = use.session.filler.content;
	const { blockSize } = stored;
	const gone = new AbortController();
	const needed = AbortSignal.any([signal, gone.signal]);
	using reader = use.session.read(Math.floor(range.start / blockSize), blockCount(range.end, blockSize));

	const fill = async (position: number, into: Uint8Array): Promise<void> => {
		const end = position + into.length;
		for (let index = Math.floor(position / blockSize); index * blockSize < end; index++) {
			const wasHere = await reader.need(index, needed);
			if (wasHere)
				ledger.add(content.root, LOCAL, Math.min(end, (index + 1) * blockSize) - Math.max(position, index * blockSize));
		}
		await room.blocks.read(stored, position, into);
	};

	const unchecked = readPieces(range, pool, fill);
	const pieces = check ? compared(unchecked, stored, range.start) : unchecked;
	try {
		for (;;) {
			const next = await pieces.next();
			if (next.done === true) return;
			yield next.value;
		}
	} finally {
		// A reader that leaves does not wait for a block it asked for ahead.
		gone.abort();
		await pieces.return(undefined);
	}
}

/** `corrupt` at the first block that is not what the manifest says. No block is longer than a piece. */
async function* compared(pieces: AsyncIterable<Uint8Array>, stored: StoredContent, start: number): AsyncGenerator<Uint8Array> {
	const { root, size, blockSize } = stored;
	const digests = await stored.digests();
	let at = start;
	for await (const piece of pieces) {
		for (let index = Math.ceil(at / blockSize); index * blockSize < at + piece.length; index += 1) {
			const from = index * blockSize - at;
			const length = blockLength(size, blockSize, index);
			// the range has only a part of it
			if (from + length > piece.length) break;
			if (!same(hash('sha256', piece.subarray(from, from + length), 'buffer'), digestAt(digests, index)))
				throw new ImageError('corrupt', `block ${index} of content ${root} is not what the manifest says`);
		}
		at += piece.length;
		yield piece;
	}
}

function holdsAll(stored: StoredContent, content: ContentRef, range: ByteRange): boolean {
	if (stored.have === undefined) return true;
	if (stored.size !== content.size) return false;
	const end = blockCount(range.end, stored.blockSize);
	for (let index = Math.floor(range.start / stored.blockSize); index < end; index++) if (!isPresent(stored, index)) return false;
	return true;
}
