/** Applies what a client asks for to an image, and says as an op what then differs. Pure. */
import { ImageError } from './errors.ts';
import type { Image, ImageChange, Settable } from './image.ts';
import type { ImageUpdate } from './ops.ts';

/**
 * The image after all changes, in order.
 * `conflict`: a property is there (or missing) against what the change expects; `not-found`: the tag to drop is missing;
 * `forbidden`: a format is changed after data may have been given.
 */
export function applyChanges(image: Image, changes: readonly ImageChange[]): Image {
	return changes.reduce(applyChange, image);
}

/** The smallest op that turns `before` into `after`; undefined when nothing differs. Only client-settable fields count. */
export function updateBetween(before: Image, after: Image): ImageUpdate | undefined {
	const set = settableBetween(before, after);
	const setProperties = Object.entries(after.properties).filter(([name, value]) => before.properties[name] !== value);
	const dropProperties = Object.keys(before.properties).filter((name) => !Object.hasOwn(after.properties, name));
	const addTags = after.tags.filter((tag) => !before.tags.includes(tag));
	const dropTags = before.tags.filter((tag) => !after.tags.includes(tag));
	const differs = [Object.keys(set), setProperties, dropProperties, addTags, dropTags].some((part) => part.length > 0);
	if (!differs) return undefined;
	return {
		type: 'image.update',
		id: before.id,
		...(Object.keys(set).length > 0 && { set }),
		...(setProperties.length > 0 && { setProperties: Object.fromEntries(setProperties) }),
		...(dropProperties.length > 0 && { dropProperties }),
		...(addTags.length > 0 && { addTags }),
		...(dropTags.length > 0 && { dropTags }),
	};
}

const SETTABLE: readonly (keyof Settable)[] = [
	'name',
	'visibility',
	'owner',
	'protected',
	'hidden',
	'minDisk',
	'minRam',
	'diskFormat',
	'containerFormat',
];

function settableBetween(before: Image, after: Image): Settable {
	return Object.fromEntries(SETTABLE.filter((key) => before[key] !== after[key]).map((key) => [key, after[key]]));
}

function applyChange(image: Image, change: ImageChange): Image {
	if ('set' in change) return set(image, change.set);
	if ('setProperty' in change) return setProperty(image, change.setProperty, change.value, change.when);
	if ('dropProperty' in change) return dropProperty(image, change.dropProperty);
	if ('setTags' in change) return { ...image, tags: [...new Set(change.setTags)] };
	if ('addTag' in change) return image.tags.includes(change.addTag) ? image : { ...image, tags: [...image.tags, change.addTag] };
	if ('dropTag' in change) return dropTag(image, change.dropTag);
	// places are more than a record says: they are changed where stores are known
	return image;
}

function set(image: Image, values: Settable): Image {
	for (const [key, name] of [
		['diskFormat', 'disk_format'],
		['containerFormat', 'container_format'],
	] as const) {
		if (values[key] === undefined || image.status === 'queued' || image.status === 'importing') continue;
		throw new ImageError('forbidden', `attribute ${name} can be replaced only while the image is queued, it is ${image.status}`);
	}
	return { ...image, ...values };
}

function setProperty(image: Image, name: string, value: string, when: 'always' | 'absent' | 'present'): Image {
	const present = Object.hasOwn(image.properties, name);
	if (when === 'absent' && present) throw new ImageError('conflict', `property ${name} already exists`);
	if (when === 'present' && !present) throw missingProperty(name);
	return { ...image, properties: { ...image.properties, [name]: value } };
}

function dropProperty(image: Image, name: string): Image {
	if (!Object.hasOwn(image.properties, name)) throw missingProperty(name);
	return { ...image, properties: Object.fromEntries(Object.entries(image.properties).filter(([key]) => key !== name)) };
}

function dropTag(image: Image, tag: string): Image {
	if (!image.tags.includes(tag)) throw new ImageError('not-found', `image ${image.id} has no tag ${tag}`);
	return { ...image, tags: image.tags.filter((each) => each !== tag) };
}

export function missingProperty(property: string): ImageError {
	return new ImageError('conflict', `property ${property} does not exist`);
}
