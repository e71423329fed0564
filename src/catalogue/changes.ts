import { type ContentRef, contentsOf, type ImageId } from '#domain/image.ts';
import type { CatalogueChange } from '#domain/ports/catalogue.ts';
import type { Draft } from './draft.ts';
import { IMAGES } from './kinds.ts';

/** What a draft changes in what lies under it, log by log. Only before it is absorbed. */
export function changesIn(draft: Draft, self: string): readonly CatalogueChange[] {
	const told = new Set<ImageId>();
	return [...draft.touched].map(([log, touched]) => {
		const images = [...touched.images].filter((id) => draft.record(IMAGES, id).state !== draft.base.record(IMAGES, id).state);
		const fresh = images.filter((id) => !told.has(id));
		for (const id of fresh) told.add(id);
		const released = fresh.flatMap((id) => releasedBy(draft, id));
		const nodes = touched.node && draft.node(log) !== draft.base.node(log);
		return { log, own: log === self, images, released, nodes };
	});
}

/** The contents that an image named before and does not name any more. */
function releasedBy(draft: Draft, id: ImageId): readonly ContentRef[] {
	const before = draft.base.record(IMAGES, id).state.image;
	const after = draft.record(IMAGES, id).state.image;
	const kept = new Set(after && contentsOf(after).map(({ root }) => root));
	return before ? contentsOf(before).filter(({ root }) => !kept.has(root)) : [];
}
