/** Metadata definitions as Glance sends them, key order included. What is not set is left out. */
import type {
	AssociationDraft,
	MetadefObject,
	MetadefTag,
	NamespaceRecord,
	ObjectDraft,
	ResourceType,
	ResourceTypeAssociation,
} from '#domain/metadef.ts';
import { NATURAL_TAGS, pageOfTags } from '#domain/metadefs/query.ts';
import { viewTime } from '#http/wire/times.ts';
import { viewProperties } from './property-schema.ts';

type View = Readonly<Record<string, unknown>>;

export const NAMESPACES_PATH = '/v2/metadefs/namespaces';

/** For a header: every character that a URL cannot have is escaped. */
export function namespaceUrlPath(namespace: string): string {
	return `${NAMESPACES_PATH}/${encodeURIComponent(namespace).replaceAll('%3A', ':')}`;
}

/** As a namespace is listed: with its resource types. */
export function viewListedNamespace(namespace: NamespaceRecord): View {
	return viewNamespace(namespace, associationsOf(namespace));
}

/** With everything in it, its properties as they are called on resources of a type. */
export function viewWholeNamespace(namespace: NamespaceRecord, resourceType?: string): View {
	const { items } = namespace;
	const prefix = items.association.find(({ name }) => name === resourceType)?.prefix ?? '';
	const tags = pageOfTags(namespace.namespace, items.tag, NATURAL_TAGS);
	return viewNamespace(namespace, {
		...associationsOf(namespace),
		...(items.property.length > 0 && { properties: viewProperties(items.property, prefix) }),
		...(items.object.length > 0 && { objects: items.object.map((object) => viewObject(namespace.namespace, object, prefix)) }),
		...(tags.length > 0 && { tags: tags.map(viewTagName) }),
	});
}

/** In answer to its creation: what came with it, as it came. */
export function viewNewNamespace(namespace: NamespaceRecord): View {
	const { association, property, object, tag } = namespace.items;
	return viewNamespace(namespace, {
		...(association.length > 0 && { resource_type_associations: association.map(viewSentAssociation) }),
		...(property.length > 0 && { properties: viewProperties(property) }),
		...(object.length > 0 && { objects: object.map((each) => viewSentObject(each)) }),
		...(tag.length > 0 && { tags: tag.map(viewTagName) }),
	});
}

/** `content`: of what is in the namespace. */
export function viewNamespace(namespace: NamespaceRecord, content: View = {}): View {
	const { displayName, description, visibility, owner } = namespace;
	return {
		namespace: namespace.namespace,
		...(displayName !== null && { display_name: displayName }),
		...(description !== null && { description }),
		visibility,
		protected: namespace.protected,
		...(owner !== null && { owner }),
		...times(namespace),
		...content,
		self: namespaceLink(namespace.namespace),
		schema: '/v2/schemas/metadefs/namespace',
	};
}

export function viewObject(namespace: string, object: MetadefObject, prefix = ''): View {
	const { name, description } = object;
	return {
		name,
		required: (object.required ?? []).map((each) => prefix + each),
		...(description !== null && { description }),
		properties: viewProperties(object.properties ?? [], prefix),
		...objectLinks(namespace, object),
	};
}

/** In answer to a change: what was not said is not repeated. */
export function viewChangedObject(namespace: string, object: MetadefObject): View {
	return { ...viewSentObject(object), ...objectLinks(namespace, object) };
}

function viewSentObject({ name, required, description, properties }: ObjectDraft): View {
	return {
		name,
		...(required !== null && { required }),
		...(description !== null && { description }),
		...(properties !== null && { properties: viewProperties(properties) }),
	};
}

function objectLinks(namespace: string, object: MetadefObject): View {
	return {
		...times(object),
		self: `${namespaceLink(namespace)}/objects/${written(object.name)}`,
		schema: '/v2/schemas/metadefs/object',
	};
}

export function viewAssociation(association: ResourceTypeAssociation): View {
	return { ...viewSentAssociation(association), ...times(association) };
}

function viewSentAssociation({ name, prefix, propertiesTarget }: AssociationDraft): View {
	return {
		name,
		...(prefix !== null && { prefix }),
		...(propertiesTarget !== null && { properties_target: propertiesTarget }),
	};
}

export function viewResourceType(type: ResourceType): View {
	return { name: type.name, ...times(type) };
}

export function viewTag(tag: MetadefTag): View {
	return { name: tag.name, ...times(tag) };
}

export function viewTagName({ name }: { readonly name: string }): View {
	return { name };
}

function associationsOf({ items }: NamespaceRecord): View {
	return items.association.length > 0 ? { resource_type_associations: items.association.map(viewAssociation) } : {};
}

function times({ createdAt, updatedAt }: { readonly createdAt: number; readonly updatedAt: number }): View {
	return { created_at: viewTime(createdAt), updated_at: viewTime(updatedAt) };
}

function namespaceLink(namespace: string): string {
	return `${NAMESPACES_PATH}/${written(namespace)}`;
}

/** A name in a link: as it is, spaces and all, as Glance writes it, but for what would make another path of it. */
function written(name: string): string {
	return name.replaceAll(/[%/\\?#\p{Cc}]/gu, encodeURIComponent);
}
