/** The innermost verbs: namespaces ⇄ ops, on the latest record. */
import { ImageError } from '#domain/errors.ts';
import { latestRecord } from '#domain/latest-record.ts';
import {
	type ItemKind,
	itemExists,
	itemOf,
	type MetadefItem,
	type NamespaceFields,
	type NamespaceRecord,
	noSuchItem,
} from '#domain/metadef.ts';
import type { MetadefOp, PutItem } from '#domain/ops.ts';
import type { MetadefController, NamespaceChange } from '../controller.ts';
import { createOps, putOps, renameOps } from '../namespace-ops.ts';
import { pageOfNamespaces } from '../query.ts';
import type { NamespaceRepository } from '../repository.ts';

export function database(repository: NamespaceRepository): MetadefController {
	const latest = latestRecord<NamespaceRecord, MetadefOp>(repository);

	async function put(namespace: string, kind: ItemKind, item: PutItem<ItemKind>): Promise<NamespaceRecord> {
		return latest.change(namespace, (before) => {
			if (item.was !== undefined) itemOf(before, kind, item.was);
			if (item.was !== item.value.name && has(before, kind, item.value.name)) throw itemExists(namespace, kind, item.value.name);
			return putOps(namespace, kind, [item]);
		});
	}

	return {
		async createNamespace(_ctx, { namespace, items, ...fields }) {
			if (repository.exists(namespace)) throw taken(namespace);
			for (const kind of Object.keys(items) as ItemKind[]) assertDistinct(namespace, kind, items[kind]);
			return repository.add(namespace, createOps(namespace, fieldsOf(fields), items));
		},
		listNamespaces: async (_ctx, query) => pageOfNamespaces(await repository.all(), query),
		showNamespace: (_ctx, namespace) => repository.get(namespace),
		updateNamespace: (_ctx, namespace, { namespace: name, ...change }) =>
			latest.actOn(namespace, (before) => {
				const fields = fieldsOf(change);
				if (name === namespace) return () => repository.save(before, [{ type: 'metadef.update', id: namespace, set: fields }]);
				if (repository.exists(name)) throw taken(name);
				return () => repository.save(before, renameOps(before, name, fields), name);
			}),
		removeNamespace: (_ctx, namespace) =>
			latest.actOn(namespace, (before) => {
				assertUnprotected(before);
				return () => repository.remove(before);
			}),
		async listItems<K extends ItemKind>(_ctx: unknown, namespace: string, kind: K) {
			const { items } = await repository.get(namespace);
			return items[kind] as readonly MetadefItem<K>[];
		},
		showItem: async (_ctx, namespace, kind, name) => itemOf(await repository.get(namespace), kind, name),
		async showPropertyOn(_ctx, namespace, resourceType, name) {
			const record = await repository.get(namespace);
			const { prefix } = itemOf(record, 'association', resourceType);
			if (prefix === null || prefix === '' || !name.startsWith(prefix)) throw noSuchItem(namespace, 'property', name);
			return itemOf(record, 'property', name.slice(prefix.length));
		},
		addItem: async (_ctx, namespace, kind, value) => itemOf(await put(namespace, kind, { value }), kind, value.name),
		updateItem: async (_ctx, namespace, kind, was, value) => itemOf(await put(namespace, kind, { was, value }), kind, value.name),
		async removeItem(_ctx, namespace, kind, name) {
			await latest.change(namespace, (before) => {
				itemOf(before, kind, name);
				assertUnprotected(before);
				return [{ type: 'metadef.drop', id: namespace, kind, names: [name] }];
			});
		},
		async removeAllItems(_ctx, namespace, kind) {
			await latest.change(namespace, (before) => {
				assertUnprotected(before);
				return dropOps(before, kind);
			});
		},
		async addTags(_ctx, namespace, names, { append }) {
			if (names.length === 0) return [];
			const tags = names.map((name) => ({ name }));
			assertDistinct(namespace, 'tag', tags);
			const after = await latest.change(namespace, (before) => {
				const known = append ? names.find((name) => has(before, 'tag', name)) : undefined;
				if (known !== undefined) throw itemExists(namespace, 'tag', known);
				const puts = putOps(
					namespace,
					'tag',
					tags.map((value) => ({ value })),
				);
				return append ? puts : [...dropOps(before, 'tag'), ...puts];
			});
			return names.map((name) => itemOf(after, 'tag', name));
		},
		listResourceTypes: () => repository.resourceTypes(),
	};
}

function has({ items }: NamespaceRecord, kind: ItemKind, name: string): boolean {
	return items[kind].some((item) => item.name === name);
}

function dropOps({ namespace, items }: NamespaceRecord, kind: ItemKind): readonly MetadefOp[] {
	const names = items[kind].map(({ name }) => name);
	return names.length === 0 ? [] : [{ type: 'metadef.drop', id: namespace, kind, names }];
}

function fieldsOf({
	owner,
	displayName,
	description,
	visibility,
	protected: kept,
}: Omit<NamespaceChange, 'namespace'>): NamespaceFields {
	return { owner: owner ?? null, displayName, description, visibility, protected: kept };
}

function assertUnprotected({ namespace, protected: kept }: NamespaceRecord): void {
	if (kept) throw new ImageError('forbidden', `namespace ${namespace} is protected: nothing in it can be deleted`);
}

function assertDistinct(namespace: string, kind: ItemKind, items: readonly { readonly name: string }[]): void {
	const seen = new Set<string>();
	for (const { name } of items) if (seen.size === seen.add(name).size) throw itemExists(namespace, kind, name);
}

function taken(namespace: string): ImageError {
	return new ImageError('conflict', `namespace ${namespace} already exists`);
}
