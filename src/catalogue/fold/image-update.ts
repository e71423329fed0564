import { ImageError } from '#domain/errors.ts';
import type { Image } from '#domain/image.ts';
import type { ImageUpdate } from '#domain/ops.ts';

/** Of one image, however many ops it took to get there. Above every quota an operator would set. */
const PROPERTIES_MAX = 1024;
const TAGS_MAX = 1024;
const PROPERTIES_CHARS_MAX = 2 * 1024 * 1024;

/** The image after a key-by-key update. Drops come before sets; `limit-exceeded` when it would grow too large. */
export function updated(image: Image, op: ImageUpdate): Image {
	const next = { ...image, ...op.set, properties: properties(image, op), tags: tags(image, op) };
	const grown = Object.entries(next.properties);
	const chars = grown.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
	if (grown.length > PROPERTIES_MAX || chars > PROPERTIES_CHARS_MAX)
		throw new ImageError('limit-exceeded', `image ${image.id} would have too many properties`);
	if (next.tags.length > TAGS_MAX) throw new ImageError('limit-exceeded', `image ${image.id} would have too many tags`);
	return next;
}

function properties(image: Image, { setProperties, dropProperties }: ImageUpdate): Image['properties'] {
	if (!setProperties && !dropProperties) return image.properties;
	const dropped = new Set(dropProperties);
	const kept = Object.entries(image.properties).filter(([name]) => !dropped.has(name));
	return { ...Object.fromEntries(kept), ...setProperties };
}

function tags(image: Image, { addTags, dropTags }: ImageUpdate): Image['tags'] {
	if (!addTags && !dropTags) return image.tags;
	const dropped = new Set(dropTags);
	return [...new Set([...image.tags.filter((tag) => !dropped.has(tag)), ...(addTags ?? [])])];
}
