import type { ImageStore } from '#domain/ports/stores.ts';
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
