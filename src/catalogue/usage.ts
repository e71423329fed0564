/** The use of each project, kept beside the records it is the sum of: changed by the same batch, by differences. */
import type { Image } from '#domain/image.ts';
import { difference, NO_USAGE, sameUsage, sum, type Usage, usageOf } from '#domain/usage.ts';
import type { KeyChange } from '#lib/key-value.ts';
import type { Draft, Records } from './draft.ts';
import { IMAGES } from './kinds.ts';
import { toBytes, USAGES } from './records.ts';

/** by `usageName` of the owner; who uses nothing is not listed */
export type Usages = ReadonlyMap<string, Usage>;

/** Of an owner, or of the images that have none. */
export function usageName(owner: string | null): string {
	return owner === null ? '-' : `w${owner}`;
}

/**
 * The new use of everybody whose images a draft over `base` changes in what they cost. An owner is listed even when
 * one image costs more by what another costs less: the value is a new one, so that whoever keeps one can compare.
 */
export function usagesAfter(draft: Draft, base: Records, usages: Usages): Usages {
	const after = new Map<string, Usage>();
	const add = (image: Image | undefined, cost: Usage) => {
		if (image === undefined) return;
		const name = usageName(image.owner);
		after.set(name, sum(after.get(name) ?? usages.get(name) ?? NO_USAGE, cost));
	};
	for (const { kind, id } of draft.records.values()) {
		if (kind !== IMAGES) continue;
		const old = base.record(IMAGES, id).state.image;
		const now = draft.record(IMAGES, id).state.image;
		if (old?.owner === now?.owner && sameUsage(usageOf(old), usageOf(now))) continue;
		add(old, difference(NO_USAGE, usageOf(old)));
		add(now, usageOf(now));
	}
	return after;
}

export function usageChanges(after: Usages): readonly KeyChange[] {
	return [...after].map(([name, usage]) =>
		sameUsage(usage, NO_USAGE) ? { del: USAGES + name } : { put: USAGES + name, value: toBytes(usage) },
	);
}
