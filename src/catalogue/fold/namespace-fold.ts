/**
 * The fold of one namespace's ops: pure, and the same on every node. The site that creates a namespace owns it, with
 * all that is in it, until it deletes it; then anybody's next create counts. Ops of other sites have no effect.
 */
import { type ErrorCode, ImageError } from '#domain/errors.ts';
import type { MetadefItems, NamespaceRecord, ResourceType } from '#domain/metadef.ts';
import type { MetadefCreate, MetadefOp } from '#domain/ops.ts';
import { compareUtf8 } from '#lib/utf8-order.ts';
import { assertBounds, withItems, withoutItems } from './namespace-items.ts';
import type { Folded, Writer } from './record-kind.ts';

export interface NamespaceState {
	/** the live record */
	readonly namespace?: NamespaceRecord;
	/** every type that this name's namespaces were ever associated with, by name; outlives them */
	readonly resourceTypes: readonly ResourceType[];
	/** effective changes seen on this node; only grows, also across deletion, and differs between nodes */
	readonly revision: number;
}

export const NO_NAMESPACE: NamespaceState = { resourceTypes: [], revision: 0 };

/** Of one name, over all its lives. */
const RESOURCE_TYPES_MAX = 1024;
const NOTHING: MetadefItems = { property: [], object: [], tag: [], association: [] };

export function foldNamespace(state: NamespaceState, writer: Writer, op: MetadefOp): Folded<NamespaceState> {
	if (op.type === 'metadef.create') return create(state, writer, op);
	const { namespace } = state;
	if (!namespace) return none(state, 'not-found', `namespace ${op.id} does not exist`);
	if (namespace.site !== writer.site)
		return none(state, 'forbidden', `namespace ${op.id} belongs to site ${namespace.site}; change it there`);
	try {
		const revision = state.revision + 1;
		if (op.type === 'metadef.delete') return { state: { resourceTypes: state.resourceTypes, revision } };
		const next = { ...changed(namespace, op, writer.at), revision };
		return { state: { namespace: next, resourceTypes: known(state.resourceTypes, next), revision } };
	} catch (error) {
		if (error instanceof ImageError) return { state, refusal: error };
		throw error;
	}
}

function create(state: NamespaceState, writer: Writer, { id, fields, createdAt }: MetadefCreate): Folded<NamespaceState> {
	if (state.namespace) return none(state, 'conflict', `namespace ${id} already exists`);
	const namespace: NamespaceRecord = {
		namespace: id,
		...fields,
		createdAt: createdAt ?? writer.at,
		updatedAt: writer.at,
		items: NOTHING,
		site: writer.site,
		revision: state.revision + 1,
	};
	return { state: { ...state, namespace, revision: namespace.revision } };
}

/** What is in a namespace may change without the namespace itself becoming younger, as in Glance. */
function changed(
	namespace: NamespaceRecord,
	op: Exclude<MetadefOp, { type: 'metadef.create' | 'metadef.delete' }>,
	at: number,
): NamespaceRecord {
	if (op.type === 'metadef.update') return { ...namespace, ...op.set, updatedAt: at };
	if (op.type === 'metadef.drop') return withoutItems(namespace, op.kind, op.names);
	const next = withItems(namespace, op, at);
	assertBounds(next);
	return next;
}

function known(before: readonly ResourceType[], { items: { association } }: NamespaceRecord): readonly ResourceType[] {
	const fresh = association.filter(({ name }) => before.every((type) => type.name !== name));
	if (fresh.length === 0) return before;
	if (before.length + fresh.length > RESOURCE_TYPES_MAX)
		throw new ImageError('limit-exceeded', `a namespace can name at most ${RESOURCE_TYPES_MAX} resource types in all its time`);
	const types = fresh.map(({ name, createdAt, updatedAt }) => ({ name, createdAt, updatedAt }));
	return [...before, ...types].sort((a, b) => compareUtf8(a.name, b.name));
}

function none(state: NamespaceState, code: ErrorCode, why: string): Folded<NamespaceState> {
	return { state, refusal: new ImageError(code, why) };
}
