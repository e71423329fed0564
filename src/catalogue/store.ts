/** The records as they are stored: small ones in memory, images through a bounded cache. */
import type { ImageId } from '#domain/image.ts';
import type { KeyValue } from '#lib/key-value.ts';
import { changesOf, type Draft, type Records } from './draft.ts';
import type { NodeState } from './fold/node-fold.ts';
import {
	decodeImage,
	entryKey,
	fromBytes,
	HEADS,
	type Head,
	type ImageRecord,
	imageKey,
	NO_RECORD,
	NODES,
	opsPrefix,
} from './records.ts';

/** Decoded images kept: a list and the shows after it read the same ones. */
const CACHED_IMAGES = 4096;

export interface Store extends Records {
	readonly kv: KeyValue;
	heads(): ReadonlyMap<string, Head>;
	nodes(): ReadonlyMap<string, NodeState>;
	/** Envelopes of consecutive entries, both ends included; all of them must be held. */
	entries(log: string, from: number, to: number): Promise<readonly Uint8Array[]>;
	/** Writes a draft over this store, durably, and shows it from then on. */
	adopt(draft: Draft): Promise<void>;
}

export async function openStore(kv: KeyValue): Promise<Store> {
	const heads = await readAll<Head>(kv.sub(HEADS));
	const nodes = await readAll<NodeState>(kv.sub(NODES));
	const cache = new Map<ImageId, ImageRecord>();

	function remember(id: ImageId, record: ImageRecord): ImageRecord {
		cache.delete(id);
		cache.set(id, record);
		if (cache.size > CACHED_IMAGES) cache.delete(cache.keys().next().value ?? id);
		return record;
	}

	const store: Store = {
		kv,
		heads: () => heads,
		nodes: () => nodes,
		head: (log) => heads.get(log),
		node: (log) => nodes.get(log),
		image(id) {
			const cached = cache.get(id);
			if (cached) return remember(id, cached);
			const bytes = kv.get(imageKey(id));
			return bytes ? remember(id, decodeImage(bytes)) : NO_RECORD;
		},
		entry: (log, seq) => kv.get(entryKey(log, seq)),
		entries: (log, from, to) =>
			Array.fromAsync(kv.entries({ gte: entryKey(log, from), lte: entryKey(log, to) }), ([, envelope]) => envelope),
		opsOf: (id) => readAll<number>(kv.sub(opsPrefix(id))),
		async adopt(draft) {
			await kv.write(changesOf(draft, store), { sync: true });
			for (const [log, head] of draft.heads) heads.set(log, head);
			for (const [log, state] of draft.nodes) nodes.set(log, state);
			for (const [id, record] of draft.images) remember(id, record);
		},
	};
	return store;
}

async function readAll<T>(kv: KeyValue): Promise<Map<string, T>> {
	const all = new Map<string, T>();
	for await (const [key, value] of kv.entries({})) all.set(key, fromBytes<T>(value));
	return all;
}
