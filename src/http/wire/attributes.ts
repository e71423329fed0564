/** The attributes of an image by their API names: who may write them, and how a JSON value becomes a domain value. */
import { ImageError } from '#domain/errors.ts';
import { type Settable, VISIBILITIES } from '#domain/image.ts';
import { UUID_PATTERN } from './custom-properties.ts';
import type { ImageFormats } from './formats.ts';
import type { ImageRules } from './image-rules.ts';
import { quoted, storableText } from './texts.ts';

export const MAX_TEXT_LENGTH = 255;
const MAX_INT = 2 ** 31 - 1;

/** Refused before anything else is looked at. */
export const NEVER_SENT: ReadonlySet<string> = new Set(['direct_url', 'self', 'file', 'schema', 'stores']);
export const READ_ONLY: ReadonlySet<string> = new Set(['created_at', 'updated_at', 'status', 'checksum', 'size', 'virtual_size']);
const RESERVED: ReadonlySet<string> = new Set(['location', 'deleted', 'deleted_at', 'locations']);

export function isReserved(name: string): boolean {
	return RESERVED.has(name) || name.startsWith('os_glance');
}

export function readOnly(name: string): ImageError {
	return new ImageError('forbidden', `attribute ${quoted(name)} is read-only`);
}

export function reserved(name: string): ImageError {
	return new ImageError('forbidden', `attribute ${quoted(name)} is reserved`);
}

/** API name of a writable attribute → domain values. Tags and custom properties are not among them. */
export const WRITABLE: Readonly<Record<string, (value: unknown, formats: ImageFormats) => Settable>> = {
	name: (value) => ({ name: nullable('name', value) }),
	owner: (value) => ({ owner: nullable('owner', value) }),
	visibility: (value) => ({ visibility: oneOf('visibility', VISIBILITIES, value) }),
	protected: (value) => ({ protected: bool('protected', value) }),
	os_hidden: (value) => ({ hidden: bool('os_hidden', value) }),
	min_disk: (value) => ({ minDisk: count('min_disk', value) }),
	min_ram: (value) => ({ minRam: count('min_ram', value) }),
	disk_format: (value, { disk }) => ({ diskFormat: value === null ? null : oneOf('disk_format', disk, value) }),
	container_format: (value, { container }) => ({
		containerFormat: value === null ? null : oneOf('container_format', container, value),
	}),
};

/** Names that a schema of custom properties may not describe anew. */
export const ATTRIBUTES: ReadonlySet<string> = new Set([
	...NEVER_SENT,
	...READ_ONLY,
	...RESERVED,
	...Object.keys(WRITABLE),
	...['id', 'tags', 'os_hash_algo', 'os_hash_value'],
]);

export function isWritable(name: string): boolean {
	return Object.hasOwn(WRITABLE, name);
}

export function parseWritable(name: string, value: unknown, formats: ImageFormats): Settable {
	const parse = WRITABLE[name];
	if (parse === undefined) throw new TypeError(`${name} is not a writable attribute`);
	return parse(value, formats);
}

export function parseTags(value: unknown): string[] {
	if (!Array.isArray(value)) throw new ImageError('invalid', 'tags must be an array of strings');
	return value.map(parseTag);
}

export function parseTag(value: unknown): string {
	return storableText('tag', value, MAX_TEXT_LENGTH);
}

export function parsePropertyName(name: string): string {
	if (name === '') throw new ImageError('invalid', 'a custom property has no name');
	if (name === '__proto__') throw new ImageError('invalid', 'a custom property cannot be called __proto__');
	return storableText('the name of a custom property', name, MAX_TEXT_LENGTH);
}

/** The text to keep of a custom property. `invalid` when neither the schema nor the operator knows the name. */
export function parsePropertyValue(name: string, value: unknown, { custom, additionalProperties }: ImageRules): string {
	if (!additionalProperties && !Object.hasOwn(custom.schemas, name))
		throw new ImageError('invalid', `custom property ${quoted(name)} is not one of ${Object.keys(custom.schemas).join(', ')}`);
	return custom.toText(name, value);
}

const IMAGE_ID = new RegExp(UUID_PATTERN);

export function imageId(name: string, value: unknown): string {
	if (typeof value !== 'string' || !IMAGE_ID.test(value))
		throw new ImageError('invalid', `${name} must be a UUID, not ${quoted(value)}`);
	return value;
}

function nullable(name: string, value: unknown): string | null {
	return value === null ? null : storableText(name, value, MAX_TEXT_LENGTH);
}

function bool(name: string, value: unknown): boolean {
	if (typeof value !== 'boolean') throw new ImageError('invalid', `${name} must be true or false, not ${quoted(value)}`);
	return value;
}

function count(name: string, value: unknown): number {
	if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > MAX_INT)
		throw new ImageError('invalid', `${name} must be an integer from 0 to ${MAX_INT}, not ${quoted(value)}`);
	return value as number;
}

function oneOf<T extends string>(name: string, allowed: readonly T[], value: unknown): T {
	const found = allowed.find((each) => each === value);
	if (found === undefined) throw new ImageError('invalid', `${name} must be one of ${allowed.join(', ')}, not ${quoted(value)}`);
	return found;
}
