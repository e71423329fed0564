/**
 * Every setting once: its names, its meaning, its default and how its text is read. The file, the environment, the
 * flags, `--help` and the table in docs/operating.md all come from here. To add one: a row, and a field in config.ts.
 */
import { AUTH_MODES, HASH_ALGORITHMS, LOG_LEVELS } from './config.ts';
import {
	parseAddress,
	parseBootstrap,
	parseBytes,
	parseGrace,
	parseOneOf,
	parsePath,
	parsePeerListen,
	parseSite,
	parseToken,
} from './parse.ts';

export interface Setting<T> {
	/** in the file; dots are nesting */
	readonly key: string;
	readonly env: string;
	/** absent for what must not be seen in a process list */
	readonly flag?: string;
	readonly hint: string;
	readonly help: string;
	/** in words, for people */
	readonly byDefault: string;
	/** takes several: a comma list, in the file also a sequence */
	readonly list: boolean;
	/** never shown */
	readonly secret: boolean;
	read(raw: RawValue): T;
}

/** What a source said, and where, so that a complaint can point there. */
export interface RawValue {
	readonly texts: readonly string[];
	/** `SUNDOG_LISTEN`, `--listen`, `sundog.yaml:3:9` */
	readonly from: string;
	/** the folder that relative paths begin in */
	readonly base: string;
}

type Row<T> = Omit<Setting<T>, 'list' | 'secret' | 'read'> & { readonly secret?: boolean };

function one<T>(row: Row<T>, parse: (text: string, base: string) => T): Setting<T> {
	const read = ({ texts, base }: RawValue): T => {
		if (texts.length !== 1 || texts[0] === undefined) throw new Error('one value is needed, not a list');
		return parse(texts[0], base);
	};
	return { secret: false, ...row, list: false, read };
}

function many<T>(row: Row<T>, parse: (texts: readonly string[]) => T): Setting<T> {
	const split = (texts: readonly string[]) =>
		texts
			.flatMap((text) => text.split(','))
			.map((text) => text.trim())
			.filter((text) => text !== '');
	return { secret: false, ...row, list: true, read: ({ texts }) => parse(split(texts)) };
}

export const SETTINGS = {
	listen: one(
		{
			key: 'listen',
			env: 'SUNDOG_LISTEN',
			flag: '--listen',
			hint: 'host:port',
			help: 'REST address; [v6]:port; port 0 picks a free one',
			byDefault: '127.0.0.1:9292',
		},
		parseAddress,
	),
	peerListen: many(
		{
			key: 'peer_listen',
			env: 'SUNDOG_PEER_LISTEN',
			flag: '--peer-listen',
			hint: 'multiaddr,…',
			help: 'where other nodes connect to',
			byDefault: '/ip4/127.0.0.1/tcp/0',
		},
		parsePeerListen,
	),
	dataDir: one(
		{
			key: 'data_dir',
			env: 'SUNDOG_DATA_DIR',
			flag: '--data-dir',
			hint: 'folder',
			help: 'everything the node keeps; one process at a time',
			byDefault: '$STATE_DIRECTORY, else $XDG_STATE_HOME/sundog, else ~/.local/state/sundog',
		},
		parsePath,
	),
	site: one(
		{
			key: 'site',
			env: 'SUNDOG_SITE',
			flag: '--site',
			hint: 'name',
			help: 'the site this node belongs to',
			byDefault: 'centre',
		},
		parseSite,
	),
	bootstrap: many(
		{
			key: 'bootstrap',
			env: 'SUNDOG_BOOTSTRAP',
			flag: '--bootstrap',
			hint: 'multiaddr/p2p/id,…',
			help: 'peers to dial',
			byDefault: 'none: a fleet of its own',
		},
		parseBootstrap,
	),
	join: one(
		{
			key: 'join',
			env: 'SUNDOG_JOIN',
			flag: '--join',
			hint: 'token',
			help: 'one-time token of `sundog fleet invite`; not needed once the node is a member',
			byDefault: 'none',
			secret: true,
		},
		parseToken,
	),
	auth: one(
		{
			key: 'auth',
			env: 'SUNDOG_AUTH',
			flag: '--auth',
			hint: AUTH_MODES.join('|'),
			help: 'who may use the REST API; `none` only where every listener is loopback',
			byDefault: 'none if every listener is loopback and there is no admin token, else token',
		},
		parseOneOf(AUTH_MODES),
	),
	adminToken: one(
		{
			key: 'admin_token',
			env: 'SUNDOG_ADMIN_TOKEN',
			hint: 'token',
			help: 'what clients send as X-Auth-Token',
			byDefault: 'with `token` one is made, kept in `admin-token` of the data directory and said once',
			secret: true,
		},
		parseToken,
	),
	logLevel: one(
		{
			key: 'log_level',
			env: 'SUNDOG_LOG_LEVEL',
			flag: '--log-level',
			hint: LOG_LEVELS.join('|'),
			help: 'JSON lines on standard error from this level on',
			byDefault: 'warn',
		},
		parseOneOf(LOG_LEVELS),
	),
	storeFileDir: one(
		{
			key: 'stores.file.dir',
			env: 'SUNDOG_STORE_FILE_DIR',
			flag: '--store-file-dir',
			hint: 'folder',
			help: "the file store: whole images in Glance's own layout; same file system as data_dir saves the copy",
			byDefault: "`images` in the data directory of a node that holds the fleet's key, else no file store",
		},
		parsePath,
	),
	shutdownGraceMs: one(
		{
			key: 'shutdown_grace',
			env: 'SUNDOG_SHUTDOWN_GRACE',
			flag: '--shutdown-grace',
			hint: 'seconds',
			help: 'how long running requests may take to end after SIGTERM',
			byDefault: '30',
		},
		parseGrace,
	),
	imageSizeCapBytes: one(
		{
			key: 'image_size_cap',
			env: 'SUNDOG_IMAGE_SIZE_CAP',
			flag: '--image-size-cap',
			hint: 'size',
			help: 'the most bytes one image may have',
			byDefault: '1 TiB',
		},
		parseBytes,
	),
	hashAlgorithm: one(
		{
			key: 'hash_algorithm',
			env: 'SUNDOG_HASH_ALGORITHM',
			flag: '--hash-algorithm',
			hint: HASH_ALGORITHMS.join('|'),
			help: 'what new images carry as os_hash_algo',
			byDefault: 'sha512',
		},
		parseOneOf(HASH_ALGORITHMS),
	),
} as const;

export type SettingName = keyof typeof SETTINGS;

/** The setting that names the file itself; it can stand only in the environment or in a flag. */
export const CONFIG_FILE = {
	env: 'SUNDOG_CONFIG',
	flag: '--config',
	hint: 'file',
	help: 'YAML or JSON with the keys of this table',
	byDefault: 'none',
} as const;

export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

/** What one source said: raw values by setting. */
export type RawSettings = ReadonlyMap<SettingName, RawValue>;
