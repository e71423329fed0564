import { oneAtATime } from '#lib/one-at-a-time.ts';
import { codeOf } from './errors.ts';
import type { Image } from './image.ts';
import type { ImageOp } from './ports/image-repository.ts';

/** How often a change is decided anew because somebody else changed the record in between; about 130 ms in all. */
const MAX_ATTEMPTS = 16;

/** Changes that see each other's results, whoever else writes. */
export interface LatestRecord<Record = Image, RecordOp = ImageOp> {
	/**
	 * Acts on the latest record; concurrent changes behave as if one came after the other. Those of clients wait for
	 * each other here, those of background work show as a conflict of revisions, and the record is read again.
	 * What `act` throws before it returns what saves is final.
	 */
	actOn<T>(id: string, act: (record: Record) => () => Promise<T>): Promise<T>;
	/** Reads, decides, saves; what `decide` throws is final, and no ops are no change. */
	change(id: string, decide: (record: Record) => readonly RecordOp[]): Promise<Record>;
}

/** `get`: `not-found`. `save`: `conflict` when the stored revision is another than that of `before`. */
interface Repository<Record, RecordOp> {
	get(id: string): Promise<Record>;
	save(before: Record, ops: readonly RecordOp[]): Promise<Record>;
}

export function latestRecord<Record = Image, RecordOp = ImageOp>(
	repository: Repository<Record, RecordOp>,
): LatestRecord<Record, RecordOp> {
	const alone = oneAtATime();

	async function actOn<T>(id: string, act: (record: Record) => () => Promise<T>): Promise<T> {
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
			actOn(id, (record) => {
				const ops = decide(record);
				return async () => (ops.length === 0 ? record : repository.save(record, ops));
			}),
	};
}

function pause(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}
