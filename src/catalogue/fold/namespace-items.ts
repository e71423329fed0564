import { ImageError } from '#domain/errors.ts';
import { type ItemKind, itemExists, type MetadefItem, type NamespaceRecord, noSuchItem } from '#domain/metadef.ts';
import type { MetadefPut, PutItem } from '#domain/ops.ts';

/** Of one kind in one namespace, and of all its items together. */
const ITEMS_MAX = 1024;
const ITEMS_CHARS_MAX = 1024 * 1024;

type Item = MetadefItem<ItemKind>;

/**
 * Each item takes the place of the one it was, or of the one of its own name, or comes last. `not-found` for one that
 * it never was, `conflict` when its new name is taken.
 */
export function withItems(namespace: NamespaceRecord, { kind, items }: MetadefPut, at: number): NamespaceRecord {
	const next = (items as readonly PutItem<ItemKind>[]).reduce<readonly Item[]>(
		(before, item) => placed(namespace, kind, before, item, at),
		namespace.items[kind],
	);
	return withKind(namespace, kind, next);
}

export function withoutItems(namespace: NamespaceRecord, kind: ItemKind, names: readonly string[]): NamespaceRecord {
	const dropped = new Set(names);
	const kept: readonly Item[] = namespace.items[kind];
	return withKind(
		namespace,
		kind,
		kept.filter(({ name }) => !dropped.has(name)),
	);
}

/** `limit-exceeded` when a namespace would hold too much. */
export function assertBounds({ namespace, items }: NamespaceRecord): void {
	for (const kind of Object.values(items))
		if (kind.length > ITEMS_MAX)
			throw new ImageError('limit-exceeded', `namespace ${namespace} would have more than ${ITEMS_MAX} items of one kind`);
	if (JSON.stringify(items).length > ITEMS_CHARS_MAX)
		throw new ImageError('limit-exceeded', `namespace ${namespace} would have more than ${ITEMS_CHARS_MAX} characters in it`);
}

function placed(
	{ namespace }: NamespaceRecord,
	kind: ItemKind,
	before: readonly Item[],
	{ was, createdAt, value }: PutItem<ItemKind>,
	at: number,
): readonly Item[] {
	const { name } = value;
	const index = before.findIndex((item) => item.name === (was ?? name));
	if (index < 0 && was !== undefined) throw noSuchItem(namespace, kind, was);
	if (was !== undefined && was !== name && before.some((item) => item.name === name)) throw itemExists(namespace, kind, name);
	const place = before[index];
	const item: Item = { ...value, createdAt: place?.createdAt ?? createdAt ?? at, updatedAt: at };
	return place ? before.with(index, item) : [...before, item];
}

function withKind(namespace: NamespaceRecord, kind: ItemKind, items: readonly Item[]): NamespaceRecord {
	return { ...namespace, items: { ...namespace.items, [kind]: items } };
}
