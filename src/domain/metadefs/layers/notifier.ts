/** Notifier: tells, in Glance's event names, what the inner layers really did. */
import { circumstances } from '#domain/circumstances.ts';
import type { RequestContext } from '#domain/context.ts';
import type { MetadefEvent } from '#domain/events.ts';
import { ITEM_KINDS, type ItemKind, itemOf, type MetadefItem, type NamespaceRecord } from '#domain/metadef.ts';
import type { Notifier } from '#domain/ports/notifier.ts';
import type { EditableKind } from '../controller.ts';
import type { MetadefLayer } from '../onion.ts';
import type { NamespaceFacts } from '../repository.ts';

export function notification(facts: NamespaceFacts, notifier: Notifier, clock: () => number): MetadefLayer {
	function tell(ctx: RequestContext, event: MetadefEvent): void {
		notifier.publish({ ...event, ...circumstances(ctx, clock()) });
	}
	return (inner) => ({
		async createNamespace(ctx, draft) {
			const namespace = await inner.createNamespace(ctx, draft);
			tell(ctx, { type: 'metadef_namespace.create', namespace });
			for (const event of contentEvents(namespace)) tell(ctx, event);
			return namespace;
		},
		async updateNamespace(ctx, nameBefore, change) {
			const namespace = await inner.updateNamespace(ctx, nameBefore, change);
			tell(ctx, { type: 'metadef_namespace.update', namespace, nameBefore });
			return namespace;
		},
		async removeNamespace(ctx, name) {
			const namespace = await facts.get(name);
			await inner.removeNamespace(ctx, name);
			tell(ctx, { type: 'metadef_namespace.delete', namespace });
		},
		async addItem(ctx, name, kind, draft) {
			const item = await inner.addItem(ctx, name, kind, draft);
			tell(ctx, itemEvent(name, kind, item, 'create'));
			return item;
		},
		async updateItem(ctx, name, kind, nameBefore, draft) {
			const item = await inner.updateItem(ctx, name, kind, nameBefore, draft);
			tell(ctx, itemEvent(name, kind, item, 'update', nameBefore));
			return item;
		},
		async removeItem(ctx, name, kind, itemName) {
			const item = itemOf(await facts.get(name), kind, itemName);
			await inner.removeItem(ctx, name, kind, itemName);
			tell(ctx, itemEvent(name, kind, item, 'delete'));
		},
		async removeAllItems(ctx, name, kind) {
			const namespace = await facts.get(name);
			await inner.removeAllItems(ctx, name, kind);
			tell(ctx, { type: `metadef_namespace.${CLEARED[kind]}`, namespace });
		},
		async addTags(ctx, name, names, options) {
			const tags = await inner.addTags(ctx, name, names, options);
			for (const tag of tags) tell(ctx, itemEvent(name, 'tag', tag, 'create'));
			return tags;
		},
	});
}

const CLEARED = { object: 'delete_objects', property: 'delete_properties', tag: 'delete_tags' } as const satisfies Record<
	EditableKind,
	string
>;

function contentEvents({ namespace, items }: NamespaceRecord): readonly MetadefEvent[] {
	return ITEM_KINDS.flatMap((kind) => items[kind].map((item) => itemEvent(namespace, kind, item, 'create')));
}

type Happened = 'create' | 'update' | 'delete';

function itemEvent(
	namespace: string,
	kind: ItemKind,
	item: MetadefItem<ItemKind>,
	happened: Happened,
	nameBefore?: string,
): MetadefEvent {
	const about = { namespace, ...(nameBefore !== undefined && { nameBefore }) };
	switch (kind) {
		case 'property':
			return { type: `metadef_property.${happened}`, ...about, property: item as MetadefItem<'property'> };
		case 'object':
			return { type: `metadef_object.${happened}`, ...about, object: item as MetadefItem<'object'> };
		case 'tag':
			return { type: `metadef_tag.${happened}`, ...about, tag: item as MetadefItem<'tag'> };
		case 'association':
			return {
				type: happened === 'delete' ? 'metadef_resource_type.delete' : 'metadef_resource_type.create',
				namespace,
				association: item as MetadefItem<'association'>,
			};
	}
}
