/**
 * Metadata definitions as JSON schema (draft 4), for clients that build their forms from it. What is really demanded of a
 * body is in wire/metadefs/drafts.ts, which is stricter where Glance's schema lets through what Glance then fails on.
 * Image API v2, "Metadata definition schemas".
 */
import { METADEF_VISIBILITIES, VALUE_TYPES } from '#domain/metadef.ts';

interface ItemSchema {
	readonly name: string;
	readonly properties: Readonly<Record<string, object>>;
	readonly additionalProperties: false;
	readonly definitions?: Readonly<Record<string, object>>;
	readonly required: readonly string[];
}

const TEXT = { type: 'string' };
const READ_ONLY_TEXT = { readOnly: true, type: 'string' };
const refer = (definition: string) => ({ $ref: `#/definitions/${definition}` });
const text = (maxLength: number, description: string) => ({ type: 'string', maxLength, description });
const time = (description: string) => ({ type: 'string', readOnly: true, description, format: 'date-time' });
const times = (what: string) => ({
	created_at: time(`When the ${what} was created`),
	updated_at: time(`When the ${what} was changed last`),
});

const VALUE_TYPE = { type: 'string', enum: [...VALUE_TYPES, null] };

const PROPERTY_KEYS = {
	name: { type: 'string', maxLength: 80 },
	title: TEXT,
	description: TEXT,
	operators: { type: 'array', items: TEXT },
	type: VALUE_TYPE,
	required: refer('stringArray'),
	minimum: { type: 'number' },
	maximum: { type: 'number' },
	maxLength: refer('positiveInteger'),
	minLength: refer('positiveIntegerDefault0'),
	pattern: { type: 'string', format: 'regex' },
	enum: { type: 'array' },
	readonly: { type: 'boolean' },
	default: {},
	items: { type: 'object', properties: { type: VALUE_TYPE, enum: { type: 'array' } } },
	maxItems: refer('positiveInteger'),
	minItems: refer('positiveIntegerDefault0'),
	uniqueItems: { type: 'boolean', default: false },
	additionalItems: { type: 'boolean' },
};

const INTEGERS = {
	positiveInteger: { type: 'integer', minimum: 0 },
	positiveIntegerDefault0: { allOf: [refer('positiveInteger'), { default: 0 }] },
};

const PROPERTY_DEFINITIONS = {
	...INTEGERS,
	stringArray: { type: 'array', items: TEXT, minItems: 1, uniqueItems: true },
};

const DEFINITIONS = {
	...INTEGERS,
	stringArray: { type: 'array', items: TEXT, uniqueItems: true },
	property: {
		type: 'object',
		additionalProperties: { type: 'object', required: ['title', 'type'], properties: PROPERTY_KEYS },
	},
};

const PROPERTY: ItemSchema = {
	name: 'property',
	properties: PROPERTY_KEYS,
	additionalProperties: false,
	definitions: PROPERTY_DEFINITIONS,
	required: ['type', 'title', 'name'],
};

const OBJECT: ItemSchema = {
	name: 'object',
	properties: {
		name: { type: 'string', maxLength: 80 },
		description: TEXT,
		required: refer('stringArray'),
		properties: refer('property'),
		schema: READ_ONLY_TEXT,
		self: READ_ONLY_TEXT,
		...times('object'),
	},
	additionalProperties: false,
	definitions: DEFINITIONS,
	required: ['name'],
};

const TAG: ItemSchema = {
	name: 'tag',
	properties: { name: { type: 'string', maxLength: 80 }, ...times('tag') },
	additionalProperties: false,
	required: ['name'],
};

const ASSOCIATION: ItemSchema = {
	name: 'resource_type_association',
	properties: {
		name: text(80, "Resource type, best by the name that Heat's resources have"),
		prefix: text(80, 'What properties begin with on resources of this type, separator included'),
		properties_target: text(80, 'Which of several sets of properties of such a resource is meant'),
		...times('association'),
	},
	additionalProperties: false,
	required: ['name'],
};

const NAMESPACE: ItemSchema = {
	name: 'namespace',
	properties: {
		namespace: text(80, 'Unique name of the namespace'),
		display_name: text(80, 'Name of the namespace for people'),
		description: text(500, 'What the namespace is about, for people'),
		visibility: { type: 'string', enum: METADEF_VISIBILITIES, description: 'Who can see the namespace' },
		protected: { type: 'boolean', description: 'Whether the namespace is kept from deletion' },
		owner: text(255, 'Project that owns the namespace'),
		...times('namespace'),
		schema: READ_ONLY_TEXT,
		self: READ_ONLY_TEXT,
		resource_type_associations: {
			type: 'array',
			items: { type: 'object', properties: { name: TEXT, prefix: TEXT, properties_target: TEXT } },
		},
		properties: refer('property'),
		objects: {
			type: 'array',
			items: {
				type: 'object',
				properties: { name: TEXT, description: TEXT, required: refer('stringArray'), properties: refer('property') },
			},
		},
		tags: { type: 'array', items: { type: 'object', properties: { name: TEXT } } },
	},
	additionalProperties: false,
	definitions: DEFINITIONS,
	required: ['namespace'],
};

/** By the last part of their paths. */
export const METADEF_SCHEMAS: Readonly<Record<string, object>> = {
	namespace: NAMESPACE,
	namespaces: collection('namespaces', NAMESPACE),
	resource_type: ASSOCIATION,
	resource_types: collection('resource_type_associations', ASSOCIATION),
	property: PROPERTY,
	properties: dictionary('properties', { ...PROPERTY, required: ['type', 'title'] }),
	object: OBJECT,
	objects: collection('objects', OBJECT),
	tag: TAG,
	tags: collection('tags', TAG),
};

function collection(name: string, item: ItemSchema): object {
	return page(name, item, (items) => ({ type: 'array', items }));
}

function dictionary(name: string, item: ItemSchema): object {
	return page(name, item, (additionalProperties) => ({ type: 'object', additionalProperties }));
}

/** What items refer to is defined once, at the top. */
function page(name: string, { definitions, ...item }: ItemSchema, of: (item: object) => object): object {
	return {
		name,
		properties: { [name]: of(item), first: TEXT, next: TEXT, schema: TEXT },
		links: [
			{ rel: 'first', href: '{first}' },
			{ rel: 'next', href: '{next}' },
			{ rel: 'describedby', href: '{schema}' },
		],
		...(definitions && { definitions }),
	};
}
