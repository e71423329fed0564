/** Pages of namespaces and of tags. Pure. */
import { compareUtf8 } from '#lib/utf8-order.ts';
import { canSeeNamespace, type MetadefTag, type NamespaceRecord, noSuchItem, noSuchNamespace } from '../metadef.ts';
import type { NamespacePage, NamespaceQuery } from './controller.ts';

const EVERYONE = { project: null, admin: true };

export function pageOfNamespaces(all: readonly NamespaceRecord[], query: NamespaceQuery): NamespacePage {
	const visible = all.filter((namespace) => canSeeNamespace(query.viewer ?? EVERYONE, namespace));
	const order = orderOf(query);
	const { marker: name } = query;
	const marker = name === undefined ? undefined : visible.find(({ namespace }) => namespace === name);
	if (name !== undefined && !marker) throw noSuchNamespace(name);
	const listed = visible.filter((each) => matches(each, query) && (!marker || order(each, marker) > 0)).sort(order);
	return { namespaces: listed.slice(0, query.limit), full: query.limit > 0 && listed.length >= query.limit };
}

function matches({ visibility, items }: NamespaceRecord, query: NamespaceQuery): boolean {
	if (query.visibility !== undefined && visibility !== query.visibility) return false;
	return query.resourceTypes === undefined || items.association.some(({ name }) => query.resourceTypes?.includes(name));
}

/** Made total by creation and name, all in one direction. What is absent sorts as the empty text. */
function orderOf({ sortKey, descending }: NamespaceQuery): (a: NamespaceRecord, b: NamespaceRecord) => number {
	const ascending = (a: NamespaceRecord, b: NamespaceRecord) =>
		compared(a[sortKey], b[sortKey]) || a.createdAt - b.createdAt || compareUtf8(a.namespace, b.namespace);
	return descending ? (a, b) => ascending(b, a) : ascending;
}

type Value = string | number | boolean | null;

function compared(a: Value, b: Value): number {
	return typeof a === 'string' || typeof b === 'string' || a === null || b === null
		? compareUtf8(String(a ?? ''), String(b ?? ''))
		: Number(a) - Number(b);
}

export interface TagQuery {
	readonly sortKey: 'createdAt' | 'updatedAt' | 'name';
	readonly descending: boolean;
	readonly limit?: number;
	/** name of the last tag of the page before; unknown: `not-found` */
	readonly marker?: string;
}

/** The youngest first. */
export const NATURAL_TAGS: TagQuery = { sortKey: 'createdAt', descending: true };

/** Tags come in the order of creation, which is what decides between equals. */
export function pageOfTags(namespace: string, tags: readonly MetadefTag[], query: TagQuery): readonly MetadefTag[] {
	const { sortKey, descending, limit, marker } = query;
	const sorted = [...tags.entries()].sort(
		([i, a], [j, b]) => compared(a[sortKey], b[sortKey]) || a.createdAt - b.createdAt || i - j,
	);
	const ordered = (descending ? sorted.reverse() : sorted).map(([, tag]) => tag);
	const before = marker === undefined ? -1 : ordered.findIndex(({ name }) => name === marker);
	if (marker !== undefined && before < 0) throw noSuchItem(namespace, 'tag', marker);
	return ordered.slice(before + 1, limit === undefined ? undefined : before + 1 + limit);
}
