/**
 * Stores as an operator names them: by id, each with a type and with the options of that type by Glance's names. What an option
 * means is known to its driver; here it is only said, option by option, a later source over an earlier one.
 */
import { type Config, ConfigError, type StoreSpec } from './config.ts';
import { parseBoolean, parseCount, parseWord } from './parse-values.ts';
import type { RawValue } from './settings/setting.ts';
import { isSecretOption } from './store-secrets.ts';
import { readTextFile } from './text-file.ts';

/** What sources say, by store and option; `type`, `description`, `weight` and `read_only` stand among the options. */
export type RawStores = ReadonlyMap<string, ReadonlyMap<string, RawValue>>;

const ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const OPTION = /^[a-z][a-z0-9_]{0,127}$/;
const parseWeight = parseCount({ min: -1_000_000, max: 1_000_000 });
const MAX_OPTION_CHARS = 4096;
const FROM_FILE = '_file';

/** The later the stronger. */
export function mergeStores(sources: readonly RawStores[]): RawStores {
	const merged = new Map<string, Map<string, RawValue>>();
	for (const [id, options] of sources.flatMap((source) => [...source])) {
		const known = merged.get(id) ?? new Map<string, RawValue>();
		for (const [name, said] of options) known.set(name, said);
		merged.set(id, known);
	}
	return merged;
}

/** `site` is a store of this node for clients, so that no other may be called so. */
export function storesOf(
	raw: RawStores,
	{ site, multi }: { readonly site: string; readonly multi: boolean },
): Omit<Config['stores'], 'byDefault'> {
	const specs = [...raw].map(([id, options]) => {
		const from = placeOf(options);
		if (!ID.test(id)) throw new ConfigError(`${from}: the id of a store has letters, digits, "_", "." and "-", at most 64`);
		if (id.startsWith('os_glance_')) throw new ConfigError(`${from}: ids of stores that begin with os_glance_ are reserved`);
		if (id === site) throw new ConfigError(`${from}: the site has the name ${id} already`);
		return specOf(id, options, from);
	});
	return { specs, multi };
}

function placeOf(options: ReadonlyMap<string, RawValue>): string {
	return (options.get('type') ?? [...options.values()][0])?.from ?? '';
}

function specOf(id: string, raw: ReadonlyMap<string, RawValue>, from: string): StoreSpec {
	const { type, description, weight, read_only: readOnly, ...options } = Object.fromEntries(raw);
	if (type === undefined) throw new ConfigError(`${from}: store ${id} has no type, such as file, rbd or s3`);
	return {
		id,
		from,
		type: single(type, parseWord),
		...(description !== undefined && { description: single(description, parseWord) }),
		...(weight !== undefined && { weight: single(weight, parseWeight) }),
		...(readOnly !== undefined && { readOnly: single(readOnly, parseBoolean) }),
		options: optionsOf(options),
	};
}

function single<T>({ texts, from }: RawValue, parse: (text: string) => T): T {
	const [text, ...more] = texts;
	if (text === undefined || more.length > 0) throw new ConfigError(`${from}: one value is needed, not a list`);
	try {
		return parse(text);
	} catch (error) {
		throw new ConfigError(`${from}: ${(error as Error).message}`, { cause: error });
	}
}

function optionsOf(raw: Readonly<Record<string, RawValue>>): StoreSpec['options'] {
	const read = Object.entries(raw).map(([name, said]) => {
		if (!OPTION.test(name)) throw new ConfigError(`${said.from}: "${name}" is no name of an option`);
		const secret = name.endsWith(FROM_FILE) ? name.slice(0, -FROM_FILE.length) : '';
		if (!isSecretOption(secret)) return [name, said.texts.length === 1 ? (said.texts[0] ?? '') : said.texts] as const;
		if (Object.hasOwn(raw, secret)) throw new ConfigError(`${said.from}: ${secret} is given beside its file`);
		return [secret, secretIn(said)] as const;
	});
	return Object.fromEntries(read);
}

/** Ends without the line break that editors leave. */
function secretIn(said: RawValue): string {
	return single(said, (path) => {
		const text = readTextFile(path.startsWith('/') ? path : `${said.base}/${path}`, path).replace(/\r?\n$/, '');
		if (text === '' || text.length > MAX_OPTION_CHARS) throw new Error(`${path} must hold 1 to ${MAX_OPTION_CHARS} characters`);
		return text;
	});
}
