/** Namespaces as records: what the verbs are made of. Knows no caller. */

import type { Catalogue } from '#domain/ports/catalogue.ts';
import { type NamespaceRecord, noSuchNamespace, type ResourceType } from '../metadef.ts';
import type { MetadefOp } from '../ops.ts';

export interface NamespaceRepository {
	/** `not-found` */
	get(name: string): Promise<NamespaceRecord>;
	/** A new namespace with all that is in it, in one transaction. `conflict` for a name that is taken. */
	add(name: string, ops: readonly MetadefOp[]): Promise<NamespaceRecord>;
	/**
	 * Commits in one transaction, if the namespace still is at the revision of `before`: otherwise `conflict`. Resolves to
	 * the record that is then called `name`. `forbidden` when another site owns it.
	 */
	save(before: NamespaceRecord, ops: readonly MetadefOp[], name?: string): Promise<NamespaceRecord>;
	remove(before: NamespaceRecord): Promise<void>;
	exists(name: string): boolean;
	all(): Promise<readonly NamespaceRecord[]>;
	resourceTypes(): Promise<readonly ResourceType[]>;
}

/** What a layer needs to know about a namespace before it can decide. */
export type NamespaceFacts = Pick<NamespaceRepository, 'get'>;

export function namespaceRepository(catalogue: Catalogue): NamespaceRepository {
	async function get(name: string): Promise<NamespaceRecord> {
		const namespace = catalogue.namespace(name);
		if (namespace === undefined) throw noSuchNamespace(name);
		return namespace;
	}
	const at = ({ namespace, revision }: NamespaceRecord) => ({ expectedNamespaces: new Map([[namespace, revision]]) });
	return {
		get,
		async add(name, ops) {
			await catalogue.commit(ops);
			return get(name);
		},
		async save(before, ops, name = before.namespace) {
			await catalogue.commit(ops, at(before));
			return get(name);
		},
		async remove(before) {
			await catalogue.commit([{ type: 'metadef.delete', id: before.namespace }], at(before));
		},
		exists: (name) => catalogue.namespace(name) !== undefined,
		all: () => Array.fromAsync(catalogue.namespaces()),
		resourceTypes: () => catalogue.resourceTypes(),
	};
}
