/** What values a property may have, as it is sent and shown. Image API v2, "Metadata definition properties". */
import { type PropertyDraft, type PropertySchema, VALUE_TYPES } from '#domain/metadef.ts';
import { bound, count, distinctTexts, entries, fields, flag, list, oneOf, type Parse, text } from './fields.ts';

export const PROPERTY_NAME_CHARS = 80;
/** Glance does not bound these: they are no column of its own. */
const INNER_NAME_CHARS = 255;

/** Glance keeps a text, written as Python writes it; what is no scalar is not kept. */
const defaultValue: Parse<string | null> = (value, at) => {
	if (typeof value === 'boolean') return value ? 'True' : 'False';
	if (typeof value === 'number') return String(value);
	return typeof value === 'string' ? text()(value, at) : null;
};

/** In the order in which they are shown. */
const PARSERS: { readonly [K in keyof PropertySchema]-?: Parse<Exclude<PropertySchema[K], undefined>> } = {
	name: text(PROPERTY_NAME_CHARS),
	type: oneOf(VALUE_TYPES),
	title: text(),
	description: text(),
	operators: list(text()),
	default: defaultValue,
	readonly: flag,
	minimum: bound,
	maximum: bound,
	enum: list(text()),
	pattern: text(),
	minLength: count,
	maxLength: count,
	confidential: flag,
	items: fields<Required<PropertySchema>['items']>({ type: oneOf(VALUE_TYPES), enum: list(text()) }, ['type']),
	uniqueItems: flag,
	minItems: count,
	maxItems: count,
	additionalItems: flag,
};

const REQUIRED = ['type', 'title'] as const;

/** Within a namespace or an object, where the name is the key. */
const innerSchema = fields<PropertySchema>(PARSERS, REQUIRED);

type WithoutConfidential = Omit<PropertySchema, 'confidential'>;
const { confidential: _, ...ALONE } = PARSERS;
/** As a resource of its own, with its name among the keys. */
export const ownSchema = fields<WithoutConfidential>(ALONE, [...REQUIRED, 'name']);

export const namespaceProperties = propertiesNamed(PROPERTY_NAME_CHARS, innerSchema);
export const objectProperties = propertiesNamed(INNER_NAME_CHARS, innerSchema);
/** Of an object that is created on its own: here Glance is as strict as with a property on its own. */
export const newObjectProperties = propertiesNamed(INNER_NAME_CHARS, fields<WithoutConfidential>(ALONE, REQUIRED));
export const requiredNames = distinctTexts;

function propertiesNamed(max: number, schema: Parse<PropertySchema>): Parse<readonly PropertyDraft[]> {
	const parse = entries(text(max), schema);
	return (value, at) => parse(value, at).map((each) => ({ name: each.name, schema: each.value }));
}

const SHOWN = Object.keys(PARSERS) as (keyof PropertySchema)[];

/** In one order of keys, whichever node's log the property comes from. */
function viewSchema({ items, ...schema }: PropertySchema): Readonly<Record<string, unknown>> {
	const ordered = { ...schema, ...(items && { items: { type: items.type, ...(items.enum && { enum: items.enum }) } }) };
	return Object.fromEntries(SHOWN.filter((key) => Object.hasOwn(ordered, key)).map((key) => [key, ordered[key]]));
}

/** Properties by name; a prefix is put before each. */
export function viewProperties(properties: readonly PropertyDraft[], prefix = ''): Readonly<Record<string, unknown>> {
	return Object.fromEntries(properties.map(({ name, schema }) => [prefix + name, viewSchema(schema)]));
}

export function viewProperty({ name, schema }: PropertyDraft): Readonly<Record<string, unknown>> {
	return { name, ...viewSchema({ ...schema, name }) };
}
