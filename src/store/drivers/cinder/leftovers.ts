/** Takes back the volume of an upload that did not come to its end: by its id where that is known, else by the mark that it carries. */
import { ImageError } from '#domain/errors.ts';
import type { Volumes } from './volumes.ts';

/** In the metadata of a volume until it is whole: the name of its note, so that a crash leaves nothing that cannot be found. */
export const MARK = 'sundog_upload';

/** What Cinder was asked for and has not made by then, it never makes. */
const LATEST_MS = 15_000;

export interface Leftovers {
	begin(mark: string): Upload;
	/** Resolves when nothing half made with this mark is there, and nothing comes any more. */
	takeAway(mark: string): Promise<void>;
}

export interface Upload {
	/** Learns from how a volume is made what may be left of it. */
	making(volume: Promise<string>, signal: AbortSignal): Promise<string>;
	/** It is whole, or nothing is left. */
	end(): void;
}

export function createLeftovers(volumes: Volumes, cleaningMs: number): Leftovers {
	/** mark → volume; undefined: there is none */
	const known = new Map<string, string | undefined>();
	/** mark → by performance.now(), when nothing of it was seen first */
	const missedAt = new Map<string, number>();

	async function find(mark: string, signal: AbortSignal): Promise<readonly string[]> {
		// whose mark was taken off, and the answer to that was lost
		const volume = known.get(mark);
		const seen = volume === undefined ? (await volumes.marked(MARK, mark, signal)).map(({ id }) => id) : [volume];
		if (seen.length > 0 || known.has(mark)) return seen;
		// the request may still be under way, though nobody waits for its answer
		const since = missedAt.get(mark) ?? performance.now();
		missedAt.set(mark, since);
		if (performance.now() - since < LATEST_MS)
			throw new ImageError('conflict', 'a volume may still come of an upload that broke off');
		return [];
	}
	function forget(mark: string): void {
		known.delete(mark);
		missedAt.delete(mark);
	}

	return {
		begin: (mark) => ({
			async making(volume, signal) {
				try {
					const id = await volume;
					known.set(mark, id);
					return id;
				} catch (error) {
					// what Cinder refuses it does not make
					if (error instanceof ImageError && error.code !== 'unavailable' && !signal.aborted) known.set(mark, undefined);
					throw error;
				}
			},
			end: () => forget(mark),
		}),
		async takeAway(mark) {
			const signal = AbortSignal.timeout(cleaningMs);
			for (const id of await find(mark, signal)) await volumes.discard(id, signal);
			forget(mark);
		},
	};
}
