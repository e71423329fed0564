import { fromBytes, type ImageRecord, imageKey, toBytes } from '#catalogue/records.ts';
import type { KeyChange, KeyValue } from '#lib/key-value.ts';
import type { Migration } from './index.ts';

const BATCH = 256;

/** To format 2: an image has members and may have staged data. Until now none had any, so that there is nothing to index. */
export const imageMembers: Migration = {
	name: 'images have members',
	async *run(kv: KeyValue) {
		let changes: KeyChange[] = [];
		for await (const [id, value] of kv.sub(imageKey('')).entries({})) {
			const record = fromBytes<ImageRecord>(value);
			const { image } = record.state;
			if (!image || 'members' in image) continue;
			changes.push({
				put: imageKey(id),
				value: toBytes({
					...record,
					state: { ...record.state, image: { ...(image as object), members: [], staged: null, worker: null } },
				}),
			});
			if (changes.length < BATCH) continue;
			yield changes;
			changes = [];
		}
		yield changes;
	},
};
