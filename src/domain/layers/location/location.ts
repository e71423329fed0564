/**
 * Location: records gain bytes, and lose them. Turns the repository into the controller that every outer layer wraps, and
 * owns the one rule that ties both together: an image is `active` exactly when its bytes are durable at a place that the
 * record names.
 */

import type { ImageController } from '#domain/controller.ts';
import { ImageError } from '#domain/errors.ts';
import { type Image, type ImageChange, type ImageId, type ImageStatus, isLocationChange } from '#domain/image.ts';
import { applyChanges, updateBetween } from '#domain/image-changes.ts';
import type { ImageOp } from '#domain/ports/image-repository.ts';
import { importingVerbs } from './importing.ts';
import { memberVerbs } from './members.ts';
import { placingVerbs } from './placing.ts';
import { readingVerbs } from './reading.ts';
import { removingVerbs } from './removing.ts';
import { type LocationOptions, locationOver } from './shared.ts';
import { takingVerbs } from './taking.ts';

export function location(options: LocationOptions): ImageController {
	const parts = locationOver(options);
	const { repository, change } = parts;

	async function update(id: ImageId, changes: readonly ImageChange[]): Promise<Image> {
		return change(id, (image) => {
			if (image.status === 'importing') assertNoFormats(image, changes);
			const op = updateBetween(image, applyChanges(image, changes));
			return op === undefined ? [] : [op];
		});
	}
	const { download, readPlaces } = readingVerbs(parts);
	const { remove, removeFromStore } = removingVerbs(parts);
	const { relocate, ...placing } = placingVerbs(parts, readPlaces);

	return {
		create: (_ctx, draft) => repository.add(draft),
		show: (_ctx, id) => repository.get(id),
		list: (_ctx, query) => repository.list(query),
		update: (ctx, id, changes) => (changes.some(isLocationChange) ? relocate(ctx, id, changes) : update(id, changes)),
		remove,
		removeFromStore,
		...takingVerbs(parts),
		...importingVerbs(parts, readPlaces),
		...placing,
		download,
		deactivate: async (_ctx, id) => void (await change(id, (image) => statusChange(image, 'active', 'deactivated'))),
		reactivate: async (_ctx, id) => void (await change(id, (image) => statusChange(image, 'deactivated', 'active'))),
		addTag: async (_ctx, id, tag) => void (await update(id, [{ addTag: tag }])),
		dropTag: async (_ctx, id, tag) => void (await update(id, [{ dropTag: tag }])),
		...memberVerbs(repository, parts),
	};
}

/** An import has checked its bytes against them, or is about to: only itself may change them. */
function assertNoFormats({ id }: Image, changes: readonly ImageChange[]): void {
	if (changes.some((each) => 'set' in each && ('diskFormat' in each.set || 'containerFormat' in each.set)))
		throw new ImageError('forbidden', `the formats of image ${id} cannot be replaced while it is being imported`);
}

/** Idempotent; any third status is refused as Glance does. */
function statusChange(image: Image, from: ImageStatus, to: ImageStatus): readonly ImageOp[] {
	if (image.status === to) return [];
	if (image.status === from) return [{ type: 'image.status', id: image.id, status: to }];
	throw new ImageError('forbidden', `image ${image.id} is ${image.status}; it can become ${to} only from ${from}`);
}
