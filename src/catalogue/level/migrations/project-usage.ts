import { fromBytes, type ImageRecord, imageKey, toBytes, USAGES } from '#catalogue/records.ts';
import { usageName } from '#catalogue/usage.ts';
import { NO_USAGE, sum, type Usage, usageOf } from '#domain/usage.ts';
import type { KeyValue } from '#lib/key-value.ts';
import type { Migration } from './index.ts';

/** The use of each project, counted once from all images; from then on every batch keeps it. */
export const projectUsage: Migration = {
	name: 'projects have a use',
	async *run(kv: KeyValue) {
		const usages = new Map<string, Usage>();
		for await (const [, value] of kv.sub(imageKey('')).entries({})) {
			const { image } = fromBytes<ImageRecord>(value).state;
			if (image === undefined) continue;
			const name = usageName(image.owner);
			usages.set(name, sum(usages.get(name) ?? NO_USAGE, usageOf(image)));
		}
		yield [...usages].map(([name, usage]) => ({ put: USAGES + name, value: toBytes(usage) }));
	},
};
