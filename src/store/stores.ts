/** The stores of a node, opened from what its operator says. */
import { join } from 'node:path';
import type { ImageStore, ImageStores, StoreLocation } from '#domain/ports/stores.ts';
import type { Log } from '#lib/log.ts';
import { DRIVERS } from './drivers/index.ts';
import { OptionError, type StoreOptions } from './options.ts';
import { openAgainAndAgain } from './reopening.ts';
import { createStore, type StoreLimits } from './store.ts';

/** One store as it is configured. */
export interface StoreSpec {
	readonly id: string;
	/** Glance's type name */
	readonly type: string;
	readonly description?: string;
	/** default 0 */
	readonly weight?: number;
	/** takes no objects, whatever its type could */
	readonly readOnly?: boolean;
	readonly options: StoreOptions;
}

export interface StoresOptions {
	readonly specs: readonly StoreSpec[];
	/** id of one of them; absent: none */
	readonly byDefault?: string;
	/** the stores' own folders are made in it; absolute */
	readonly workDir: string;
	readonly log: Log;
	readonly limits?: Partial<StoreLimits>;
}

export interface OpenStores extends ImageStores, AsyncDisposable {}

const ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
/** Glance keeps ids that begin so for itself. */
const RESERVED = /^os_glance_/;

/** Throws `OptionError` for what can never be opened. Talks to nobody. */
export function checkStores({ specs, byDefault }: Pick<StoresOptions, 'specs' | 'byDefault'>): void {
	const seen = new Set<string>();
	for (const { id, type, options } of specs) {
		if (!ID.test(id)) throw new OptionError(`store ${id}: an id has letters, digits, "_", "." and "-", at most 64`);
		if (RESERVED.test(id)) throw new OptionError(`store ${id}: ids that begin with os_glance_ are reserved`);
		if (seen.has(id)) throw new OptionError(`store ${id} is named twice`);
		seen.add(id);
		const kind = kindOf(id, type);
		try {
			kind.check(options);
		} catch (error) {
			throw error instanceof OptionError ? new OptionError(`store ${id}: ${error.message}`) : error;
		}
	}
	if (byDefault === undefined) return;
	const spec = specs.find(({ id }) => id === byDefault);
	if (spec === undefined) throw new OptionError(`the default store ${byDefault} is not one of the stores`);
	if (spec.readOnly === true || !kindOf(spec.id, spec.type).manifest.writable)
		throw new OptionError(`the default store ${byDefault} takes no images`);
}

function kindOf(id: string, type: string) {
	const kind = Object.hasOwn(DRIVERS, type) ? DRIVERS[type as keyof typeof DRIVERS] : undefined;
	if (kind === undefined) throw new OptionError(`store ${id}: type ${type} is none of ${Object.keys(DRIVERS).join(', ')}`);
	return kind;
}

/** Resolves when each has been tried once: those whose backend is down come later. */
export async function openStores(options: StoresOptions): Promise<OpenStores> {
	checkStores(options);
	await using stack = new AsyncDisposableStack();
	const opened = await Promise.all(
		options.specs.map(async (spec) => {
			const { store, parts } = await openOne(spec, options);
			stack.use(parts);
			return store;
		}),
	);
	const all = opened.toSorted((a, b) => b.weight - a.weight);
	const find = (id: string) => all.find((store) => store.id === id);
	const parts = stack.move();
	return {
		all,
		byDefault: options.byDefault === undefined ? undefined : find(options.byDefault),
		find,
		ofLocation: (location) => storeOf(location, all),
		[Symbol.asyncDispose]: () => parts.disposeAsync(),
	};
}

async function openOne(spec: StoreSpec, { workDir, log, limits }: StoresOptions) {
	const { id, type, options } = spec;
	const kind = kindOf(id, type);
	const around = { store: id, log: log.child({ store: id }), workDir: join(workDir, id) };
	const parts = await openAgainAndAgain((signal) => kind.open(options, { ...around, signal }), { store: id, log });
	const store = createStore({
		id,
		manifest: kind.manifest,
		...(spec.description !== undefined && { description: spec.description }),
		weight: spec.weight ?? 0,
		...(spec.readOnly !== undefined && { readOnly: spec.readOnly }),
		properties: kind.properties(options),
		driver: parts.driver,
		fault: parts.fault,
		log,
		limits: { ...(kind.stallMs !== undefined && { stallMs: kind.stallMs(options) }), ...limits },
	});
	return { store, parts };
}

/** A location that names its store is that store's or nobody's. */
function storeOf({ url, metadata }: StoreLocation, all: readonly ImageStore[]): ImageStore | undefined {
	if (typeof metadata.store === 'string') return all.find(({ id }) => id === metadata.store);
	const scheme = /^([a-z0-9+.-]+):/i.exec(url)?.[1]?.toLowerCase();
	return scheme === undefined ? undefined : all.find(({ schemes }) => schemes.includes(scheme));
}
