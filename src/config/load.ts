/** From file, environment and flags to one Config: later sources win, setting by setting. */
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { type Config, ConfigError } from './config.ts';
import { type Env, readEnvironment, unknownVariables } from './env.ts';
import { readSettingsFile } from './file.ts';
import { readGlanceConfig } from './glance/glance-config.ts';
import { type FoundOption, withoutEffect } from './glance/report.ts';
import { type Address, formatAddress, isLoopback, isLoopbackPeer } from './parse.ts';
import { authOf } from './settings/access.ts';
import { apiOf } from './settings/api.ts';
import { formatsOf } from './settings/formats.ts';
import { importsOf } from './settings/imports.ts';
import { barbicanOf, needsKeystone } from './settings/key-manager.ts';
import { keystoneOf } from './settings/keystone.ts';
import { notificationsOf } from './settings/notifications.ts';
import { policyOf, propertyProtectionsOf } from './settings/policy.ts';
import { quotaOf } from './settings/quota.ts';
import type { RawValue, Refuse, Values } from './settings/setting.ts';
import { signaturesOf } from './settings/signatures.ts';
import { cacheOf, delayedDeleteOf, locationsOf, tasksOf } from './settings/upkeep.ts';
import { CONFIG_FILE, GLANCE_FILES, type RawSettings, SETTINGS, type SettingName, STORES } from './settings.ts';
import { readStoreVariables } from './store-variables.ts';
import { mergeStores, type RawStores, storesOf } from './stores.ts';

export interface ConfigSources {
	readonly env: Env;
	/** texts as they stood on the command line, by setting; `config` and `glanceConfig` are paths of files */
	readonly flags?: Readonly<Partial<Record<SettingName | 'config' | 'glanceConfig', string>>>;
	/** where relative paths of flags and variables begin; default: the working directory */
	readonly cwd?: string;
	/** told one line for each thing that is probably a mistake */
	readonly warn?: (line: string) => void;
}

export interface Inspection {
	readonly config: Config;
	/** what became of Glance's options; absent when no file of Glance was given */
	readonly glanceOptions?: readonly FoundOption[];
}

const DEFAULT_LISTEN: Address = { host: '127.0.0.1', port: 9292 };
const DEFAULT_PEER_LISTEN = ['/ip4/127.0.0.1/tcp/0'];

/** Throws `ConfigError`: one line that names the source, the value and what was wanted. */
export function loadConfig(sources: ConfigSources): Config {
	return inspectConfig(sources).config;
}

/** The same, with what an operator may want to know of it. */
export function inspectConfig({ env, flags = {}, cwd = process.cwd(), warn = () => {} }: ConfigSources): Inspection {
	const named = (flag: string | undefined, variable: string) => flag ?? (env[variable] || undefined);
	const glanceFiles = named(flags.glanceConfig, GLANCE_FILES.env);
	const file = named(flags.config, CONFIG_FILE.env);
	const glance = glanceFiles === undefined ? undefined : readGlanceConfig(glanceFiles, cwd);
	const own = file === undefined ? undefined : readSettingsFile(resolve(cwd, file));
	const raw: RawSettings = new Map([
		...(glance?.settings ?? []),
		...(own?.settings ?? []),
		...readEnvironment(env, cwd),
		...readFlags(flags, cwd),
	]);
	const inFiles = mergeStores([glance?.stores ?? new Map(), own?.stores ?? new Map()]);
	const variables = readStoreVariables(env, cwd, [...inFiles.keys(), ...(raw.has('storeFileDir') ? ['file'] : [])]);
	for (const line of unknownVariables(env, variables.names)) warn(line);
	const stores = mergeStores([inFiles, variables.stores]);
	const glanceOptions = glance?.explain({ settings: raw, stores });
	for (const line of withoutEffect(glanceOptions ?? [])) warn(line);
	const namesOwn = own !== undefined && own.stores.size > 0;
	const multi = glance?.multi !== false || namesOwn || (env[STORES.env] ?? '') !== '';
	return { config: build(raw, { stores, multi }, env), ...(glanceOptions !== undefined && { glanceOptions }) };
}

function readFlags(flags: NonNullable<ConfigSources['flags']>, base: string): RawSettings {
	const { config: _, glanceConfig: __, ...settings } = flags;
	const rows = Object.entries(settings) as [SettingName, string][];
	return new Map(rows.map(([name, text]) => [name, { texts: [text], from: SETTINGS[name].flag ?? name, base }]));
}

/** Topic by topic; what depends on another topic comes after it. */
function build(raw: RawSettings, said: SaidStores, env: Env): Config {
	const values = readValues(raw);
	const refuse: Refuse<typeof SETTINGS> = (name, message) => {
		throw new ConfigError(`${raw.get(name)?.from ?? SETTINGS[name].env}: ${message}`);
	};
	const { join, site = 'centre', listen = DEFAULT_LISTEN, peerListen = DEFAULT_PEER_LISTEN } = values;
	const around = { open: openListeners(listen, peerListen), hasKeystone: values.keystoneUrl !== undefined };
	const auth = authOf(values, refuse, around);
	const usesKeystone = auth.mode === 'keystone' || values.unifiedLimits === true || needsKeystone(values, around);
	const keystone = usesKeystone ? keystoneOf(values, refuse) : undefined;
	const propertyProtections = propertyProtectionsOf(values);
	const barbican = barbicanOf(values, refuse, keystone);
	const cache = cacheOf(values);
	const delayedDelete = delayedDeleteOf(values);
	const stores = chosenStores(said, raw, values, { refuse, site });
	return {
		listen,
		peerListen,
		dataDir: values.dataDir ?? defaultDataDir(env),
		site,
		bootstrap: values.bootstrap ?? [],
		...(join !== undefined && { join }),
		logLevel: values.logLevel ?? 'warn',
		shutdownGraceMs: values.shutdownGraceMs ?? 30_000,
		stores,
		hashAlgorithm: values.hashAlgorithm ?? 'sha512',
		auth,
		...(keystone !== undefined && { keystone }),
		policy: policyOf(values),
		...(propertyProtections !== undefined && { propertyProtections }),
		quota: quotaOf(values, refuse, keystone),
		api: apiOf(values, refuse),
		formats: formatsOf(values),
		imports: importsOf(values),
		signatures: signaturesOf(values),
		...(barbican !== undefined && { barbican }),
		notifications: notificationsOf(values, refuse),
		...(cache !== undefined && { cache }),
		locations: locationsOf(values),
		...(delayedDelete !== undefined && { delayedDelete }),
		tasks: tasksOf(values),
	};
}

interface SaidStores {
	readonly stores: RawStores;
	readonly multi: boolean;
}

/** The folder of the file store has a setting of its own, which is stronger than what is said of that store. */
function chosenStores(
	{ stores, multi }: SaidStores,
	raw: RawSettings,
	{ storeFileDir: dir, defaultStore: byDefault }: Values<typeof SETTINGS>,
	{ refuse, site }: { readonly refuse: Refuse<typeof SETTINGS>; readonly site: string },
): Config['stores'] {
	const said = raw.get('storeFileDir');
	const type = stores.get('file')?.get('type');
	if (dir !== undefined && type !== undefined && type.texts[0] !== 'file')
		return refuse('storeFileDir', `store file is of type ${type.texts.join()}, by ${type.from}`);
	const file: RawStores =
		dir === undefined || said === undefined
			? new Map()
			: new Map([
					[
						'file',
						new Map([
							['type', { ...said, texts: ['file'] }],
							['filesystem_store_datadir', { ...said, texts: [dir] }],
						]),
					],
				]);
	const all = storesOf(mergeStores([stores, file]), { site, multi });
	if (byDefault === undefined) return all;
	if (!all.specs.some(({ id }) => id === byDefault)) return refuse('defaultStore', `"${byDefault}" is none of the stores`);
	return { ...all, byDefault };
}

function readValues(raw: RawSettings): Values<typeof SETTINGS> {
	return Object.fromEntries([...raw].map(([name, said]) => [name, readValue(name, said)]));
}

function readValue(name: SettingName, said: RawValue): unknown {
	try {
		return SETTINGS[name].read(said);
	} catch (error) {
		throw new ConfigError(`${said.from}: ${(error as Error).message}`, { cause: error });
	}
}

/** Listeners that somebody outside this machine can reach. */
function openListeners(listen: Address, peerListen: readonly string[]): readonly string[] {
	const rest = isLoopback(listen.host) ? [] : [formatAddress(listen)];
	return [...rest, ...peerListen.filter((multiaddr) => !isLoopbackPeer(multiaddr))];
}

/** systemd names the folder it made; otherwise the XDG base directory specification. */
function defaultDataDir(env: Env): string {
	const [fromSystemd = ''] = (env.STATE_DIRECTORY ?? '').split(':');
	if (isAbsolute(fromSystemd)) return fromSystemd;
	const state = env.XDG_STATE_HOME ?? '';
	if (isAbsolute(state)) return join(state, 'sundog');
	const home = isAbsolute(env.HOME ?? '') ? (env.HOME ?? '') : homedir();
	return join(home, '.local', 'state', 'sundog');
}
