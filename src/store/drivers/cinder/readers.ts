/**
 * Readers of one volume share its attachment: Cinder attaches most volumes once only. One that stayed would keep the volume from
 * everybody else, so it is noted before it is used, and so is the asking for it.
 */
import { oneAtATime } from '#lib/one-at-a-time.ts';
import type { HalfMade, Note } from '../half-made.ts';
import { type Begun, isRefusal, type Outcome } from './leftovers.ts';
import type { Attachment, Volumes } from './volumes.ts';

export interface Readers {
	/** Attached for reading, until as many have left as have come. */
	enter(volume: string, signal: AbortSignal): Promise<Attachment>;
	/** Never fails: what cannot be detached now is later. */
	leave(volume: string): Promise<void>;
}

interface Inside {
	readonly attachment: Attachment;
	readonly note: Note<Begun, Outcome>;
	count: number;
}

export function createReaders({ attach, detach }: Volumes, halfMade: HalfMade<Begun, Outcome>, detachMs: number): Readers {
	const inside = new Map<string, Inside>();
	const inTurn = oneAtATime();

	async function begin(volume: string, signal: AbortSignal): Promise<Inside> {
		const note = await halfMade.begin({ reservedOn: volume });
		let reserved = false;
		try {
			const attachment = await attach(volume, 'ro', signal, (id) => {
				reserved = true;
				return note.change({ attachment: id });
			});
			return { attachment, note, count: 0 };
		} catch (error) {
			const isNone = !reserved && isRefusal(error, signal);
			await (isNone ? note.end().catch(() => note.undo('answered')) : note.undo('answered'));
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
					await found.note.undo('answered');
				}
			}),
	};
}
