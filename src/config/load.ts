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
import { importsOf } from './settings/imports.ts';
import { keystoneOf } from './settings/keystone.ts';
import { notificationsOf } from './settings/notifications.ts';
import { policyOf, propertyProtectionsOf } from './settings/policy.ts';
import { quotaOf } from './settings/quota.ts';
import type { RawValue, Refuse, Values } from './settings/setting.ts';
import { needsKeystone, signaturesOf } from './settings/signatures.ts';
import { cacheOf, delayedDeleteOf, locationsOf, tasksOf } from './settings/upkeep.ts';
import { CONFIG_FILE, GLANCE_FILES, type RawSettings, SETTINGS, type SettingName } from './settings.ts';

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
	for (const line of unknownVariables(env)) warn(line);
	const named = (flag: string | undefined, variable: string) => flag ?? (env[variable] || undefined);
	const glanceFiles = named(flags.glanceConfig, GLANCE_FILES.env);
	const file = named(flags.config, CONFIG_FILE.env);
	const glance = glanceFiles === undefined ? undefined : readGlanceConfig(glanceFiles, cwd);
	const raw: RawSettings = new Map([
		...(glance?.settings ?? []),
		...(file === undefined ? [] : readSettingsFile(resolve(cwd, file))),
		...readEnvironment(env, cwd),
		...readFlags(flags, cwd),
	]);
	const glanceOptions = glance?.explain(raw);
	for (const line of withoutEffect(glanceOptions ?? [])) warn(line);
	return { config: build(raw, env), ...(glanceOptions !== undefined && { glanceOptions }) };
}

function readFlags(flags: NonNullable<ConfigSources['flags']>, base: string): RawSettings {
	const { config: _, glanceConfig: __, ...settings } = flags;
	const rows = Object.entries(settings) as [SettingName, string][];
	return new Map(rows.map(([name, text]) => [name, { texts: [text], from: SETTINGS[name].flag ?? name, base }]));
}

/** Topic by topic; what depends on another topic comes after it. */
function build(raw: RawSettings, env: Env): Config {
	const values = readValues(raw);
	const refuse: Refuse<typeof SETTINGS> = (name, message) => {
		throw new ConfigError(`${raw.get(name)?.from ?? SETTINGS[name].env}: ${message}`);
	};
	const { join, storeFileDir: dir, listen = DEFAULT_LISTEN, peerListen = DEFAULT_PEER_LISTEN } = values;
	const around = { open: openListeners(listen, peerListen), hasKeystone: values.keystoneUrl !== undefined };
	const auth = authOf(values, refuse, around);
	const usesKeystone = auth.mode === 'keystone' || values.unifiedLimits === true || needsKeystone(values, around);
	const keystone = usesKeystone ? keystoneOf(values, refuse) : undefined;
	const propertyProtections = propertyProtectionsOf(values);
	const cache = cacheOf(values);
	const delayedDelete = delayedDeleteOf(values);
	return {
		listen,
		peerListen,
		dataDir: values.dataDir ?? defaultDataDir(env),
		site: values.site ?? 'centre',
		bootstrap: values.bootstrap ?? [],
		...(join !== undefined && { join }),
		logLevel: values.logLevel ?? 'warn',
		shutdownGraceMs: values.shutdownGraceMs ?? 30_000,
		stores: dir === undefined ? {} : { file: { dir } },
		hashAlgorithm: values.hashAlgorithm ?? 'sha512',
		auth,
		...(keystone !== undefined && { keystone }),
		policy: policyOf(values),
		...(propertyProtections !== undefined && { propertyProtections }),
		quota: quotaOf(values, refuse, keystone),
		api: apiOf(values, refuse),
		imports: importsOf(values),
		signatures: signaturesOf(values, refuse, keystone),
		notifications: notificationsOf(values, refuse),
		...(cache !== undefined && { cache }),
		locations: locationsOf(values),
		...(delayedDelete !== undefined && { delayedDelete }),
		tasks: tasksOf(values),
	};
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
