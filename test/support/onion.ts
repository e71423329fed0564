/** A site's domain controller over the real catalogue in memory, and callers to ask it with. */
import { type LocalCatalogue, openCatalogue } from '#catalogue/catalogue.ts';
import { memoryKeyValue } from '#catalogue/memory.ts';
import type { CacheController } from '#domain/cache/controller.ts';
import { buildCacheController } from '#domain/cache/onion.ts';
import type { RequestContext } from '#domain/context.ts';
import type { ImageController, Upload } from '#domain/controller.ts';
import type { DomainEvent } from '#domain/events.ts';
import type { Image, ImageDraft } from '#domain/image.ts';
import type { MetadefController } from '#domain/metadefs/controller.ts';
import { buildMetadefController } from '#domain/metadefs/onion.ts';
import { buildImageController, type OnionParts } from '#domain/onion.ts';
import type { ImageCache } from '#domain/ports/image-cache.ts';
import type { ImageData } from '#domain/ports/image-data.ts';
import { DEFAULT_QUOTA, type QuotaLimits } from '#domain/ports/quota.ts';
import { buildStoreController, type StoreController } from '#domain/stores/controller.ts';
import type { KeyValue } from '#lib/key-value.ts';
import { silentLog } from '#lib/log.ts';
import { createRulePolicy } from '#policy/rule-policy.ts';
import { type CountingQuota, createQuota, type QuotaParts } from '#quota/quota.ts';
import { createImageObjects } from '#replication/image-objects.ts';
import { logTrust, logWriter } from './fleet-of-logs.ts';
import { memoryImageData } from './memory-image-data.ts';
import { testStores } from './test-store.ts';
import { type TestTasks, type TestTasksOptions, testTasks } from './test-tasks.ts';

export interface TestSite extends Omit<TestTasks, 'repository'> {
	readonly images: ImageController;
	readonly metadefs: MetadefController;
	readonly stores: StoreController;
	readonly cache: CacheController;
	readonly olderCache: CacheController;
	readonly catalogue: LocalCatalogue;
	readonly events: readonly DomainEvent[];
	readonly site: string;
	readonly quota: CountingQuota;
}

/** `limits` only where they differ from Glance's. */
type QuotaOverrides = Partial<Omit<QuotaParts, 'limits' | 'catalogue'>> & { readonly limits?: Partial<QuotaLimits> };

type TaskOverrides = Partial<Omit<TestTasksOptions, 'images' | 'policy' | 'notifier' | 'clock' | 'data'>>;

interface SiteOverrides {
	readonly data?: ImageData;
	readonly catalogue?: LocalCatalogue;
	readonly imageCache?: ImageCache;
	/** which objects are ours; shared by sites that follow one another */
	readonly objectsKv?: KeyValue;
}

export async function testCatalogue(site: string, kv: KeyValue = memoryKeyValue()): Promise<LocalCatalogue> {
	const writer = logWriter(site);
	const catalogue = await openCatalogue({ kv, signer: writer.signer, trust: logTrust, log: silentLog });
	await catalogue.commit([writer.announce]);
	return catalogue;
}

export async function testSite(
	overrides: Partial<OnionParts> & QuotaOverrides & TaskOverrides & SiteOverrides = {},
): Promise<TestSite> {
	const site = overrides.site ?? 'centre';
	const catalogue = overrides.catalogue ?? (await testCatalogue(site));
	const quota = createQuota({ catalogue, ...overrides, limits: { ...DEFAULT_QUOTA, ...overrides.limits } });
	const events: DomainEvent[] = [];
	const data = overrides.data ?? memoryImageData();
	const stores = overrides.stores ?? testStores([]);
	const shared = {
		catalogue,
		policy: createRulePolicy({ log: silentLog }),
		notifier: { publish: (event: DomainEvent) => void events.push(event) },
		clock: Date.now,
		...overrides,
	};
	const images = buildImageController({
		data,
		stores,
		objects: createImageObjects({
			kv: overrides.objectsKv ?? memoryKeyValue(),
			content: { ...data, file: () => undefined, pin: () => ({ [Symbol.dispose]() {} }) },
		}),
		quota,
		hashAlgorithm: 'sha512',
		site,
		log: silentLog,
		...(overrides.imageCache && { cache: overrides.imageCache }),
		...shared,
	});
	const node = catalogue.nodes().find(({ self }) => self)?.node ?? '';
	const cacheParts = { ...shared, cache: overrides.imageCache };
	return {
		images,
		metadefs: buildMetadefController(shared),
		stores: buildStoreController({ stores, nodes: () => catalogue.nodes(), site, policy: shared.policy }),
		...(await testTasks({ node, ...shared, data, images, stores })),
		cache: buildCacheController(cacheParts),
		olderCache: buildCacheController(cacheParts, 'single'),
		catalogue,
		events,
		site,
		quota,
	};
}

export function caller(over: Partial<RequestContext> = {}): RequestContext {
	return {
		requestId: 'req-test',
		user: 'user',
		project: 'project-a',
		roles: ['member', 'reader'],
		admin: false,
		door: 'client',
		signal: new AbortController().signal,
		...over,
	};
}

export function administrator(over: Partial<RequestContext> = {}): RequestContext {
	return caller({ user: 'admin', project: 'operators', roles: ['admin'], admin: true, ...over });
}

export const UPLOADABLE: ImageDraft = { diskFormat: 'raw', containerFormat: 'bare' };

export function uploadOf(bytes: Uint8Array, over: Partial<Upload> = {}): Upload {
	return { data: pieces(bytes), maxBytes: Number.MAX_SAFE_INTEGER, ...over };
}

export async function* pieces(bytes: Uint8Array, size = 4096): AsyncGenerator<Uint8Array> {
	for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function bytesOf(images: ImageController, ctx: RequestContext, id: Image['id']): Promise<Buffer | null> {
	const download = await images.download(ctx, id);
	if (download.size === null) return null;
	const range = { start: 0, end: download.size };
	return Buffer.concat(await Array.fromAsync(download.read(range, { signal: ctx.signal }), (chunk) => Buffer.from(chunk)));
}
