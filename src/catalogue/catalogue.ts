/** The catalogue of a node: every record is a fold of signed logs, its own and others'. docs/decisions/0003 */
import { contentsOf, type Image, type ImageId } from '#domain/image.ts';
import type { Op } from '#domain/ops.ts';
import type { Catalogue, CatalogueChange, CommitOptions, NodeRecord } from '#domain/ports/catalogue.ts';
import type { KeyValue } from '#lib/key-value.ts';
import type { Log } from '#lib/log.ts';
import { changesIn } from './changes.ts';
import { rootPrefix, statusPrefix } from './indexes.ts';
import { IMAGES, NAMESPACES } from './kinds.ts';
import { migrate } from './level/migrations/index.ts';
import { firstAssociations, namespaceStates } from './list/namespaces.ts';
import { listImages } from './list/plan.ts';
import { listeners } from './listeners.ts';
import { appendOwn, assertExpected } from './own.ts';
import type { LogFeed, LogSigner, LogTrust } from './ports.ts';
import { hybridClock } from './registry/clock.ts';
import { missingEntries } from './registry/feed.ts';
import { receiveEntries } from './registry/receive.ts';
import { openStore, type Store } from './store.ts';
import { writerOver } from './writer.ts';

interface CatalogueParts {
	/** stays the caller's: disposal of the catalogue does not close it */
	readonly kv: KeyValue;
	readonly signer: LogSigner;
	readonly trust: LogTrust;
	/** UTC milliseconds; the wall clock when absent */
	readonly clock?: () => number;
	readonly log: Log;
}

export interface LocalCatalogue extends Catalogue, AsyncDisposable {
	readonly feed: LogFeed;
}

/**
 * Opens, migrates and resumes. The first op that a node commits must be its `node.announce`: until then every other
 * commit is `forbidden`. Ops are checked for shape (`invalid`) and size (`limit-exceeded`) as others' are.
 */
export async function openCatalogue({ kv, signer, trust, clock: now = Date.now, log }: CatalogueParts): Promise<LocalCatalogue> {
	await migrate(kv, log);
	const store = await openStore(kv);
	const clock = hybridClock(now);
	for (const head of store.heads().values()) clock.observe(head.hlc);
	const writer = writerOver(store);
	const changes = listeners<CatalogueChange>(log);
	const growth = listeners<void>(log);
	const liveImage = (id: ImageId) => store.record(IMAGES, id).state.image;

	async function commit(ops: readonly Op[], options: CommitOptions = {}): Promise<void> {
		if (ops.length === 0 && !options.expected?.size && !options.expectedNamespaces?.size) return;
		await writer.write(async (draft) => {
			assertExpected(draft, options);
			for (const op of ops) await appendOwn(draft, op, { signer, trust, clock });
			return changesIn(draft, signer.log);
		}, tell);
	}

	function tell(told: readonly CatalogueChange[]): void {
		for (const change of told) changes.tell(change);
		if (told.length > 0) growth.tell();
	}

	const feed: LogFeed = {
		vector: () => new Map([...store.heads()].map(([name, { seq }]) => [name, seq])),
		missing: (have, maxBytes) => missingEntries(store, have, maxBytes),
		async receive(entries) {
			if (entries.length === 0) return { accepted: 0, gaps: 0 };
			const { accepted, gaps, corrupt } = await writer.write(
				async (draft) => {
					const received = await receiveEntries(draft, entries, { trust, clock, log });
					return { ...received, changes: changesIn(draft, signer.log) };
				},
				(received) => tell(received.changes),
			);
			if (corrupt) throw corrupt;
			return { accepted, gaps };
		},
		onGrowth: (listener) => growth.add(listener),
	};

	return {
		feed,
		image: liveImage,
		knows: (id) => {
			const { image, tombstone } = store.record(IMAGES, id).state;
			return image !== undefined || tombstone;
		},
		usage: store.usage,
		images: (query) => listImages({ kv, image: liveImage }, query),
		async imagesOf(root) {
			const found = await Array.fromAsync(kv.sub(rootPrefix(root)).keys({}), liveImage);
			return found.filter((image) => image && contentsOf(image).some((ref) => ref.root === root)) as Image[];
		},
		async *imagesIn(status) {
			for await (const id of kv.sub(statusPrefix(status)).keys({})) {
				const image = liveImage(id);
				if (image?.status === status) yield image;
			}
		},
		namespace: (name) => store.record(NAMESPACES, name).state.namespace,
		async *namespaces() {
			for await (const { namespace } of namespaceStates(store)) if (namespace) yield namespace;
		},
		resourceTypes: async () => firstAssociations(await Array.fromAsync(namespaceStates(store))),
		nodes: () => nodeRecords(store, signer.log),
		commit,
		follow: (listener) => changes.add(listener),
		[Symbol.asyncDispose]: () => writer.close(),
	};
}

function nodeRecords(store: Store, self: string): readonly NodeRecord[] {
	return [...store.nodes()].map(([node, state]) => ({ node, ...state, self: node === self }));
}
