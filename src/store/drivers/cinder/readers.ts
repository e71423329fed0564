/** Readers of one volume share its attachment: Cinder attaches most volumes once only. */
import { oneAtATime } from '#lib/one-at-a-time.ts';
import type { Attachment, Volumes } from './volumes.ts';

export interface Readers {
	/** Attached for reading, until as many have left as have come. */
	enter(volume: string, signal: AbortSignal): Promise<Attachment>;
	leave(volume: string): Promise<void>;
}

export function createReaders({ attach, detach }: Volumes, detachMs: number): Readers {
	const inside = new Map<string, { readonly attachment: Attachment; count: number }>();
	const inTurn = oneAtATime();
	return {
		enter: (volume, signal) =>
			inTurn(volume, async () => {
				signal.throwIfAborted();
				const found = inside.get(volume) ?? { attachment: await attach(volume, 'ro', signal), count: 0 };
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
				await detach(volume, found.attachment.id, AbortSignal.timeout(detachMs));
			}),
	};
}
