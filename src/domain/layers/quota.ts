/** Quota: limits of one image. Bytes are counted by the writer as they flow; this layer says how many they may be. */

import type { ImageFacts } from '#domain/ports/image-repository.ts';
import type { QuotaLimits } from '#domain/ports/quota.ts';
import { oneAtATime } from '#lib/one-at-a-time.ts';
import { ImageError } from '../errors.ts';
import { applyChanges } from '../image-changes.ts';
import type { Layer } from '../onion.ts';

export function quota(facts: ImageFacts, limits: QuotaLimits): Layer {
	const capBytes = limits.imageSizeCap < 0 ? Number.MAX_SAFE_INTEGER : limits.imageSizeCap;
	const alone = oneAtATime();
	return (inner) => ({
		create(ctx, draft) {
			within(limits.imageProperties, countProperties(draft.properties ?? {}), 'properties');
			within(limits.imageTags, new Set(draft.tags).size, 'tags');
			return inner.create(ctx, draft);
		},
		async update(ctx, id, changes) {
			const before = await facts.get(id);
			const after = applyChanges(before, changes);
			if (grows(before.properties, after.properties))
				within(limits.imageProperties, countProperties(after.properties), 'properties');
			if (after.tags.length > before.tags.length) within(limits.imageTags, after.tags.length, 'tags');
			return inner.update(ctx, id, changes);
		},
		async addTag(ctx, id, tag) {
			const { tags } = await facts.get(id);
			if (!tags.includes(tag)) within(limits.imageTags, tags.length + 1, 'tags');
			return inner.addTag(ctx, id, tag);
		},
		/** One after the other, so that many at once do not all find room for one. */
		addMember: (ctx, id, member) =>
			alone(id, async () => {
				const { members } = await facts.get(id);
				if (members.every((each) => each.member !== member)) within(limits.imageMembers, members.length + 1, 'members');
				return inner.addMember(ctx, id, member);
			}),
		async upload(ctx, id, upload) {
			const maxBytes = Math.min(upload.maxBytes, capBytes);
			if (upload.declaredSize !== undefined && upload.declaredSize > maxBytes)
				throw new ImageError('too-large', `image ${id} would have ${upload.declaredSize} bytes, the limit is ${maxBytes}`);
			return inner.upload(ctx, id, { ...upload, maxBytes });
		},
	});
}

function within(limit: number, count: number, what: string): void {
	if (limit >= 0 && count > limit)
		throw new ImageError(
			'limit-exceeded',
			`the limit has been exceeded on the number of allowed image ${what}: attempted ${count}, maximum ${limit}`,
		);
}

/** Names under os_glance belong to the service and do not count. */
function countProperties(properties: Readonly<Record<string, string>>): number {
	return Object.keys(properties).filter((name) => !name.startsWith('os_glance')).length;
}

function grows(before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>): boolean {
	return Object.keys(after).some((name) => !Object.hasOwn(before, name));
}
