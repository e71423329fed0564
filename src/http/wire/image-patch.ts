/** JSON patch as Glance understands it, in both of its media types. Image API v2, "Update image". */
import { ImageError } from '#domain/errors.ts';
import type { ImageChange } from '#domain/image.ts';
import {
	isReserved,
	isWritable,
	NEVER_SENT,
	parsePropertyName,
	parsePropertyValue,
	parseTags,
	parseWritable,
	READ_ONLY,
	readOnly,
	reserved,
} from './attributes.ts';
import { parseLocation } from './given-location.ts';
import type { ImageRules } from './image-rules.ts';
import { quoted, refuseAstral } from './texts.ts';

export const PATCH_TYPES = [
	'application/openstack-images-v2.0-json-patch',
	'application/openstack-images-v2.1-json-patch',
] as const;
export type PatchType = (typeof PATCH_TYPES)[number];

const OPERATIONS = ['add', 'replace', 'remove'] as const;

interface Operation {
	readonly op: (typeof OPERATIONS)[number];
	readonly path: string;
	readonly value?: unknown;
	/** the older media type refuses to add what is there */
	readonly addMustCreate: boolean;
}

/** `invalid` for what is not a patch, `forbidden` and `conflict` for what may not be patched. */
export function parseImagePatch(type: PatchType, body: unknown, rules: ImageRules): readonly ImageChange[] {
	if (!Array.isArray(body)) throw new ImageError('invalid', 'the body must be a JSON array of operations');
	if (rules.refuseAstral) refuseAstral(body);
	const parse = type === PATCH_TYPES[0] ? parseOldOperation : parseOperation;
	return body.map((item) => changeOf(parse(asObject(item)), rules));
}

function asObject(item: unknown): Readonly<Record<string, unknown>> {
	if (typeof item !== 'object' || item === null || Array.isArray(item))
		throw new ImageError('invalid', 'every operation must be a JSON object');
	return item as Readonly<Record<string, unknown>>;
}

function parseOperation(item: Readonly<Record<string, unknown>>): Operation {
	const op = OPERATIONS.find((each) => each === item.op);
	if (op === undefined)
		throw new ImageError('invalid', `operations must be one of ${OPERATIONS.join(', ')}, not ${quoted(item.op)}`);
	return withValue({ op, path: asPath(item.path), addMustCreate: false }, item);
}

function parseOldOperation(item: Readonly<Record<string, unknown>>): Operation {
	const named = OPERATIONS.filter((op) => Object.hasOwn(item, op));
	const [op] = named;
	if (op === undefined || named.length > 1)
		throw new ImageError('invalid', `every operation must have exactly one of ${OPERATIONS.join(', ')}`);
	return withValue({ op, path: asPath(item[op]), addMustCreate: true }, item);
}

function withValue(operation: Operation, item: Readonly<Record<string, unknown>>): Operation {
	if (operation.op === 'remove') return operation;
	if (!Object.hasOwn(item, 'value'))
		throw new ImageError('invalid', `operation ${operation.op} ${quoted(operation.path)} has no value`);
	return { ...operation, value: item.value };
}

function asPath(path: unknown): string {
	if (typeof path !== 'string') throw new ImageError('invalid', 'the path of an operation must be a string');
	return path;
}

function changeOf(operation: Operation, rules: ImageRules): ImageChange {
	const name = attributeAt(operation);
	if (NEVER_SENT.has(name) || READ_ONLY.has(name) || WRITE_ONCE.has(name)) throw readOnly(name);
	if (name === 'locations') return placeChange(operation, rules);
	if (isReserved(name)) throw reserved(name);
	if (name === 'tags' || isWritable(name)) return baseChange(operation, name, rules);
	if (operation.op === 'remove') return dropOf(name, rules);
	const when = operation.op === 'replace' ? 'present' : operation.addMustCreate ? 'absent' : 'always';
	return { setProperty: parsePropertyName(name), value: parsePropertyValue(name, operation.value, rules), when };
}

/** What no image may be created without it may not lose either. */
function dropOf(name: string, { custom }: ImageRules): ImageChange {
	if (custom.required.includes(name)) throw new ImageError('forbidden', `property ${quoted(name)} may not be removed`);
	return { dropProperty: name };
}

/** Who may see where bytes are may say it too, if the operator wants that. */
function placeChange({ op, path, value }: Operation, { showMultipleLocations }: ImageRules): ImageChange {
	if (!showMultipleLocations) throw new ImageError('forbidden', 'the locations of images are not shown, nor changed, here');
	const at = path.slice(path.lastIndexOf('/') + 1).trim();
	if (op === 'remove') return { dropLocation: Number(at) };
	if (op === 'add') return { addLocation: parseLocation(value), at: at === '-' ? 'end' : Number(at) };
	if (!Array.isArray(value)) throw new ImageError('invalid', 'locations must be a list');
	return { setLocations: value.map(parseLocation) };
}

const WRITE_ONCE: ReadonlySet<string> = new Set(['id', 'os_hash_algo', 'os_hash_value']);

function baseChange(operation: Operation, name: string, rules: ImageRules): ImageChange {
	if (operation.op === 'remove') throw new ImageError('forbidden', `property ${name} may not be removed`);
	if (operation.op === 'add' && operation.addMustCreate) throw new ImageError('conflict', `property ${name} already exists`);
	return name === 'tags' ? { setTags: parseTags(operation.value) } : { set: parseWritable(name, operation.value, rules.formats) };
}

/** The attribute a JSON pointer names, white space around it apart. Only locations have parts that can be named. */
function attributeAt({ op, path }: Operation): string {
	const malformed = !path.startsWith('/') || path.includes('//') || path.endsWith('/') || /~(?![01])/.test(path);
	if (malformed) throw new ImageError('invalid', `invalid JSON pointer ${quoted(path)}`);
	const [name = '', ...rest] = path.slice(1).split('/').map(unescapePart);
	const depthFits = name === 'locations' ? LOCATION_DEPTHS[op](rest) : rest.length === 0;
	if (!depthFits) throw new ImageError('invalid', `invalid JSON pointer ${quoted(path)} for ${op}`);
	return name;
}

const LOCATION_DEPTHS: Readonly<Record<Operation['op'], (rest: readonly string[]) => boolean>> = {
	add: (rest) => rest.length === 1 && /^(-|\d+)$/.test(rest[0] ?? ''),
	replace: (rest) => rest.length === 0,
	remove: (rest) => rest.length === 1 && /^\d+$/.test(rest[0] ?? ''),
};

function unescapePart(part: string): string {
	return part.replaceAll('~1', '/').replaceAll('~0', '~').trim();
}
