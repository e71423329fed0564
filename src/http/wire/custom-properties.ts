/**
 * Custom properties that the operator describes: names with a schema each, in Glance's schema-image.json. A record keeps
 * every property as text; here is how a JSON value becomes that text, and the text the value again.
 */
import { ImageError } from '#domain/errors.ts';
import { quoted, storableText } from './texts.ts';
import { type Check, compileSchema, isRecord, namesType, type ValueSchema } from './value-schema.ts';

export interface CustomProperties {
	/** as they were written, for the schema documents */
	readonly schemas: Readonly<Record<string, ValueSchema>>;
	/** names that no image may be created without */
	readonly required: readonly string[];
	/** The text to keep; `invalid` when the value is not what the schema wants. Names without a schema take strings. */
	toText(name: string, value: unknown): string;
	/** What a client is shown for the text of a property. */
	toValue(name: string, text: string): unknown;
}

/**
 * `{name: schema, …}`, or the newer `{"properties": {name: schema, …}, "required": [name, …]}`. `invalid` for anything
 * else and for a name in `taken`, which says what an attribute of every image is.
 */
export function customProperties(document: unknown, taken: ReadonlySet<string>): CustomProperties {
	if (!isRecord(document)) throw new ImageError('invalid', 'must be a JSON object of properties');
	const { properties, required } = document;
	const schemas = isRecord(properties) ? properties : document;
	const clash = Object.keys(schemas).find((name) => taken.has(name));
	if (clash !== undefined) throw new ImageError('invalid', `property ${clash} is an attribute of every image`);
	return withSchemas(schemas, isRecord(properties) ? requiredOf(required) : []);
}

function requiredOf(names: unknown): readonly string[] {
	if (names === undefined || names === null) return [];
	if (!Array.isArray(names) || !names.every((name) => typeof name === 'string'))
		throw new ImageError('invalid', 'required must be an array of names');
	return names;
}

function withSchemas(schemas: Readonly<Record<string, unknown>>, required: readonly string[]): CustomProperties {
	const known = new Map<string, { readonly schema: ValueSchema; readonly check: Check }>();
	for (const [name, schema] of Object.entries(schemas)) {
		const check = compileSchema(schema, name);
		known.set(name, { schema: schema as ValueSchema, check });
	}
	return {
		schemas: Object.fromEntries([...known].map(([name, { schema }]) => [name, schema])),
		required,
		toText(name, value) {
			const property = known.get(name);
			const problem = property?.check(value);
			if (problem !== undefined)
				throw new ImageError('invalid', `custom property ${quoted(name)} ${problem}, not ${quoted(value)}`);
			if (value === null && property !== undefined) return '';
			const text = property === undefined || typeof value === 'string' ? value : JSON.stringify(value);
			return storableText(`custom property ${quoted(name)}`, text);
		},
		toValue(name, text) {
			const property = known.get(name);
			return property === undefined ? text : valueIn(text, property.schema, property.check);
		},
	};
}

/** Nothing is null wherever null may be; what was given as a string stays one; anything else was kept as JSON. */
function valueIn(text: string, schema: ValueSchema, check: Check): unknown {
	if (text === '' && check(null) === undefined) return null;
	if (namesType(schema, 'string') && check(text) === undefined) return text;
	const value = parsed(text);
	return value === undefined || check(value) !== undefined ? text : value;
}

function parsed(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

export const UUID_PATTERN = '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$';
const text = (description: string) => ({ type: 'string', description });
const imageReference = (description: string) => ({ type: ['null', 'string'], pattern: UUID_PATTERN, description });

/** What Glance ships. */
export const SHIPPED_PROPERTIES: CustomProperties = withSchemas(
	{
		kernel_id: imageReference('Image that is the kernel when this one boots as AMI'),
		ramdisk_id: imageReference('Image that is the ramdisk when this one boots as AMI'),
		instance_uuid: text('The server that this image was made from'),
		architecture: text('Processor architecture of the operating system'),
		os_distro: text('Common name of the operating system distribution, in lower case'),
		os_version: text('Version of the operating system as its distributor writes it'),
		description: text('What the image is, for people'),
		cinder_encryption_key_id: text('Key that a volume made of this image is encrypted with'),
		cinder_encryption_key_deletion_policy: {
			...text('Whether that key goes with the image; absent: it stays'),
			enum: ['on_image_deletion', 'do_not_delete'],
		},
	},
	[],
);
