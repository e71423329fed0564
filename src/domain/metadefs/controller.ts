/**
 * The verbs of metadata definitions. Every layer of their onion (onion.ts) is a function from one of these to another.
 * What a namespace holds comes in kinds that behave alike: verbs about an item take its kind.
 */
import type { RequestContext } from '../context.ts';
import type {
	ItemDrafts,
	ItemKind,
	MetadefItem,
	MetadefProperty,
	MetadefTag,
	MetadefVisibility,
	NamespaceFields,
	NamespaceRecord,
	ResourceType,
} from '../metadef.ts';

/** What can be looked at and changed one by one; an association is only made and dropped. */
export type EditableKind = Exclude<ItemKind, 'association'>;

export interface MetadefController {
	/** With all that is in it, or not at all. `conflict` for a name that is taken. */
	createNamespace(ctx: RequestContext, draft: NamespaceDraft): Promise<NamespaceRecord>;
	listNamespaces(ctx: RequestContext, query: NamespaceQuery): Promise<NamespacePage>;
	showNamespace(ctx: RequestContext, namespace: string): Promise<NamespaceRecord>;
	/** All fields; what is in the namespace stays, also under another name. */
	updateNamespace(ctx: RequestContext, namespace: string, change: NamespaceChange): Promise<NamespaceRecord>;
	/** For this and everything else that deletes: `forbidden` in a protected namespace. */
	removeNamespace(ctx: RequestContext, namespace: string): Promise<void>;
	/** In the order of creation. */
	listItems<K extends ItemKind>(ctx: RequestContext, namespace: string, kind: K): Promise<readonly MetadefItem<K>[]>;
	showItem<K extends EditableKind>(ctx: RequestContext, namespace: string, kind: K, name: string): Promise<MetadefItem<K>>;
	/** The property that has this name where it is put on resources of the type; the answer's name is without the prefix. */
	showPropertyOn(ctx: RequestContext, namespace: string, resourceType: string, name: string): Promise<MetadefProperty>;
	/** `conflict` for a name that is taken. */
	addItem<K extends ItemKind>(ctx: RequestContext, namespace: string, kind: K, draft: ItemDrafts[K]): Promise<MetadefItem<K>>;
	/** Replaces it whole; another name in the draft renames it. */
	updateItem<K extends EditableKind>(
		ctx: RequestContext,
		namespace: string,
		kind: K,
		name: string,
		draft: ItemDrafts[K],
	): Promise<MetadefItem<K>>;
	removeItem(ctx: RequestContext, namespace: string, kind: ItemKind, name: string): Promise<void>;
	removeAllItems(ctx: RequestContext, namespace: string, kind: EditableKind): Promise<void>;
	/**
	 * Several tags at once, in the place of all there are unless `append`; `conflict` when one of them is there or comes
	 * twice. No names at all are no change.
	 */
	addTags(
		ctx: RequestContext,
		namespace: string,
		names: readonly string[],
		options: { readonly append: boolean },
	): Promise<readonly MetadefTag[]>;
	/** Every type that any namespace was ever associated with, the oldest first. */
	listResourceTypes(ctx: RequestContext): Promise<readonly ResourceType[]>;
}

export interface NamespaceDraft extends Omit<NamespaceFields, 'owner'> {
	readonly namespace: string;
	/** absent: the caller's project */
	readonly owner?: string;
	readonly items: DraftItems;
}

export type DraftItems = { readonly [K in ItemKind]: readonly ItemDrafts[K][] };

export type NamespaceChange = Omit<NamespaceDraft, 'items'>;

export const NAMESPACE_SORT_KEYS = [
	'createdAt',
	'updatedAt',
	'namespace',
	'displayName',
	'description',
	'visibility',
	'protected',
	'owner',
] as const;
export type NamespaceSortKey = (typeof NAMESPACE_SORT_KEYS)[number];

export interface NamespaceQuery {
	/** at least 0 */
	readonly limit: number;
	/** name of the last namespace of the page before; unknown or invisible: `not-found` */
	readonly marker?: string;
	readonly sortKey: NamespaceSortKey;
	readonly descending: boolean;
	readonly visibility?: MetadefVisibility;
	/** associated with one of them */
	readonly resourceTypes?: readonly string[];
	/** whose eyes: set by the authorisation layer, never by a door */
	readonly viewer?: { readonly project: string | null; readonly admin: boolean };
}

export interface NamespacePage {
	readonly namespaces: readonly NamespaceRecord[];
	/** the page was full: there may be more after its last namespace */
	readonly full: boolean;
}
