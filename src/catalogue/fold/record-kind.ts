/**
 * What makes a kind of record: images, namespaces of metadata definitions. A record is the fold of the ops about one
 * thing in the order of (hlc, log); how a log grows, how late ops find their place, how drafts and batches are kept is
 * the same for all kinds (append.ts, draft.ts, store.ts). To add one: its ops (domain/ops.ts), their shapes
 * (registry/op-shape.ts), a fold and a kind beside these, and a line in kinds.ts.
 */
import type { ImageError } from '#domain/errors.ts';

/** Who speaks: the log, and the site that its certificate binds it to. */
export interface Writer {
	readonly log: string;
	readonly site: string;
	/** UTC milliseconds of the entry's clock */
	readonly at: number;
}

export interface Folded<State> {
	readonly state: State;
	/** why the op had no effect */
	readonly refusal?: ImageError;
}

export interface FoldRecord<State> {
	readonly state: State;
	/** the latest stamp of an op on this record, effective or not; '' before the first */
	readonly last: string;
}

export interface RecordKind<State, RecordOp extends { readonly id: string }> {
	/** before the first op */
	readonly none: FoldRecord<State>;
	/** Where the record is stored. */
	key(id: string): string;
	/** Under which prefix its ops are listed by stamp. */
	opsPrefix(id: string): string;
	/** Pure. An op without effect gives the state it was given, and why. */
	fold(state: State, writer: Writer, op: RecordOp): Folded<State>;
	/** Does the op commute with every other? Then it is folded as it comes and has no place in the order. */
	standsApart(op: RecordOp): boolean;
	/** Can an op that is older than what was folded already change the outcome? Saying yes costs a fold of all ops. */
	mayMatter(state: State, writer: Writer, op: RecordOp): boolean;
	/** What all ops are folded from again: `none`, with what stands apart from their order. */
	restart(state: State): State;
	encode(record: FoldRecord<State>): Uint8Array;
	decode(bytes: Uint8Array): FoldRecord<State>;
	/** Keys with empty values that lists and look-ups walk. */
	indexKeys(state: State): readonly string[];
	/** decoded records kept in memory */
	readonly cached: number;
}

/** Any kind, where only the records themselves are moved. */
// biome-ignore lint/suspicious/noExplicitAny: states are invariant in their kind
export type AnyKind = RecordKind<any, any>;
