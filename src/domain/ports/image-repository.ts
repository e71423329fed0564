/**
 * Images as records with states: what the database layer makes of the catalogue, and what the location layer builds on.
 * It knows no caller; who may see or change what has been decided further out.
 */
import type { Image, ImageDraft, ImageId } from '../image.ts';
import type { Op } from '../ops.ts';
import type { ImagePage, ImageQuery } from '../query.ts';

export interface ImageRepository {
	/** A new image, `queued`. `conflict` when the id is or ever was in use. */
	add(draft: ImageDraft): Promise<Image>;
	/** `not-found` */
	get(id: ImageId): Promise<Image>;
	list(query: ImageQuery): Promise<ImagePage>;
	/**
	 * Commits ops about one image in one transaction, if it still is at the revision of `image`: otherwise `conflict`.
	 * A status op must follow the status of `image` (Glance's table): otherwise `conflict`. Resolves to the new record.
	 * `not-found` when it was deleted meanwhile, `forbidden` when another site owns it.
	 */
	save(image: Image, ops: readonly ImageOp[]): Promise<Image>;
	/** Leaves a tombstone. `forbidden` for a protected image; `conflict` and `not-found` as `save`. */
	remove(image: Image): Promise<void>;
	/** Live images that have or stage this content. */
	withContent(root: string): Promise<readonly Image[]>;
}

/** What may be saved about an image that exists. */
export type ImageOp = Exclude<Op, { readonly type: 'node.announce' | 'image.create' | 'image.delete' }>;

/** What a layer needs to know about an image before it can decide. */
export type ImageFacts = Pick<ImageRepository, 'get'>;
