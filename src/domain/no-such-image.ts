import { ImageError } from './errors.ts';
import type { ImageId } from './image.ts';

/** The one answer for an image that does not exist and for one the caller may not see: the two must not differ by a letter. */
export function noSuchImage(id: ImageId, options?: ErrorOptions): ImageError {
	return new ImageError('not-found', `no image found with id ${id}`, options);
}
