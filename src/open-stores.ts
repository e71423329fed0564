/** The stores of a node, from what its settings name. Part of the composition root; it decides nothing. */
import { join } from 'node:path';
import { type Config, ConfigError, type StoreSpec } from '#config/config.ts';
import type { ImageStore } from '#domain/ports/stores.ts';
import type { Log } from '#lib/log.ts';
import { OptionError } from '#store/options.ts';
import { checkStores, type OpenStores, openStores } from '#store/stores.ts';

/** the id of the file store that nobody had to ask for: what `stores` of an image shows */
const FILE_STORE = 'file';
const LOOK_MS = 10_000;

/** Who holds the fleet's key keeps images in a store, also when none is named. */
export function storeSpecs({ stores, dataDir }: Config, isCentre: boolean): readonly StoreSpec[] {
	if (stores.specs.length > 0 || !isCentre) return stores.specs;
	return [{ id: FILE_STORE, type: 'file', options: { filesystem_store_datadir: join(dataDir, 'images') }, from: 'data_dir' }];
}

/** Throws `ConfigError` for stores that can never be opened. Talks to nobody. */
export function checkConfiguredStores({ stores: { specs, byDefault } }: Config): void {
	for (const spec of specs) placed(spec, () => checkStores({ specs: [spec] }));
	const chosen = specs.find(({ id }) => id === byDefault);
	if (chosen !== undefined) placed(chosen, () => checkStores({ specs: [chosen], byDefault: chosen.id }));
}

function placed({ from }: StoreSpec, check: () => void): void {
	try {
		check();
	} catch (error) {
		throw error instanceof OptionError ? new ConfigError(`${from}: ${error.message}`, { cause: error }) : error;
	}
}

/** Resolves when each has been tried once: those whose backend is down come later. */
export function openConfiguredStores(config: Config, specs: readonly StoreSpec[], log: Log): Promise<OpenStores> {
	const { byDefault } = config.stores;
	return openStores({ specs, workDir: join(config.dataDir, 'stores'), log, ...(byDefault !== undefined && { byDefault }) });
}

/** What drivers could not take back while their backends were away goes when these are looked at. */
export async function lookAtStores({ all }: OpenStores, signal: AbortSignal): Promise<void> {
	const within = AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS)]);
	const used = all.filter(({ readOnly, fault }) => !readOnly && fault() === undefined);
	await Promise.allSettled(used.map((store) => store.check({ signal: within })));
}

/** What images go to that are in no store yet: the default store; without one, the file store that a centre has by itself. */
export function seededStores({ byDefault, find }: OpenStores): readonly ImageStore[] {
	const store = byDefault ?? find(FILE_STORE);
	return store === undefined ? [] : [store];
}
