/**
 * Readers of one volume share its attachment: Cinder attaches most volumes once only. One that stayed would keep the volume from
 * everybody else, so it is noted before it is used, and so is the asking for it.
 */
import { codeOf, ImageError } from '#domain/errors.ts';
import { oneAtATime } from '#lib/one-at-a-time.ts';
import type { Note, Unfinished } from '#store/drivers/half-made.ts';
import { AttachedElsewhere, type Attachment, type Volumes } from './volumes.ts';

export interface Readers {
	/** Attached for reading, until as many have left as have come. */
	enter(volume: string, signal: AbortSignal): Promise<Attachment>;
	/** Never fails: what cannot be detached now is later. */
	leave(volume: string): Promise<void>;
}

interface Inside {
	readonly attachment: Attachment;
	readonly note: Note;
	count: number;
}

const HELD = 'held-';
const ASKED = 'asked-';
/** Whoever attaches a volume is further on by then. */
const RESERVED_MS = 15_000;

export function createReaders({ attach, detach }: Volumes, unfinished: Unfinished, detachMs: number): Readers {
	const inside = new Map<string, Inside>();
	const inTurn = oneAtATime();

	async function begin(volume: string, signal: AbortSignal): Promise<Inside> {
		const asked = await unfinished.begin(ASKED + volume);
		let note: Note | undefined;
		try {
			const attachment = await attach(volume, 'ro', signal, async (id) => {
				note = await unfinished.begin(HELD + id);
				await asked.end();
			});
			if (note === undefined) throw new Error('an attachment without a note');
			return { attachment, note, count: 0 };
		} catch (error) {
			await (note?.undo(true) ?? (isRefusal(error, signal) ? asked.end() : asked.undo(true)));
			throw error;
		}
	}
	return {
		enter: (volume, signal) =>
			inTurn(volume, async () => {
				signal.throwIfAborted();
				const found = inside.get(volume) ?? (await begin(volume, signal));
				inside.set(volume, found);
				found.count += 1;
				return found.attachment;
			}),
		leave: (volume) =>
			inTurn(volume, async () => {
				const found = inside.get(volume);
				if (found === undefined) return;
				found.count -= 1;
				if (found.count > 0) return;
				inside.delete(volume);
				try {
					await detach(volume, found.attachment.id, AbortSignal.timeout(detachMs));
					await found.note.end();
				} catch {
					await found.note.undo(true);
				}
			}),
	};
}

/** Cinder has answered, and nothing came of it. */
function isRefusal(error: unknown, signal: AbortSignal): boolean {
	if (error instanceof AttachedElsewhere) return true;
	return error instanceof ImageError && error.code !== 'unavailable' && !signal.aborted;
}

/** Detaches what readers have left; undefined when the note is none of theirs. */
export function createStrayAttachments(
	{ drop, reserved }: Volumes,
	detachMs: number,
): (note: string) => Promise<void> | undefined {
	/** volume → what was seen reserved first, and when by performance.now() */
	const seen = new Map<string, { readonly ids: readonly string[]; readonly atMs: number }>();

	/** Which one it is of those that somebody has begun, Cinder does not say: the one that goes no further. */
	async function dropReserved(volume: string, signal: AbortSignal): Promise<void> {
		const ids = await reserved(volume, signal).catch((error: unknown) => {
			if (codeOf(error) !== 'not-found') throw error;
			return [];
		});
		const first = seen.get(volume);
		const known = first !== undefined && ids.every((id) => first.ids.includes(id)) ? first : { ids, atMs: performance.now() };
		seen.set(volume, known);
		if (performance.now() - known.atMs < RESERVED_MS)
			throw new ImageError('conflict', `volume ${volume}: it may still be reserved for a reader who has gone`);
		for (const id of ids) await drop(id, signal);
		seen.delete(volume);
	}
	return (note) => {
		const signal = AbortSignal.timeout(detachMs);
		if (note.startsWith(HELD)) return drop(note.slice(HELD.length), signal);
		if (note.startsWith(ASKED)) return dropReserved(note.slice(ASKED.length), signal);
		return undefined;
	};
}
