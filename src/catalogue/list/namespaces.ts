/** Namespaces are hundreds, not millions: lists read them all. */

import type { NamespaceState } from '#catalogue/fold/namespace-fold.ts';
import type { ResourceType } from '#domain/metadef.ts';
import { compareUtf8 } from '#lib/utf8-order.ts';
import { NAMESPACES } from '../kinds.ts';
import { NAMESPACE_RECORDS, namespaceOf } from '../records.ts';
import type { Store } from '../store.ts';

/** Of every name that was ever used, by name. */
export async function* namespaceStates(store: Store): AsyncIterable<NamespaceState> {
	for await (const key of store.kv.sub(NAMESPACE_RECORDS).keys({})) yield store.record(NAMESPACES, namespaceOf(key)).state;
}

/** Each type once, as old as its first association anywhere. */
export function firstAssociations(states: readonly NamespaceState[]): readonly ResourceType[] {
	const first = new Map<string, ResourceType>();
	for (const type of states.flatMap(({ resourceTypes }) => resourceTypes)) {
		const known = first.get(type.name);
		if (!known || type.createdAt < known.createdAt) first.set(type.name, type);
	}
	return [...first.values()].sort((a, b) => a.createdAt - b.createdAt || compareUtf8(a.name, b.name));
}
