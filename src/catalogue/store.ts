/** The records as they are stored: small ones in memory, those of images and namespaces through bounded caches. */
import { NO_USAGE, sameUsage, type Usage } from '#domain/usage.ts';
import type { KeyValue } from '#lib/key-value.ts';
import { type RecentCache, recentCache } from '#lib/recent-cache.ts';
import { changesOf, type Draft, type Kind, type Records } from './draft.ts';
import type { NodeState } from './fold/node-fold.ts';
import type { AnyKind, FoldRecord } from './fold/record-kind.ts';
import { entryKey, fromBytes, HEADS, type Head, NODES, USAGES } from './records.ts';
import { usageChanges, usageName, usagesAfter } from './usage.ts';

export interface Store extends Records {
	readonly kv: KeyValue;
	heads(): ReadonlyMap<string, Head>;
	nodes(): ReadonlyMap<string, NodeState>;
	/** The same object until an image changes in what it costs this owner. */
	usage(owner: string | null): Usage;
	/** Envelopes of consecutive entries, both ends included; all of them must be held. */
	entries(log: string, from: number, to: number): Promise<readonly Uint8Array[]>;
	/** Writes a draft over this store, durably, and shows all of it from then on, and nothing of it before. */
	adopt(draft: Draft): Promise<void>;
}

export async function openStore(kv: KeyValue): Promise<Store> {
	const heads = await readAll<Head>(kv.sub(HEADS));
	const nodes = await readAll<NodeState>(kv.sub(NODES));
	const usages = await readAll<Usage>(kv.sub(USAGES));
	/** what stands under the keys that are being written, as it was: the engine may show a batch before it says so */
	const untilWritten = new Map<string, FoldRecord<unknown>>();
	const caches = new Map<AnyKind, RecentCache<FoldRecord<unknown>>>();

	function cacheOf<State>(kind: Kind<State>): RecentCache<FoldRecord<State>> {
		const cache = caches.get(kind) ?? recentCache(kind.cached);
		caches.set(kind, cache);
		return cache as RecentCache<FoldRecord<State>>;
	}

	function remember<State>(kind: Kind<State>, id: string, record: FoldRecord<State>): FoldRecord<State> {
		cacheOf(kind).set(id, record);
		return record;
	}

	const store: Store = {
		kv,
		heads: () => heads,
		nodes: () => nodes,
		head: (log) => heads.get(log),
		node: (log) => nodes.get(log),
		record(kind, id) {
			const key = kind.key(id);
			const standing = untilWritten.get(key);
			if (standing) return standing as typeof kind.none;
			const cached = cacheOf(kind).get(id);
			if (cached) return cached;
			const bytes = kv.get(key);
			return bytes ? remember(kind, id, kind.decode(bytes)) : kind.none;
		},
		usage: (owner) => usages.get(usageName(owner)) ?? NO_USAGE,
		entry: (log, seq) => kv.get(entryKey(log, seq)),
		entries: (log, from, to) =>
			Array.fromAsync(kv.entries({ gte: entryKey(log, from), lte: entryKey(log, to) }), ([, envelope]) => envelope),
		opsOf: (kind, id) => readAll<number>(kv.sub(kind.opsPrefix(id))),
		async adopt(draft) {
			const changedUsages = usagesAfter(draft, store, usages);
			const changes = [...changesOf(draft, store), ...usageChanges(changedUsages)];
			for (const [key, { kind, id }] of draft.records) untilWritten.set(key, store.record(kind, id));
			try {
				await kv.write(changes, { sync: true });
			} finally {
				untilWritten.clear();
			}
			for (const [log, head] of draft.heads) heads.set(log, head);
			for (const [log, state] of draft.nodes) nodes.set(log, state);
			for (const { kind, id, record } of draft.records.values()) remember(kind, id, record);
			for (const [name, usage] of changedUsages) {
				if (sameUsage(usage, NO_USAGE)) usages.delete(name);
				else usages.set(name, usage);
			}
		},
	};
	return store;
}

async function readAll<T>(kv: KeyValue): Promise<Map<string, T>> {
	const all = new Map<string, T>();
	for await (const [key, value] of kv.entries({})) all.set(key, fromBytes<T>(value));
	return all;
}
