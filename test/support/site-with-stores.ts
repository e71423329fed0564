/** A site with stores as a node has them: the API over the real domain, bytes on disk, objects that are noted and kept in order. */
import { memoryKeyValue } from '#catalogue/memory.ts';
import { locationsFor } from '#domain/locations.ts';
import type { ImageData } from '#domain/ports/image-data.ts';
import type { QuotaLimits } from '#domain/ports/quota.ts';
import type { ImageStores } from '#domain/ports/stores.ts';
import type { WebSource } from '#imports/web-source.ts';
import { type Log, silentLog } from '#lib/log.ts';
import { createImageObjects, type ImageObjectsOptions } from '#replication/image-objects.ts';
import { createObjectKeeper } from '#replication/object-keeper.ts';
import { type ApiServer, OCTETS, type Reply, startApi } from './api-server.ts';
import { testCatalogue, testSite } from './onion.ts';
import { openContent } from './open-content.ts';

export interface SiteWithStores extends AsyncDisposable {
	readonly api: ApiServer;
	show(id: string): Promise<ShownImage>;
	/** absent: to the default store */
	upload(id: string, bytes: Uint8Array, store?: string): Promise<Reply>;
	/** Resolves when the task has ended; to its message, if it has failed. */
	importing(id: string, body: object): Promise<string | undefined>;
	/** Stages and imports. */
	importStaged(id: string, bytes: Uint8Array, stores: readonly string[]): Promise<string | undefined>;
	copy(id: string, stores: readonly string[]): Promise<string | undefined>;
	/** bytes that are stored here */
	bytesHere(): Promise<number>;
}

export interface ShownImage {
	readonly status: string;
	/** without the site's own */
	readonly stores: readonly string[];
	readonly failed: string | undefined;
}

export interface SiteWithStoresOptions {
	readonly stores: ImageStores;
	readonly log?: Log;
	readonly limits?: Partial<QuotaLimits>;
	readonly web?: WebSource;
}

export async function openSiteWithStores(options: SiteWithStoresOptions): Promise<SiteWithStores> {
	const { stores, log = silentLog, limits, web } = options;
	await using stack = new AsyncDisposableStack();
	const catalogue = stack.use(await testCatalogue('centre'));
	const { store: content } = stack.use(await openContent());
	const objects = createImageObjects({
		...({ kv: memoryKeyValue(), content } satisfies ImageObjectsOptions),
		onLeft: (id, store) => keeper.look(id, store),
	});
	const keeper = stack.use(createObjectKeeper({ catalogue, objects, stores, isSeeded: () => false, log, firstDelayMs: 20 }));
	await keeper.start();
	const data: ImageData = content;
	const site = await testSite({ catalogue, data, objects, stores, log, ...(limits && { limits }), ...(web && { web }) });
	const api = stack.use(await startApi({ site, log, locationsOf: locationsFor({ allows: () => true }, stores), api: SHOWN }));
	stack.defer(() => api.executor[Symbol.asyncDispose]());

	async function importing(id: string, body: object): Promise<string | undefined> {
		const answer = await api.ask('POST', `/v2/images/${id}/import`, { body });
		if (answer.status !== 202) throw new Error(`no import: ${answer.status} ${answer.text}`);
		await api.executor.idle();
		const { tasks } = (await api.ask('GET', `/v2/images/${id}/tasks`)).json;
		const [last] = tasks.toSorted((a: Dated, b: Dated) => (a.created_at < b.created_at ? 1 : -1));
		return last.status === 'failure' ? last.message : undefined;
	}

	const parts = stack.move();
	return {
		api,
		async show(id) {
			const { status, stores: all, os_glance_failed_import: failed } = (await api.ask('GET', `/v2/images/${id}`)).json;
			const named = (all ?? '').split(',').filter((store: string) => store !== '' && store !== 'centre');
			return { status, stores: named.toSorted(), failed: failed || undefined };
		},
		upload: (id, body, store) =>
			api.ask('PUT', `/v2/images/${id}/file`, {
				headers: { ...OCTETS, ...(store !== undefined && { 'x-image-meta-store': store }) },
				body,
			}),
		importing,
		async importStaged(id, body, wanted) {
			const { status, text } = await api.ask('PUT', `/v2/images/${id}/stage`, { headers: OCTETS, body });
			if (status !== 204) throw new Error(`not staged: ${text}`);
			return importing(id, { method: { name: 'glance-direct' }, stores: wanted });
		},
		copy: (id, wanted) => importing(id, { method: { name: 'copy-image' }, stores: wanted }),
		bytesHere: async () => (await content.usage()).bytes,
		[Symbol.asyncDispose]: () => parts.disposeAsync(),
	};
}

/** Places too: what clients are shown of them is part of what a test looks at. */
const SHOWN = { showMultipleLocations: true, storesShown: 'backends' } as const;

interface Dated {
	readonly created_at: string;
}
