/** What a change of a namespace is in ops. Pure. */
import { ITEM_KINDS, type ItemKind, type MetadefItem, type NamespaceFields, type NamespaceRecord } from '../metadef.ts';
import type { MetadefOp, MetadefPut, PutItem } from '../ops.ts';
import type { DraftItems } from './controller.ts';

/** Items of one op: an entry of a log is small, and a large namespace is several of them. UTF-8 bytes as JSON. */
const OP_BYTES = 96 * 1024;
const OP_ITEMS_MAX = 1024;

export function createOps(id: string, fields: NamespaceFields, items: DraftItems): readonly MetadefOp[] {
	const puts = ITEM_KINDS.flatMap((kind) =>
		putOps(
			id,
			kind,
			items[kind].map((value) => ({ value })),
		),
	);
	return [{ type: 'metadef.create', id, fields }, ...puts];
}

/** The same namespace under another name, as old as it was and with all that is in it. */
export function renameOps(before: NamespaceRecord, id: string, fields: NamespaceFields): readonly MetadefOp[] {
	const puts = ITEM_KINDS.flatMap((kind) => putOps(id, kind, before.items[kind].map(withAge)));
	return [
		{ type: 'metadef.delete', id: before.namespace },
		{ type: 'metadef.create', id, fields, createdAt: before.createdAt },
		...puts,
	];
}

function withAge({ createdAt, updatedAt: _, ...value }: MetadefItem<ItemKind>): PutItem<ItemKind> {
	return { createdAt, value };
}

/** As many ops as are needed for them to stay small. */
export function putOps(id: string, kind: ItemKind, items: readonly PutItem<ItemKind>[]): readonly MetadefPut[] {
	const ops: PutItem<ItemKind>[][] = [];
	let bytes = 0;
	for (const item of items) {
		const size = Buffer.byteLength(JSON.stringify(item));
		const last = ops.at(-1);
		if (last && last.length < OP_ITEMS_MAX && bytes + size <= OP_BYTES) {
			last.push(item);
			bytes += size;
		} else {
			ops.push([item]);
			bytes = size;
		}
	}
	// one kind throughout, which the type of a union cannot say
	return ops.map((some) => ({ type: 'metadef.put', id, kind, items: some }) as MetadefPut);
}
