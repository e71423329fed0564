/**
 * Takes back what uploads and readers have begun in Cinder and not ended: volumes by their id where that is known, else by the
 * mark that they carry; attachments by their id, else by what stays reserved.
 */
import { codeOf, ImageError } from '#domain/errors.ts';
import { type HalfMadeOptions, hasTexts } from '../half-made.ts';
import { AttachedElsewhere, type Volumes } from './volumes.ts';

/** In the metadata of a volume until it is whole: what its note says, so that a crash leaves nothing that cannot be found. */
export const MARK = 'sundog_upload';

/** What a note says: the volume of an upload, an attachment, or one that was asked for on that volume. */
export type Begun = { readonly mark: string } | { readonly attachment: string } | { readonly reservedOn: string };

/** The volume of an upload, or that Cinder has answered and makes no other; undefined: it may still be about to make one. */
export type Outcome = { readonly volume: string } | 'answered' | undefined;

/** What Cinder was asked for and has not made by then, it never makes; whoever attaches a volume is further on by then. */
const LATEST_MS = 15_000;

export function createLeftovers(volumes: Volumes): Pick<HalfMadeOptions<Begun, Outcome>, 'isWhat' | 'takeAway' | 'lingersMs'> {
	/** volume → what was seen reserved first, and when by performance.now() */
	const reserved = new Map<string, { readonly ids: readonly string[]; readonly atMs: number }>();

	async function discard(mark: string, outcome: Outcome, signal: AbortSignal): Promise<void> {
		// by its id: the mark may be off already, when only the answer to that was lost
		const ids = typeof outcome === 'object' ? [outcome.volume] : (await volumes.marked(MARK, mark, signal)).map(({ id }) => id);
		for (const id of ids) await volumes.discard(id, signal);
	}

	/** Which one it is of those that somebody has begun, Cinder does not say: the one that goes no further. */
	async function dropReserved(volume: string, signal: AbortSignal): Promise<void> {
		const ids = await volumes.reserved(volume, signal).catch((error: unknown) => {
			if (codeOf(error) !== 'not-found') throw error;
			return [];
		});
		const first = reserved.get(volume);
		const seen = first !== undefined && ids.every((id) => first.ids.includes(id)) ? first : { ids, atMs: performance.now() };
		reserved.set(volume, seen);
		if (performance.now() - seen.atMs < LATEST_MS)
			throw new ImageError('conflict', `volume ${volume}: it may still be reserved for a reader who has gone`);
		for (const id of ids) await volumes.drop(id, signal);
		reserved.delete(volume);
	}

	return {
		isWhat: (content): content is Begun =>
			hasTexts(content, 'mark') || hasTexts(content, 'attachment') || hasTexts(content, 'reservedOn'),
		takeAway(begun, outcome, signal) {
			if ('mark' in begun) return discard(begun.mark, outcome, signal);
			if ('attachment' in begun) return volumes.drop(begun.attachment, signal);
			return dropReserved(begun.reservedOn, signal);
		},
		lingersMs: (begun, outcome) => ('mark' in begun && outcome === undefined ? LATEST_MS : 0),
	};
}

/** Cinder has answered, and nothing came of it. */
export function isRefusal(error: unknown, signal: AbortSignal): boolean {
	if (error instanceof AttachedElsewhere) return true;
	return error instanceof ImageError && error.code !== 'unavailable' && !signal.aborted;
}
