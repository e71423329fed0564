/** Objects of images in stores: contents of this node put there whole, and taken out again. */
import type { ContentRef, Image, ImageId } from '../image.ts';
import type { ImageStore, PutCall, StoreCall, StoreLocation } from './stores.ts';

export type ObjectFacts = Pick<Image, 'id' | 'owner' | 'checksum'>;

export interface ImageObjects {
	/**
	 * Puts a content that is whole here into a store under the image's id; there, durable and right when it resolves. An object
	 * that has the very same bytes already is taken as it is, one with other bytes is never overwritten: `conflict`.
	 * That the object is ours is noted before it is there, so that nothing is orphaned whatever happens. Errors as of `ImageStore.put`.
	 */
	put(image: ObjectFacts, content: ContentRef, store: ImageStore, call: PutCall): Promise<StoreLocation>;
	/** An object that somebody else has put there is an image's by now: a record names it, and `remove` takes it out. */
	claim(id: ImageId, store: ImageStore, location: string): Promise<void>;
	/** Takes out what `put` has stored. Resolves also when there is nothing; `conflict` while something depends on it. */
	remove(id: ImageId, store: ImageStore, call: StoreCall): Promise<void>;
	/** As `remove`, and the image is not brought there again until somebody asks for that. */
	decline(id: ImageId, store: ImageStore, call: StoreCall): Promise<void>;
	isDeclined(id: ImageId, store: ImageStore): boolean;
	/**
	 * An attempt to put has failed, and the image lives on without it: whatever it may have left there goes, now or as soon as
	 * the store lets it, unless a record names it by then.
	 */
	leave(id: ImageId, store: ImageStore): void;
	/** A store holds, or may hold, an object of ours. */
	isNoted(id: ImageId, store: ImageStore): boolean;
	/** Ids of images of which a store holds, or may hold, an object of ours. */
	noted(store: ImageStore): AsyncIterable<ImageId>;
}
