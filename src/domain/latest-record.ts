import { oneAtATime } from '#lib/one-at-a-time.ts';
import { codeOf } from './errors.ts';
import type { Image, ImageId } from './image.ts';
import type { ImageOp, ImageRepository } from './ports/image-repository.ts';

/** How often a change is decided anew because somebody else changed the image in between; about 130 ms in all. */
const MAX_ATTEMPTS = 16;

/** Changes that see each other's results, whoever else writes. */
export interface LatestRecord {
	/**
	 * Acts on the latest record; concurrent changes behave as if one came after the other. Those of clients wait for
	 * each other here, those of background work show as a conflict of revisions, and the record is read again.
	 * What `act` throws before it returns what saves is final.
	 */
	actOn<T>(id: ImageId, act: (image: Image) => () => Promise<T>): Promise<T>;
	/** Reads, decides, saves; what `decide` throws is final, and no ops are no change. */
	change(id: ImageId, decide: (image: Image) => readonly ImageOp[]): Promise<Image>;
}

export function latestRecord(repository: Pick<ImageRepository, 'get' | 'save'>): LatestRecord {
	const alone = oneAtATime();

	async function actOn<T>(id: ImageId, act: (image: Image) => () => Promise<T>): Promise<T> {
		return alone(id, async () => {
			for (let attempt = 1; ; attempt += 1) {
				const save = act(await repository.get(id));
				try {
					return await save();
				} catch (error) {
					if (attempt === MAX_ATTEMPTS || codeOf(error) !== 'conflict') throw error;
					// the other change may still be on its way to disk
					await pause(attempt);
				}
			}
		});
	}

	return {
		actOn,
		change: (id, decide) =>
			actOn(id, (image) => {
				const ops = decide(image);
				return async () => (ops.length === 0 ? image : repository.save(image, ops));
			}),
	};
}

function pause(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}
