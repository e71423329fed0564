/** DB: image ⇄ record, states. The only layer that knows the catalogue. */

import type { Catalogue } from '#domain/ports/catalogue.ts';
import type { ImageRepository } from '#domain/ports/image-repository.ts';
import { ImageError } from '../errors.ts';
import { assertFollows, type Image, type ImageDraft } from '../image.ts';
import { noSuchImage } from '../no-such-image.ts';
import type { ImageCreate } from '../ops.ts';

export function database(catalogue: Catalogue): ImageRepository {
	async function get(id: string): Promise<Image> {
		const image = catalogue.image(id);
		if (image === undefined) throw noSuchImage(id);
		return image;
	}
	return {
		async add(draft) {
			const id = draft.id ?? crypto.randomUUID();
			if (catalogue.knows(id)) throw new ImageError('conflict', `image id ${id} already exists`);
			await catalogue.commit([{ type: 'image.create', id, fields: fieldsOf(draft) }]);
			return get(id);
		},
		get,
		list: (query) => catalogue.images(query),
		async save(image, ops) {
			let status = image.status;
			for (const op of ops) {
				const next = op.type === 'image.status' ? op.status : op.type === 'image.data' ? 'active' : status;
				if (next !== status) assertFollows(status, next);
				status = next;
			}
			await catalogue.commit(ops, { expected: new Map([[image.id, image.revision]]) });
			return get(image.id);
		},
		async remove(image) {
			if (image.protected) throw new ImageError('forbidden', `image ${image.id} is protected and cannot be deleted`);
			assertFollows(image.status, 'deleted');
			await catalogue.commit([{ type: 'image.delete', id: image.id }], { expected: new Map([[image.id, image.revision]]) });
		},
		withContent: (root) => catalogue.imagesOf(root),
	};
}

/** With the defaults of what it does not say. */
export function fieldsOf(draft: ImageDraft): ImageCreate['fields'] {
	return {
		name: draft.name ?? null,
		visibility: draft.visibility ?? 'shared',
		owner: draft.owner ?? null,
		protected: draft.protected ?? false,
		hidden: draft.hidden ?? false,
		minDisk: draft.minDisk ?? 0,
		minRam: draft.minRam ?? 0,
		diskFormat: draft.diskFormat ?? null,
		containerFormat: draft.containerFormat ?? null,
		tags: [...new Set(draft.tags ?? [])],
		properties: draft.properties ?? {},
	};
}
