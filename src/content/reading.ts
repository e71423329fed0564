/** Read-through: what is here from disk, what is missing through a fetch session, in order. */
import assert from 'node:assert/strict';
import type { ByteRange } from '#domain/controller.ts';
import type { ContentRef } from '#domain/image.ts';
import { throwIfAborted } from './abort.ts';
import { blockCount } from './manifest.ts';
import type { TransferLedger } from './ports.ts';
import { type BufferPool, readPieces } from './read-stream.ts';
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
	signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
	assert(range.start >= 0 && range.start <= range.end && range.end <= content.size, 'a range within the content');
	throwIfAborted(signal, 'the read');
	if (range.start === range.end) return;
	const held = await context.room.shelf.hold(content.root);
	try {
		if (held !== undefined && holdsAll(held.content, content, range)) yield* readLocal(context, held, content, range, signal);
		else yield* readThrough(context, content, range, signal, held);
	} finally {
		await held?.[Symbol.asyncDispose]();
	}
}

async function* readLocal(
	{ room, ledger, pool }: ReadContext,
	held: Held,
	content: ContentRef,
	range: ByteRange,
	signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
	assertSame(content, held.content.size);
	for await (const piece of readPieces(range, pool, (position, into) => room.blocks.read(held.content, position, into))) {
		throwIfAborted(signal, 'the read');
		ledger.add(content.root, LOCAL, piece.length);
		yield piece;
	}
}

async function* readThrough(
	{ room, sessions, ledger, pool }: ReadContext,
	content: ContentRef,
	range: ByteRange,
	signal: AbortSignal,
	held: Held | undefined,
): AsyncGenerator<Uint8Array> {
	// A session opens the content itself, possibly under another size: ours must not keep it from that.
	await held?.[Symbol.asyncDispose]();
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

	const pieces = readPieces(range, pool, fill);
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

function holdsAll(stored: StoredContent, content: ContentRef, range: ByteRange): boolean {
	if (stored.have === undefined) return true;
	if (stored.size !== content.size) return false;
	const end = blockCount(range.end, stored.blockSize);
	for (let index = Math.floor(range.start / stored.blockSize); index < end; index++) if (!isPresent(stored, index)) return false;
	return true;
}
