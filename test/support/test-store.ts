import type { ImageStore, ImageStores } from '#domain/ports/stores.ts';
import { silentLog } from '#lib/log.ts';
import type { StoreDriver } from '#store/driver.ts';
import { createStore, type StoreLimits } from '#store/store.ts';

/** A driver under the rules of all stores, as a node has it. */
export function testStore(id: string, driver: StoreDriver, limits: Partial<StoreLimits> = {}): ImageStore {
	return createStore({
		id,
		manifest: driver.manifest,
		weight: 0,
		properties: {},
		driver: async () => driver,
		fault: () => undefined,
		log: silentLog,
		limits: { pauseMs: 1, ...limits },
	});
}

/** Stores as a node has them. */
export function testStores(all: readonly ImageStore[], byDefault?: string): ImageStores {
	const find = (id: string) => all.find((store) => store.id === id);
	return {
		all,
		byDefault: byDefault === undefined ? undefined : find(byDefault),
		find,
		ofLocation: ({ url, metadata }) =>
			typeof metadata.store === 'string'
				? find(metadata.store)
				: all.find(({ schemes }) => schemes.some((scheme) => url.startsWith(`${scheme}:`))),
	};
}
