/** One entry put behind its log's head and folded into a draft: the only way a record ever changes. */
import type { ImageError } from '#domain/errors.ts';
import type { NodeAnnounce } from '#domain/ops.ts';
import type { Draft } from './draft.ts';
import { countsFromAnySite, foldImage, type ImageOp, type ImageState, NO_IMAGE, type Writer } from './fold/image-fold.ts';
import { foldNode } from './fold/node-fold.ts';
import type { LogTrust } from './ports.ts';
import { stampOf } from './registry/clock.ts';
import { type Entry, openEntry, type SealedEntry } from './registry/entry.ts';

/** Why the op had no effect, or undefined. The entry is part of its log either way. */
export async function appendEntry(draft: Draft, sealed: SealedEntry, trust: LogTrust): Promise<ImageError | undefined> {
	const { entry } = sealed;
	draft.append(sealed);
	if (entry.op.type === 'node.announce') return announce(draft, entry.log, entry.op, trust);
	return fold(draft, entry, entry.op);
}

function announce(draft: Draft, log: string, op: NodeAnnounce, trust: LogTrust): ImageError | undefined {
	const { state, refusal } = foldNode(draft.node(log), op, trust.siteOf(log, op.certificate));
	if (state && !refusal) draft.setNode(log, state);
	return refusal;
}

async function fold(draft: Draft, entry: Entry, op: ImageOp): Promise<ImageError | undefined> {
	const record = draft.image(op.id);
	const writer = writerOf(draft, entry);
	if (op.type === 'copy.add' || op.type === 'copy.drop') {
		const { state, refusal } = foldImage(record.state, writer, op);
		if (!refusal) draft.setImage(op.id, { ...record, state });
		return refusal;
	}
	const stamp = stampOf(entry.hlc, entry.log);
	draft.addOp(op.id, stamp, entry.seq);
	if (stamp > record.last) {
		const { state, refusal } = foldImage(record.state, writer, op);
		draft.setImage(op.id, { state, last: stamp });
		return refusal;
	}
	if (mayMatter(record.state, writer, op)) draft.setImage(op.id, { ...record, state: await refold(draft, record.state, op.id) });
	return undefined;
}

/** A late op of another site changes nothing, unless it is the create that the record should have had, or a member's answer. */
function mayMatter({ image }: ImageState, writer: Writer, op: ImageOp): boolean {
	return countsFromAnySite(op) || image === undefined || image.site === writer.site;
}

/** All ops of the image again, in their order. Copies stand as they are, and the revision goes on growing. */
async function refold(draft: Draft, before: ImageState, id: string): Promise<ImageState> {
	const ops = [...(await draft.opsOf(id))].sort(([a], [b]) => (a < b ? -1 : 1));
	let state: ImageState = { ...NO_IMAGE, copies: before.copies, revision: before.revision };
	for (const [stamp, seq] of ops) {
		const entry = entryAt(draft, stamp.slice(stamp.indexOf('.') + 1), seq);
		if (entry.op.type !== 'node.announce') state = foldImage(state, writerOf(draft, entry), entry.op).state;
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
