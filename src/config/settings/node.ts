/** Where the node is, what it belongs to and what it keeps. */
import { HASH_ALGORITHMS, LOG_LEVELS } from '../config.ts';
import { parseAddress, parseBootstrap, parsePath, parsePeerListen, parseSite, parseToken } from '../parse.ts';
import { parseOneOf, parseSeconds, parseWord } from '../parse-values.ts';
import { many, one, secret } from './setting.ts';

const MAX_GRACE_S = 3600;

export const nodeSettings = {
	listen: one(
		{ key: 'listen', hint: 'host:port', help: 'REST address; [v6]:port; port 0 picks a free one', byDefault: '127.0.0.1:9292' },
		parseAddress,
	),
	peerListen: many(
		{ key: 'peer_listen', hint: 'multiaddr,…', help: 'where other nodes connect to', byDefault: '/ip4/127.0.0.1/tcp/0' },
		parsePeerListen,
	),
	dataDir: one(
		{
			key: 'data_dir',
			hint: 'folder',
			help: 'everything the node keeps; one process at a time',
			byDefault: '$STATE_DIRECTORY, else $XDG_STATE_HOME/sundog, else ~/.local/state/sundog',
		},
		parsePath,
	),
	site: one({ key: 'site', hint: 'name', help: 'the site this node belongs to', byDefault: 'centre' }, parseSite),
	bootstrap: many(
		{ key: 'bootstrap', hint: 'multiaddr/p2p/id,…', help: 'peers to dial', byDefault: 'none: a fleet of its own' },
		parseBootstrap,
	),
	join: {
		...secret(
			{
				key: 'join',
				hint: 'token',
				help: 'one-time token of `sundog fleet invite`; not needed once the node is a member',
				byDefault: 'none',
			},
			parseToken,
		),
		// It is worth nothing once it was used, so it may stand in a process list.
		flag: '--join',
	},
	logLevel: one(
		{
			key: 'log_level',
			hint: LOG_LEVELS.join('|'),
			help: 'JSON lines on standard error from this level on',
			byDefault: 'warn',
		},
		parseOneOf(LOG_LEVELS),
	),
	shutdownGraceMs: one(
		{
			key: 'shutdown_grace',
			hint: 'seconds',
			help: 'how long running requests may take to end after SIGTERM',
			byDefault: '30',
		},
		parseSeconds({ max: MAX_GRACE_S }),
	),
	storeFileDir: one(
		{
			key: 'stores.file.dir',
			env: 'SUNDOG_STORE_FILE_DIR',
			flag: '--store-file-dir',
			hint: 'folder',
			help: "the file store: whole images in Glance's own layout; same file system as data_dir saves the copy",
			byDefault: "`images` in the data directory of a node that holds the fleet's key and names no stores, else no file store",
		},
		parsePath,
	),
	defaultStore: one(
		{
			key: 'default_store',
			hint: 'id',
			help: 'the store that an image goes to when nobody names one',
			byDefault: 'none: to this site, and to the stores in the background',
		},
		parseWord,
	),
	hashAlgorithm: one(
		{
			key: 'hash_algorithm',
			hint: HASH_ALGORITHMS.join('|'),
			help: 'what new images carry as os_hash_algo',
			byDefault: 'sha512',
		},
		parseOneOf(HASH_ALGORITHMS),
	),
} as const;
