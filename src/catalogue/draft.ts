/** What is about to be written, seen as if it were: a draft over the stored records, or over another draft. */
import type { ImageId } from '#domain/image.ts';
import type { Op } from '#domain/ops.ts';
import type { KeyChange } from '#lib/key-value.ts';
import type { NodeState } from './fold/node-fold.ts';
import { indexKeys } from './indexes.ts';
import { encodeImage, entryKey, type Head, headKey, type ImageRecord, imageKey, nodeKey, opsPrefix, toBytes } from './records.ts';
import type { SealedEntry } from './registry/entry.ts';

/** Everything a fold may look at. */
export interface Records {
	head(log: string): Head | undefined;
	node(log: string): NodeState | undefined;
	image(id: ImageId): ImageRecord;
	/** the envelope of an entry */
	entry(log: string, seq: number): Uint8Array | undefined;
	/** stamp → sequence number of every op on the image */
	opsOf(id: ImageId): Promise<ReadonlyMap<string, number>>;
}

/** What the entries of one log spoke of, whether or not it had an effect. */
interface Touched {
	readonly images: ReadonlySet<ImageId>;
	readonly node: boolean;
}

export interface Draft extends Records {
	/** what lies under the draft; changes once the draft is absorbed */
	readonly base: Records;
	readonly touched: ReadonlyMap<string, Touched>;
	readonly heads: ReadonlyMap<string, Head>;
	readonly nodes: ReadonlyMap<string, NodeState>;
	readonly images: ReadonlyMap<ImageId, ImageRecord>;
	readonly entries: ReadonlyMap<string, Uint8Array>;
	readonly ops: ReadonlyMap<string, number>;
	append(sealed: SealedEntry): void;
	setNode(log: string, state: NodeState): void;
	setImage(id: ImageId, record: ImageRecord): void;
	addOp(id: ImageId, stamp: string, seq: number): void;
	/** Takes over another draft that was made over this one. */
	absorb(other: Draft): void;
}

export function draftOver(base: Records): Draft {
	const touched = new Map<string, { images: Set<ImageId>; node: boolean }>();
	const heads = new Map<string, Head>();
	const nodes = new Map<string, NodeState>();
	const images = new Map<ImageId, ImageRecord>();
	const entries = new Map<string, Uint8Array>();
	const ops = new Map<string, number>();
	function touch(log: string, op: Op): void {
		const seen = touched.get(log) ?? { images: new Set(), node: false };
		touched.set(log, seen);
		if (op.type === 'node.announce') seen.node = true;
		else seen.images.add(op.id);
	}

	return {
		base,
		touched,
		heads,
		nodes,
		images,
		entries,
		ops,
		head: (log) => heads.get(log) ?? base.head(log),
		node: (log) => nodes.get(log) ?? base.node(log),
		image: (id) => images.get(id) ?? base.image(id),
		entry: (log, seq) => entries.get(entryKey(log, seq)) ?? base.entry(log, seq),
		async opsOf(id) {
			const all = new Map(await base.opsOf(id));
			const prefix = opsPrefix(id);
			for (const [key, seq] of ops) if (key.startsWith(prefix)) all.set(key.slice(prefix.length), seq);
			return all;
		},
		append({ entry: { log, seq, hlc, op }, envelope, hash }) {
			heads.set(log, { seq, hash: Buffer.from(hash).toString('hex'), hlc });
			entries.set(entryKey(log, seq), envelope);
			touch(log, op);
		},
		setNode: (log, state) => void nodes.set(log, state),
		setImage: (id, record) => void images.set(id, record),
		addOp: (id, stamp, seq) => void ops.set(opsPrefix(id) + stamp, seq),
		absorb(other) {
			for (const [log, head] of other.heads) heads.set(log, head);
			for (const [log, state] of other.nodes) nodes.set(log, state);
			for (const [id, record] of other.images) images.set(id, record);
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
	for (const [id, record] of draft.images) {
		changes.push({ put: imageKey(id), value: encodeImage(record) });
		changes.push(...indexChanges(base.image(id), record));
	}
	return changes;
}

const NOTHING = new Uint8Array(0);

function indexChanges(before: ImageRecord, after: ImageRecord): readonly KeyChange[] {
	const old = new Set(before.state.image ? indexKeys(before.state.image) : []);
	const now = new Set(after.state.image ? indexKeys(after.state.image) : []);
	return [
		...[...old.difference(now)].map((del) => ({ del })),
		...[...now.difference(old)].map((put) => ({ put, value: NOTHING })),
	];
}
