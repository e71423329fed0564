/** Metadata definitions: a catalogue of the properties that images and other resources may carry. Image API v2, "Metadefs". */
import { ImageError } from './errors.ts';

export const METADEF_VISIBILITIES = ['public', 'private'] as const;
export type MetadefVisibility = (typeof METADEF_VISIBILITIES)[number];

/** What a namespace says of itself. Its name is its identity. */
export interface MetadefNamespace extends NamespaceFields, Times {
	readonly namespace: string;
}

export interface NamespaceFields {
	readonly displayName: string | null;
	readonly description: string | null;
	readonly visibility: MetadefVisibility;
	/** neither the namespace nor anything in it can be deleted */
	readonly protected: boolean;
	/** project id */
	readonly owner: string | null;
}

/** UTC milliseconds */
export interface Times {
	readonly createdAt: number;
	readonly updatedAt: number;
}

/** A namespace with all that is in it. */
export interface NamespaceRecord extends MetadefNamespace {
	readonly items: MetadefItems;
	/** the site whose log created the namespace and may change it */
	readonly site: string;
	/** grows with every change of this record; what `expectedNamespaces` compares */
	readonly revision: number;
}

/** What a namespace holds, kind by kind, in the order of creation. Names are unique within a kind. */
export type MetadefItems = { readonly [K in ItemKind]: readonly MetadefItem<K>[] };

export type ItemKind = keyof ItemDrafts;
export type MetadefItem<K extends ItemKind> = ItemDrafts[K] & Times;

/** Everything about an item but its times. */
export interface ItemDrafts {
	readonly property: PropertyDraft;
	readonly object: ObjectDraft;
	readonly tag: TagDraft;
	readonly association: AssociationDraft;
}

/** In the order in which what comes with a namespace is told of. */
export const ITEM_KINDS = ['association', 'object', 'tag', 'property'] as const satisfies readonly ItemKind[];

export type MetadefProperty = MetadefItem<'property'>;
export type MetadefObject = MetadefItem<'object'>;
export type MetadefTag = MetadefItem<'tag'>;
export type ResourceTypeAssociation = MetadefItem<'association'>;

export interface PropertyDraft {
	readonly name: string;
	readonly schema: PropertySchema;
}

/** A group of properties that belong together. */
export interface ObjectDraft {
	readonly name: string;
	readonly description: string | null;
	/** null: not said, which reads as none */
	readonly required: readonly string[] | null;
	/** null: not said, which reads as none */
	readonly properties: readonly PropertyDraft[] | null;
}

export interface TagDraft {
	readonly name: string;
}

/** The properties of the namespace may be put on resources of this type. */
export interface AssociationDraft {
	/** of the resource type, such as OS::Glance::Image */
	readonly name: string;
	/** what properties are prefixed with there, separator included */
	readonly prefix: string | null;
	readonly propertiesTarget: string | null;
}

/** A resource type that some namespace was associated with, once. */
export interface ResourceType extends Times {
	readonly name: string;
}

export const VALUE_TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'] as const;
export type ValueType = (typeof VALUE_TYPES)[number];

/** What values a property may have: JSON schema's words, and two of Glance's (`operators`, `confidential`). */
export interface PropertySchema {
	/** where a client said it; the property's own name may be another */
	readonly name?: string;
	readonly type: ValueType;
	readonly title: string;
	readonly description?: string;
	readonly operators?: readonly string[];
	readonly default?: string | null;
	readonly readonly?: boolean;
	readonly minimum?: number;
	readonly maximum?: number;
	readonly enum?: readonly string[];
	readonly pattern?: string;
	readonly minLength?: number;
	readonly maxLength?: number;
	readonly confidential?: boolean;
	readonly items?: { readonly type: ValueType; readonly enum?: readonly string[] };
	readonly uniqueItems?: boolean;
	readonly minItems?: number;
	readonly maxItems?: number;
	readonly additionalItems?: boolean;
}

/** Whose namespaces are seen: public ones, those without owner, those of the caller's project, all for administrators. */
export function canSeeNamespace(
	viewer: { readonly admin: boolean; readonly project: string | null },
	namespace: Pick<MetadefNamespace, 'owner' | 'visibility'>,
): boolean {
	return viewer.admin || namespace.visibility === 'public' || namespace.owner === null || namespace.owner === viewer.project;
}

/** The one answer for a namespace that does not exist and for one the caller may not see. */
export function noSuchNamespace(name: string, options?: ErrorOptions): ImageError {
	return new ImageError('not-found', `namespace ${shown(name)} was not found`, options);
}

const KIND_WORDS: Readonly<Record<ItemKind, string>> = {
	property: 'property',
	object: 'object',
	tag: 'tag',
	association: 'resource type association',
};

export function itemOf<K extends ItemKind>({ namespace, items }: NamespaceRecord, kind: K, name: string): MetadefItem<K> {
	const found = (items[kind] as readonly MetadefItem<K>[]).find((item) => item.name === name);
	if (found === undefined) throw noSuchItem(namespace, kind, name);
	return found;
}

export function noSuchItem(namespace: string, kind: ItemKind, name: string): ImageError {
	return new ImageError('not-found', `namespace ${shown(namespace)} has no ${KIND_WORDS[kind]} ${shown(name)}`);
}

export function itemExists(namespace: string, kind: ItemKind, name: string): ImageError {
	return new ImageError('conflict', `namespace ${shown(namespace)} already has the ${KIND_WORDS[kind]} ${shown(name)}`);
}

const NAME_CHARS_SHOWN = 255;

function shown(name: string): string {
	return name.slice(0, NAME_CHARS_SHOWN);
}
