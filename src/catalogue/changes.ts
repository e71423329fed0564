import type { ContentRef, ImageId } from '#domain/image.ts';
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
		const released = fresh.map((id) => releasedBy(draft, id)).filter((content) => content !== undefined);
		const nodes = touched.node && draft.node(log) !== draft.base.node(log);
		return { log, own: log === self, images, released, nodes };
	});
}

/** The content that an image named before and does not name any more. */
function releasedBy(draft: Draft, id: ImageId): ContentRef | undefined {
	const before = draft.base.record(IMAGES, id).state.image?.content;
	const after = draft.record(IMAGES, id).state.image?.content;
	return before && before.root !== after?.root ? before : undefined;
}
