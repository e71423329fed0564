/** What is about to be written, seen as if it were: a draft over the stored records, or over another draft. */
import type { ImageId } from '#domain/image.ts';
import type { Op } from '#domain/ops.ts';
import type { KeyChange } from '#lib/key-value.ts';
import type { NodeState } from './fold/node-fold.ts';
import type { AnyKind, FoldRecord, RecordKind } from './fold/record-kind.ts';
import { isMetadefOp } from './kinds.ts';
import { entryKey, type Head, headKey, nodeKey, toBytes } from './records.ts';
import type { SealedEntry } from './registry/entry.ts';

/** Everything a fold may look at. */
export interface Records {
	head(log: string): Head | undefined;
	node(log: string): NodeState | undefined;
	/** the record, or `none` of its kind */
	record<State>(kind: Kind<State>, id: string): FoldRecord<State>;
	/** the envelope of an entry */
	entry(log: string, seq: number): Uint8Array | undefined;
	/** stamp → sequence number of every op on the record */
	opsOf(kind: AnyKind, id: string): Promise<ReadonlyMap<string, number>>;
}

/** A kind whose records have this state, whatever its ops are. */
// biome-ignore lint/suspicious/noExplicitAny: ops are contravariant in their kind
export type Kind<State> = RecordKind<State, any>;

/** What the entries of one log spoke of, whether or not it had an effect. */
interface Touched {
	readonly images: ReadonlySet<ImageId>;
	readonly node: boolean;
}

/** A record of any kind that a draft changes. */
interface Changed {
	readonly kind: AnyKind;
	readonly id: string;
	readonly record: FoldRecord<unknown>;
}

export interface Draft extends Records {
	/** what lies under the draft; changes once the draft is absorbed */
	readonly base: Records;
	readonly touched: ReadonlyMap<string, Touched>;
	readonly heads: ReadonlyMap<string, Head>;
	readonly nodes: ReadonlyMap<string, NodeState>;
	/** by the key they are stored under */
	readonly records: ReadonlyMap<string, Changed>;
	readonly entries: ReadonlyMap<string, Uint8Array>;
	readonly ops: ReadonlyMap<string, number>;
	append(sealed: SealedEntry): void;
	setNode(log: string, state: NodeState): void;
	setRecord<State>(kind: Kind<State>, id: string, record: FoldRecord<State>): void;
	addOp(kind: AnyKind, id: string, stamp: string, seq: number): void;
	/** Takes over another draft that was made over this one. */
	absorb(other: Draft): void;
}

export function draftOver(base: Records): Draft {
	const touched = new Map<string, { images: Set<ImageId>; node: boolean }>();
	const heads = new Map<string, Head>();
	const nodes = new Map<string, NodeState>();
	const records = new Map<string, Changed>();
	const entries = new Map<string, Uint8Array>();
	const ops = new Map<string, number>();
	function touch(log: string, op: Op): void {
		const seen = touched.get(log) ?? { images: new Set(), node: false };
		touched.set(log, seen);
		if (op.type === 'node.announce') seen.node = true;
		else if (!isMetadefOp(op)) seen.images.add(op.id);
	}

	return {
		base,
		touched,
		heads,
		nodes,
		records,
		entries,
		ops,
		head: (log) => heads.get(log) ?? base.head(log),
		node: (log) => nodes.get(log) ?? base.node(log),
		record<State>(kind: Kind<State>, id: string) {
			// keys of different kinds differ: what is under this one was set for this kind
			const changed = records.get(kind.key(id))?.record as FoldRecord<State> | undefined;
			return changed ?? base.record(kind, id);
		},
		entry: (log, seq) => entries.get(entryKey(log, seq)) ?? base.entry(log, seq),
		async opsOf(kind, id) {
			const all = new Map(await base.opsOf(kind, id));
			const prefix = kind.opsPrefix(id);
			for (const [key, seq] of ops) if (key.startsWith(prefix)) all.set(key.slice(prefix.length), seq);
			return all;
		},
		append({ entry: { log, seq, hlc, op }, envelope, hash }) {
			heads.set(log, { seq, hash: Buffer.from(hash).toString('hex'), hlc });
			entries.set(entryKey(log, seq), envelope);
			touch(log, op);
		},
		setNode: (log, state) => void nodes.set(log, state),
		setRecord: (kind, id, record) => void records.set(kind.key(id), { kind, id, record }),
		addOp: (kind, id, stamp, seq) => void ops.set(kind.opsPrefix(id) + stamp, seq),
		absorb(other) {
			for (const [log, head] of other.heads) heads.set(log, head);
			for (const [log, state] of other.nodes) nodes.set(log, state);
			for (const [key, changed] of other.records) records.set(key, changed);
			for (const [key, envelope] of other.entries) entries.set(key, envelope);
			for (const [key, seq] of other.ops) ops.set(key, seq);
		},
	};
}

/** The one batch that makes a draft over `base` true: entries, heads, records, and what changed in the indexes. */
export function changesOf(draft: Draft, base: Records): readonly KeyChange[] {
	const changes: KeyChange[] = [];
	for (const [put, value] of draft.entries) changes.push({ put, value });
	for (const [log, head] of draft.heads) changes.push({ put: headKey(log), value: toBytes(head) });
	for (const [log, state] of draft.nodes) changes.push({ put: nodeKey(log), value: toBytes(state) });
	for (const [put, seq] of draft.ops) changes.push({ put, value: toBytes(seq) });
	for (const [put, { kind, id, record }] of draft.records) {
		changes.push({ put, value: kind.encode(record) });
		changes.push(...indexChanges(kind.indexKeys(base.record(kind, id).state), kind.indexKeys(record.state)));
	}
	return changes;
}

const NOTHING = new Uint8Array(0);

function indexChanges(before: readonly string[], after: readonly string[]): readonly KeyChange[] {
	const old = new Set(before);
	const now = new Set(after);
	return [
		...[...old.difference(now)].map((del) => ({ del })),
		...[...now.difference(old)].map((put) => ({ put, value: NOTHING })),
	];
}
