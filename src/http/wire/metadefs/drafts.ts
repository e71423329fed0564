/** What clients send about metadata definitions. Glance's schemas, stricter where Glance would fail. */
import { ImageError } from '#domain/errors.ts';
import {
	type AssociationDraft,
	METADEF_VISIBILITIES,
	type MetadefVisibility,
	type ObjectDraft,
	type PropertyDraft,
	type TagDraft,
} from '#domain/metadef.ts';
import type { NamespaceChange, NamespaceDraft } from '#domain/metadefs/controller.ts';
import { assertWritable, fields, flag, list, name, oneOf, type Parse, text } from './fields.ts';
import {
	namespaceProperties,
	newObjectProperties,
	objectProperties,
	ownSchema,
	PROPERTY_NAME_CHARS,
	requiredNames,
} from './property-schema.ts';

const NAME_CHARS = 80;
const DESCRIPTION_CHARS = 500;
const OWNER_CHARS = 255;

const TIMES = ['created_at', 'updated_at'];
/** What Glance makes; clients send it back within a namespace, and it says nothing there. */
const MADE = ['self', 'schema', ...TIMES];

interface ObjectBody {
	readonly name: string;
	readonly description?: string;
	readonly required?: readonly string[];
	readonly properties?: readonly PropertyDraft[];
}

const objectParsers = {
	name: name(NAME_CHARS),
	description: text(),
	required: requiredNames,
	properties: objectProperties,
};

interface AssociationBody {
	readonly name: string;
	readonly prefix?: string;
	readonly properties_target?: string;
}

const associationParsers = { name: name(NAME_CHARS), prefix: text(NAME_CHARS), properties_target: text(NAME_CHARS) };

interface NamespaceBody {
	readonly namespace: string;
	readonly display_name?: string;
	readonly description?: string;
	readonly visibility?: MetadefVisibility;
	readonly protected?: boolean;
	readonly owner?: string;
	readonly resource_type_associations?: readonly AssociationBody[];
	readonly properties?: readonly PropertyDraft[];
	readonly objects?: readonly ObjectBody[];
	readonly tags?: readonly TagDraft[];
}

const namespaceBody = fields<NamespaceBody>(
	{
		namespace: name(NAME_CHARS),
		display_name: text(NAME_CHARS),
		description: text(DESCRIPTION_CHARS),
		visibility: oneOf(METADEF_VISIBILITIES),
		protected: flag,
		owner: text(OWNER_CHARS),
		resource_type_associations: list(fields<AssociationBody>(associationParsers, ['name'], TIMES)),
		properties: namedProperties,
		objects: list(fields<ObjectBody>(objectParsers, ['name'], MADE)),
		tags: list(fields<TagDraft>({ name: name(NAME_CHARS) }, ['name'], TIMES)),
	},
	['namespace'],
);

/** `forbidden` for what only the service writes, `invalid` for what is not as it must be. */
export function parseNamespaceDraft(body: unknown): NamespaceDraft {
	const sent = bodyOf(namespaceBody, body, MADE);
	if (sent.namespace.includes('/')) throw new ImageError('invalid', 'namespace cannot contain a slash: no path would lead to it');
	return {
		...changeOf(sent),
		items: {
			association: (sent.resource_type_associations ?? []).map(associationOf),
			object: (sent.objects ?? []).map(objectOf),
			property: sent.properties ?? [],
			tag: sent.tags ?? [],
		},
	};
}

/** What is in a namespace may be sent along and is left as it is. */
export function parseNamespaceChange(body: unknown): NamespaceChange {
	const { items: _, ...change } = parseNamespaceDraft(body);
	return change;
}

export function parseProperty(body: unknown): PropertyDraft {
	const schema = bodyOf(ownSchema, body, TIMES);
	return { name: name(PROPERTY_NAME_CHARS)(schema.name, 'name'), schema };
}

export function parseNewObject(body: unknown): ObjectDraft {
	return objectOf(bodyOf(fields<ObjectBody>({ ...objectParsers, properties: newObjectProperties }, ['name']), body, MADE));
}

export function parseObject(body: unknown): ObjectDraft {
	return objectOf(bodyOf(fields<ObjectBody>(objectParsers, ['name']), body, MADE));
}

export function parseAssociation(body: unknown): AssociationDraft {
	return associationOf(bodyOf(fields<AssociationBody>(associationParsers, ['name']), body, TIMES));
}

export function parseTag(body: unknown): TagDraft {
	return bodyOf(fields<TagDraft>({ name: name(NAME_CHARS) }, ['name']), body, TIMES);
}

/** In a path. */
export function parseTagName(value: string): TagDraft {
	return { name: name(NAME_CHARS)(value, 'name') };
}

export function parseTags(body: unknown): readonly string[] {
	const tag = fields<TagDraft>({ name: name(NAME_CHARS) }, ['name']);
	const { tags } = bodyOf(fields<{ readonly tags: readonly TagDraft[] }>({ tags: list(tag) }, ['tags']), body, TIMES);
	return tags.map((each) => each.name);
}

function bodyOf<T>(parse: Parse<T>, body: unknown, readOnly: readonly string[]): T {
	assertWritable(body, readOnly);
	return parse(body, 'the body');
}

function namedProperties(value: unknown, at: string): readonly PropertyDraft[] {
	const properties = namespaceProperties(value, at);
	if (properties.some((property) => property.name === '')) throw new ImageError('invalid', `${at} has a property without name`);
	return properties;
}

function changeOf(sent: NamespaceBody): NamespaceChange {
	return {
		namespace: sent.namespace,
		displayName: sent.display_name ?? null,
		description: sent.description ?? null,
		visibility: sent.visibility ?? 'private',
		protected: sent.protected ?? false,
		...(sent.owner !== undefined && { owner: sent.owner }),
	};
}

function objectOf(sent: ObjectBody): ObjectDraft {
	return {
		name: sent.name,
		description: sent.description ?? null,
		required: sent.required ?? null,
		properties: sent.properties ?? null,
	};
}

function associationOf(sent: AssociationBody): AssociationDraft {
	return { name: sent.name, prefix: sent.prefix ?? null, propertiesTarget: sent.properties_target ?? null };
}
