/** Nodes with a cache each: real catalogues that ship their logs, real content stores that give each other blocks. */
import { setTimeout as pause } from 'node:timers/promises';
import { type LocalCatalogue, openCatalogue } from '#catalogue/catalogue.ts';
import { memoryKeyValue } from '#catalogue/memory.ts';
import type { ContentStore } from '#content/ports.ts';
import type { Image, ImageId } from '#domain/image.ts';
import type { ImageCache } from '#domain/ports/image-cache.ts';
import { type Log, silentLog } from '#lib/log.ts';
import { createCopyKeeper } from '#replication/copy-keeper.ts';
import { type ImageCacheOptions, openImageCache } from '#replication/image-cache.ts';
import { type Behaviour, storeSource, type TestSources, testSources } from './block-sources.ts';
import { createOp, logTrust, logWriter } from './fleet-of-logs.ts';
import { chunks, openContent, put, readAll } from './open-content.ts';

export interface CacheNode {
	readonly node: string;
	readonly site: string;
	readonly catalogue: LocalCatalogue;
	readonly store: ContentStore;
	readonly sources: TestSources;
	readonly warnings: readonly object[];
	/** UTC milliseconds; starts with the real time */
	now: number;
	cache: ImageCache & AsyncDisposable;
	/** Ends the cache and opens it over what it has kept. */
	reopenCache(over?: Partial<ImageCacheOptions>): Promise<void>;
	upload(bytes: Uint8Array): Promise<Image>;
	/** A whole read, as a client's. */
	read(image: Image): Promise<void>;
	image(id: ImageId): Image;
	cached(): readonly ImageId[];
}

export interface CacheFleet {
	add(site: string, over?: Partial<ImageCacheOptions>): Promise<CacheNode>;
	/** Every log to everybody. */
	ship(): Promise<void>;
	/** `to` can be asked by `from`. */
	link(from: CacheNode, to: CacheNode, behaviour?: Behaviour): void;
	unlink(from: CacheNode): void;
}

export function cacheFleet(stack: AsyncDisposableStack): CacheFleet {
	const nodes: CacheNode[] = [];
	return {
		async add(site, over = {}) {
			const node = await openNode(stack, site, over);
			nodes.push(node);
			return node;
		},
		async ship() {
			for (const from of nodes)
				for (const to of nodes) {
					const entries = await from.catalogue.feed.missing(to.catalogue.feed.vector(), 1 << 24);
					if (entries.length > 0) await to.catalogue.feed.receive(entries);
				}
		},
		link(from, to, behaviour) {
			from.sources.list = [...from.sources.list, storeSource(to.node, to.store, behaviour)];
			from.sources.changed();
		},
		unlink(from) {
			from.sources.list = [];
		},
	};
}

async function openNode(stack: AsyncDisposableStack, site: string, over: Partial<ImageCacheOptions>): Promise<CacheNode> {
	const writer = logWriter(site);
	const catalogue = stack.use(
		await openCatalogue({ kv: memoryKeyValue(), signer: writer.signer, trust: logTrust, log: silentLog }),
	);
	await catalogue.commit([writer.announce]);
	const sources = testSources();
	const { store } = stack.use(await openContent({ sources, limits: { sourceWaitMs: 20 } }));
	stack.use(createCopyKeeper({ catalogue, data: store, node: writer.log, site, log: silentLog }));
	const kv = memoryKeyValue();
	const warnings: object[] = [];
	const log: Log = { ...silentLog, warn: (fields) => void warnings.push(fields) };
	const open = (more: Partial<ImageCacheOptions>) =>
		openImageCache({
			origins: { holds: async () => false },
			...{ catalogue, content: store, sources, kv, node: writer.log, site, log, clock: () => self.now },
			...{ maxBytes: 2 ** 40, stallMs: 86_400_000, ...over, ...more },
		});
	const self: CacheNode = {
		...{ node: writer.log, site, catalogue, store, sources, warnings, now: Date.now() },
		cache: undefined as never,
		async reopenCache(more = {}) {
			await self.cache[Symbol.asyncDispose]();
			self.cache = await open(more);
		},
		async upload(bytes) {
			const id = crypto.randomUUID();
			await using written = await put(store, chunks(bytes));
			const { content, checksum, hashAlgorithm, hashValue } = written;
			await catalogue.commit([
				createOp(id, { visibility: 'public' }),
				{ type: 'image.status', id, status: 'saving' },
				{ type: 'image.data', id, content, checksum, hashAlgorithm, hashValue, virtualSize: null },
				{ type: 'copy.add', id, store: site, kind: 'site' },
			]);
			return self.image(id);
		},
		async read(image) {
			self.cache.asked(image);
			if (image.content !== null) await readAll(store, image.content);
		},
		image(id) {
			const image = catalogue.image(id);
			if (image === undefined) throw new Error(`no image ${id} at ${site}`);
			return image;
		},
		cached: () => self.cache.entries().map(({ id }) => id),
	};
	self.cache = await open({});
	stack.defer(() => self.cache[Symbol.asyncDispose]());
	return self;
}

/** A gate that blocks do not pass before it is opened. */
export function gate(): Behaviour & { open(): void } {
	const opened = Promise.withResolvers<void>();
	return {
		open: opened.resolve,
		before: (_index, signal) =>
			Promise.race([opened.promise, pause(60_000, undefined, { signal, ref: false }).then(() => undefined)]),
	};
}
