/** From file, environment and flags to one Config: later sources win, setting by setting. */
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { TiB } from '#lib/sizes.ts';
import { type AuthConfig, type Config, ConfigError } from './config.ts';
import { type Env, readEnvironment, unknownVariables } from './env.ts';
import { readSettingsFile } from './file.ts';
import { type Address, isLoopback, isLoopbackPeer } from './parse.ts';
import { CONFIG_FILE, type RawSettings, type RawValue, SETTINGS, type SettingName } from './settings.ts';

export interface ConfigSources {
	readonly env: Env;
	/** texts as they stood on the command line, by setting; `config` is the path of the file */
	readonly flags?: Readonly<Partial<Record<SettingName | 'config', string>>>;
	/** where relative paths of flags and variables begin; default: the working directory */
	readonly cwd?: string;
	/** told one line for each thing that is probably a mistake */
	readonly warn?: (line: string) => void;
}

const DEFAULTS = {
	listen: { host: '127.0.0.1', port: 9292 },
	peerListen: ['/ip4/127.0.0.1/tcp/0'],
	site: 'centre',
	logLevel: 'warn',
	shutdownGraceMs: 30_000,
	imageSizeCapBytes: TiB,
	hashAlgorithm: 'sha512',
} as const;

/** Throws `ConfigError`: one line that names the source, the value and what was wanted. */
export function loadConfig({ env, flags = {}, cwd = process.cwd(), warn = () => {} }: ConfigSources): Config {
	for (const line of unknownVariables(env)) warn(line);
	const file = flags.config ?? env[CONFIG_FILE.env];
	const sources = [
		file === undefined || file === '' ? new Map() : readSettingsFile(resolve(cwd, file)),
		readEnvironment(env, cwd),
		readFlags(flags, cwd),
	];
	const raw: RawSettings = new Map(sources.flatMap((source) => [...source]));
	return build(raw, env);
}

function readFlags(flags: NonNullable<ConfigSources['flags']>, base: string): RawSettings {
	const { config: _, ...settings } = flags;
	const rows = Object.entries(settings) as [SettingName, string][];
	return new Map(rows.map(([name, text]) => [name, { texts: [text], from: SETTINGS[name].flag ?? name, base }]));
}

type ValueOf<N extends SettingName> = ReturnType<(typeof SETTINGS)[N]['read']>;

function build(raw: RawSettings, env: Env): Config {
	const given = <N extends SettingName>(name: N) => readValue(name, raw.get(name));
	const listen = given('listen') ?? DEFAULTS.listen;
	const peerListen = given('peerListen') ?? DEFAULTS.peerListen;
	const join = given('join');
	const dir = given('storeFileDir');
	return {
		listen,
		peerListen,
		dataDir: given('dataDir') ?? defaultDataDir(env),
		site: given('site') ?? DEFAULTS.site,
		bootstrap: given('bootstrap') ?? [],
		...(join === undefined ? {} : { join }),
		auth: authOf(given('auth'), given('adminToken'), openListeners(listen, peerListen), raw.get('auth')),
		logLevel: given('logLevel') ?? DEFAULTS.logLevel,
		stores: dir === undefined ? {} : { file: { dir } },
		shutdownGraceMs: given('shutdownGraceMs') ?? DEFAULTS.shutdownGraceMs,
		imageSizeCapBytes: given('imageSizeCapBytes') ?? DEFAULTS.imageSizeCapBytes,
		hashAlgorithm: given('hashAlgorithm') ?? DEFAULTS.hashAlgorithm,
	};
}

function readValue<N extends SettingName>(name: N, raw: RawValue | undefined): ValueOf<N> | undefined {
	if (raw === undefined) return undefined;
	try {
		return SETTINGS[name].read(raw) as ValueOf<N>;
	} catch (error) {
		throw new ConfigError(`${raw.from}: ${(error as Error).message}`, { cause: error });
	}
}

/** Listeners that somebody outside this machine can reach. */
function openListeners(listen: Address, peerListen: readonly string[]): readonly string[] {
	const rest = isLoopback(listen.host) ? [] : [formatAddress(listen)];
	return [...rest, ...peerListen.filter((multiaddr) => !isLoopbackPeer(multiaddr))];
}

function authOf(
	mode: ValueOf<'auth'> | undefined,
	adminToken: string | undefined,
	open: readonly string[],
	raw: RawValue | undefined,
): AuthConfig {
	if (mode === 'none' && open.length > 0)
		throw new ConfigError(
			`${raw?.from ?? 'auth'}: "none" is refused because ${open.join(', ')} can be reached from outside; use "token", or listen on loopback only`,
		);
	const chosen = mode ?? (open.length === 0 && adminToken === undefined ? 'none' : 'token');
	return chosen === 'token' && adminToken !== undefined ? { mode: chosen, adminToken } : { mode: chosen };
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

/** As a URL or a log has it: IPv6 in brackets. */
export function formatAddress({ host, port }: Address): string {
	return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
