/** One entry put behind its log's head and folded into a draft: the only way a record ever changes. */
import type { ImageError } from '#domain/errors.ts';
import type { NodeAnnounce } from '#domain/ops.ts';
import type { Draft } from './draft.ts';
import { foldNode } from './fold/node-fold.ts';
import type { RecordKind, Writer } from './fold/record-kind.ts';
import { IMAGES, isMetadefOp, NAMESPACES } from './kinds.ts';
import type { LogTrust } from './ports.ts';
import { stampOf } from './registry/clock.ts';
import { type Entry, openEntry, type SealedEntry } from './registry/entry.ts';

/** Why the op had no effect, or undefined. The entry is part of its log either way. */
export async function appendEntry(draft: Draft, sealed: SealedEntry, trust: LogTrust): Promise<ImageError | undefined> {
	const { entry } = sealed;
	const { op } = entry;
	draft.append(sealed);
	if (op.type === 'node.announce') return announce(draft, entry.log, op, trust);
	return isMetadefOp(op) ? fold(draft, NAMESPACES, entry, op) : fold(draft, IMAGES, entry, op);
}

function announce(draft: Draft, log: string, op: NodeAnnounce, trust: LogTrust): ImageError | undefined {
	const { state, refusal } = foldNode(draft.node(log), op, trust.siteOf(log, op.certificate));
	if (state && !refusal) draft.setNode(log, state);
	return refusal;
}

async function fold<State, RecordOp extends { readonly id: string }>(
	draft: Draft,
	kind: RecordKind<State, RecordOp>,
	entry: Entry,
	op: RecordOp,
): Promise<ImageError | undefined> {
	const record = draft.record(kind, op.id);
	const writer = writerOf(draft, entry);
	if (kind.standsApart(op)) {
		const { state, refusal } = kind.fold(record.state, writer, op);
		if (!refusal) draft.setRecord(kind, op.id, { ...record, state });
		return refusal;
	}
	const stamp = stampOf(entry.hlc, entry.log);
	draft.addOp(kind, op.id, stamp, entry.seq);
	if (stamp > record.last) {
		const { state, refusal } = kind.fold(record.state, writer, op);
		draft.setRecord(kind, op.id, { state, last: stamp });
		return refusal;
	}
	if (kind.mayMatter(record.state, writer, op)) {
		const state = await refold(draft, kind, record.state, op.id);
		draft.setRecord(kind, op.id, { ...record, state });
	}
	return undefined;
}

/** All ops of the record again, in their order. What stands apart stays as it is, and the revision goes on growing. */
async function refold<State, RecordOp extends { readonly id: string }>(
	draft: Draft,
	kind: RecordKind<State, RecordOp>,
	before: State,
	id: string,
): Promise<State> {
	const ops = [...(await draft.opsOf(kind, id))].sort(([a], [b]) => (a < b ? -1 : 1));
	let state = kind.restart(before);
	for (const [stamp, seq] of ops) {
		const entry = entryAt(draft, stamp.slice(stamp.indexOf('.') + 1), seq);
		// what is listed as an op of a kind's record was folded as such when it came
		state = kind.fold(state, writerOf(draft, entry), entry.op as object as RecordOp).state;
	}
	return state;
}

function entryAt(draft: Draft, log: string, seq: number): Entry {
	const envelope = draft.entry(log, seq);
	if (!envelope) throw new TypeError(`the index of ops names an entry that is not there: ${log} ${seq}`);
	return openEntry(envelope).entry;
}

function writerOf(draft: Draft, { log, hlc }: Entry): Writer {
	const node = draft.node(log);
	if (!node) throw new TypeError(`log ${log} has no site`);
	return { log, site: node.site, at: hlc[0] };
}
