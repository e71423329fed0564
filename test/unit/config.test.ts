import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Config, ConfigError } from '#config/config.ts';
import { describeConfig } from '#config/describe.ts';
import { parseSettings } from '#config/file.ts';
import { type ConfigSources, loadConfig } from '#config/load.ts';
import { isLoopback, parseAddress } from '#config/parse.ts';
import { parseBytes } from '#config/parse-values.ts';
import { SETTING_NAMES, SETTINGS } from '#config/settings.ts';

const HOME = { HOME: '/home/someone' };
const PEER = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp';

const KEYSTONE = {
	SUNDOG_KEYSTONE_URL: 'http://192.0.2.1:5000/v3/',
	SUNDOG_KEYSTONE_USERNAME: 'glance',
	SUNDOG_KEYSTONE_PASSWORD: 'hush-password',
};

function load(env: Record<string, string> = {}, rest: Omit<ConfigSources, 'env'> = {}): Config {
	return loadConfig({ env: { ...HOME, ...env }, cwd: '/work', ...rest });
}

function refusal(act: () => unknown): string {
	try {
		act();
	} catch (error) {
		assert.ok(error instanceof ConfigError, String(error));
		assert.ok(!error.message.includes('\n'), 'one line');
		return error.message;
	}
	return assert.fail('nothing was refused');
}

function withFile<T>(name: string, text: string, use: (path: string, folder: string) => T): T {
	const folder = mkdtempSync(join(tmpdir(), 'sundog-config-'));
	try {
		const path = join(folder, name);
		writeFileSync(path, text);
		return use(path, folder);
	} finally {
		rmSync(folder, { recursive: true });
	}
}

describe('defaults', () => {
	test('nothing said: a lone centre on loopback without authentication', () => {
		assert.deepEqual(load(), {
			listen: { host: '127.0.0.1', port: 9292 },
			peerListen: ['/ip4/127.0.0.1/tcp/0'],
			dataDir: '/home/someone/.local/state/sundog',
			site: 'centre',
			bootstrap: [],
			logLevel: 'warn',
			stores: { specs: [], multi: true },
			shutdownGraceMs: 30_000,
			hashAlgorithm: 'sha512',
			auth: { mode: 'none', trustedProxies: [], anonymousRead: false },
			policy: { dirs: [], enforceNewDefaults: true, enforceScope: true, defaultRule: 'default', remoteChecks: false },
			quota: {
				imageSizeCap: 1024 ** 4,
				userStorage: 0,
				imageProperties: 128,
				imageTags: 128,
				imageMembers: 128,
				imageLocations: 10,
				overshoot: 'none',
				queuedImages: 0,
			},
			api: {
				defaultLimit: 25,
				maxLimit: 1000,
				diskFormats: ['ami', 'ari', 'aki', 'vhd', 'vhdx', 'vmdk', 'raw', 'qcow2', 'vdi', 'iso', 'ploop'],
				containerFormats: ['ami', 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker', 'compressed'],
				additionalProperties: true,
				refuseAstral: false,
				maxRequestIdLength: 64,
				proxyHeaders: false,
				showDirectUrl: false,
				showMultipleLocations: false,
				showSites: true,
			},
			formats: {
				requireMatch: true,
				vmdkTypes: ['streamOptimized', 'monolithicSparse'],
				gptChecksNotFatal: [],
				maxVirtualSize: 64 * 1024 ** 4,
			},
			imports: {
				filtering: {},
				plugins: [],
				methods: ['glance-direct', 'web-download', 'copy-image'],
				parallelStores: 1,
				extraProperties: ['hw_', 'trait:', 'os_distro', 'os_secure_boot', 'os_type'],
				conversionFormat: 'raw',
				inject: {},
				injectIgnoreRoles: ['admin'],
				maxExpandedBytes: 1024 ** 4,
			},
			signatures: {},
			notifications: { publisherId: 'image.localhost', disabled: [], log: true },
			cache: { maxBytes: 10 * 1024 ** 3, stallMs: 86_400_000 },
			locations: { hash: true },
			tasks: { timeToLiveHours: 48 },
		});
	});

	test('the data directory follows systemd, then XDG, then the home directory', () => {
		const xdg = { XDG_STATE_HOME: '/state' };
		assert.equal(load({ ...xdg, STATE_DIRECTORY: '/var/lib/sundog:/var/lib/other' }).dataDir, '/var/lib/sundog');
		assert.equal(load(xdg).dataDir, '/state/sundog');
		assert.equal(load({ XDG_STATE_HOME: 'relative' }).dataDir, '/home/someone/.local/state/sundog');
	});

	test('an empty variable counts as absent', () => {
		assert.deepEqual(load(Object.fromEntries(SETTING_NAMES.map((name) => [SETTINGS[name].env, '']))), load());
	});
});

describe('sources', () => {
	test('a flag beats a variable, a variable beats the file, setting by setting', () => {
		withFile('sundog.yaml', 'site: from-file\nlog_level: error\nlisten: 127.0.0.1:1\n', (path) => {
			const env = { SUNDOG_CONFIG: path, SUNDOG_SITE: 'from-env', SUNDOG_LOG_LEVEL: 'info' };
			const config = load(env, { flags: { site: 'from-flag' } });
			assert.equal(config.site, 'from-flag');
			assert.equal(config.logLevel, 'info');
			assert.equal(config.listen.port, 1);
		});
	});

	test('a file can say everything a variable can', () => {
		const text = `
listen: "[::1]:0"
peer_listen: [/ip4/127.0.0.1/tcp/9293, /ip6/::1/tcp/0]
data_dir: state
site: paris
bootstrap: /ip4/192.0.2.1/tcp/9293/p2p/${PEER}
join: abc.def
auth: token
admin_token: s3cret
log_level: debug
stores:
  file:
    dir: images
shutdown_grace: 1.5
image_size_cap: 10 GiB
hash_algorithm: sha256
`;
		withFile('sundog.yaml', text, (path, folder) => {
			assert.deepEqual(load({}, { flags: { config: path } }), {
				...load(),
				listen: { host: '::1', port: 0 },
				peerListen: ['/ip4/127.0.0.1/tcp/9293', '/ip6/::1/tcp/0'],
				dataDir: join(folder, 'state'),
				site: 'paris',
				bootstrap: [`/ip4/192.0.2.1/tcp/9293/p2p/${PEER}`],
				join: 'abc.def',
				auth: { mode: 'token', adminToken: 's3cret', trustedProxies: [], anonymousRead: false },
				logLevel: 'debug',
				stores: {
					specs: [
						{
							id: 'file',
							type: 'file',
							options: { filesystem_store_datadir: join(folder, 'images') },
							from: 'sundog.yaml:13:10',
						},
					],
					multi: true,
				},
				shutdownGraceMs: 1500,
				quota: { ...load().quota, imageSizeCap: 10 * 1024 ** 3 },
				hashAlgorithm: 'sha256',
			});
		});
	});

	test('JSON is as good as YAML', () => {
		withFile('sundog.json', '{ "site": "paris", "peer_listen": ["/ip4/127.0.0.1/tcp/1"] }', (path) => {
			const config = load({ SUNDOG_CONFIG: path });
			assert.equal(config.site, 'paris');
			assert.deepEqual(config.peerListen, ['/ip4/127.0.0.1/tcp/1']);
		});
	});

	test('relative paths begin in the working directory, those of a file beside it', () => {
		assert.equal(load({ SUNDOG_DATA_DIR: 'state' }).dataDir, '/work/state');
	});

	test('lists in variables are separated by commas', () => {
		const env = { SUNDOG_PEER_LISTEN: ' /ip4/127.0.0.1/tcp/1, /dns4/localhost/tcp/2,' };
		assert.deepEqual(load(env).peerListen, ['/ip4/127.0.0.1/tcp/1', '/dns4/localhost/tcp/2']);
	});

	test('an unknown variable is a warning that names the nearest one', () => {
		const lines: string[] = [];
		load({ SUNDOG_LISTN: 'x', SUNDOG_ZEBRA: 'x', OTHER: 'x' }, { warn: (line) => lines.push(line) });
		assert.deepEqual(lines, [
			'the variable SUNDOG_LISTN is unknown and has no effect; did you mean "SUNDOG_LISTEN"?',
			'the variable SUNDOG_ZEBRA is unknown and has no effect',
		]);
	});
});

describe('a file that is wrong says where', () => {
	const wrong: readonly [claim: string, text: string, message: string | RegExp][] = [
		[
			'an unknown key',
			'site: a\nlisten: 127.0.0.1:1\n  \nlisen: x\n',
			'sundog.yaml:4:1: unknown key "lisen"; did you mean "listen"?',
		],
		['an unknown key in a section', 'keystone:\n  ulr: x\n', 'sundog.yaml:2:3: unknown key "ulr"; did you mean "url"?'],
		['a store without a type', 'stores:\n  fast: {}\n', 'sundog.yaml:2:3: store "fast" has no type, such as file, rbd or s3'],
		['a store that is a word', 'stores: { fast: rbd }\n', 'sundog.yaml:1:17: store "fast" holds a type and its options'],
		['an option that is a map', 'stores: { a: { type: file, b: { c: d } } }\n', /^sundog\.yaml:1:31: a value is needed here/],
		['an unknown key in JSON', '{"site": "a",\n  "zzzzzz": 1}', 'sundog.yaml:2:3: unknown key "zzzzzz"'],
		['a section given a value', 'quota: yes\n', /^sundog\.yaml:1:8: "quota" holds further keys: /],
		[
			'stores given a value',
			'stores: yes\n',
			'sundog.yaml:1:9: "stores" holds stores by their ids, each with a type and its options',
		],
		['stores left empty', 'stores:\n', /^sundog\.yaml:1:\d+: "stores" holds stores by their ids/],
		[
			'a setting given a section',
			'site: { a: b }\n',
			'sundog.yaml:1:7: a value is needed here: text, a number, or a list of them',
		],
		['a setting left empty', 'site:\n', /^sundog\.yaml:1:\d+: a value is needed here/],
		['a key twice', 'site: a\nsite: b\n', /^sundog\.yaml:2:1: .*unique/],
		['broken YAML', 'site: "a\n', /^sundog\.yaml:\d+:\d+: /],
		['a list instead of a map', '- a\n', 'sundog.yaml:1:1: the file must be a map of settings'],
		['an alias', 'site: &x a\njoin: *x\n', /^sundog\.yaml:2:7: a value is needed here/],
	];
	for (const [claim, text, message] of wrong)
		test(claim, () => {
			const got = refusal(() => parseSettings(text, { name: 'sundog.yaml', base: '/' }));
			if (typeof message === 'string') assert.equal(got, message);
			else assert.match(got, message);
		});

	test('a bad value is placed as well', () => {
		withFile('sundog.yaml', 'log_level: debug\nsite:   Paris!\n', (path) => {
			assert.match(
				refusal(() => load({ SUNDOG_CONFIG: path })),
				/^sundog\.yaml:2:9: "Paris!" is not a site name/,
			);
		});
	});

	test('a file that is missing, a folder or not text', () => {
		assert.match(
			refusal(() => load({ SUNDOG_CONFIG: '/nonexistent/x.yaml' })),
			/^\/nonexistent\/x\.yaml cannot be read: ENOENT/,
		);
		assert.match(
			refusal(() => load({ SUNDOG_CONFIG: tmpdir() })),
			/cannot be read: EISDIR/,
		);
	});

	test('an empty file and one of comments say nothing', () => {
		for (const text of ['', '# later\n', '---\n']) assert.equal(parseSettings(text, { name: 'x', base: '/' }).settings.size, 0);
	});
});

describe('values', () => {
	test('every refusal names the variable, the value and what was wanted', () => {
		const wrong: Readonly<Record<string, string>> = {
			SUNDOG_LISTEN: 'localhost',
			SUNDOG_PEER_LISTEN: '/ip4/127.0.0.1/udp/1/quic-v1',
			SUNDOG_SITE: 'Paris',
			SUNDOG_BOOTSTRAP: '/ip4/127.0.0.1/tcp/1',
			SUNDOG_JOIN: 'two words',
			SUNDOG_AUTH: 'kerberos',
			SUNDOG_ADMIN_TOKEN: 'ünsafe',
			SUNDOG_LOG_LEVEL: 'loud',
			SUNDOG_SHUTDOWN_GRACE: '-1',
			SUNDOG_IMAGE_SIZE_CAP: '10 GB',
			SUNDOG_HASH_ALGORITHM: 'md5',
		};
		for (const [name, value] of Object.entries(wrong)) {
			const message = refusal(() => load({ [name]: value }));
			assert.ok(message.startsWith(`${name}: `), message);
			const secret = name === 'SUNDOG_JOIN' || name === 'SUNDOG_ADMIN_TOKEN';
			assert.equal(message.includes(value), !secret, message);
		}
	});

	test('addresses: names, IPv4, bracketed IPv6, port 0', () => {
		assert.deepEqual(parseAddress('glance.example.org:9292'), { host: 'glance.example.org', port: 9292 });
		assert.deepEqual(parseAddress('0.0.0.0:0'), { host: '0.0.0.0', port: 0 });
		assert.deepEqual(parseAddress('[fe80::1]:443'), { host: 'fe80::1', port: 443 });
		for (const text of ['', ':1', 'a:', 'a:65536', '::1:80', '[::1]', '[a]:1', '127.0.0.300:1', 'a_b:1', 'http://a:1'])
			assert.throws(() => parseAddress(text), /is not host:port/, text);
	});

	test('a host is loopback only when nobody else can reach it', () => {
		for (const host of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', 'localhost', 'LocalHost'])
			assert.ok(isLoopback(host), host);
		for (const host of ['0.0.0.0', '::', '10.0.0.1', 'localhost.example.org', '128.0.0.1']) assert.ok(!isLoopback(host), host);
	});

	test('sizes are whole bytes', () => {
		assert.equal(parseBytes('1.5 KiB'), 1536);
		for (const text of ['0', '-1', '1.5', '9007199254740993', '1e3', 'KiB']) assert.throws(() => parseBytes(text), text);
	});

	test('no text crashes a parser: it is a value or a ConfigError', () => {
		fc.assert(
			fc.property(fc.constantFrom(...SETTING_NAMES), fc.string(), (name, text) => {
				try {
					load({ [SETTINGS[name].env]: text });
				} catch (error) {
					assert.ok(error instanceof ConfigError);
				}
			}),
		);
	});

	test('no text crashes the file reader', () => {
		fc.assert(
			fc.property(fc.string(), (text) => {
				try {
					parseSettings(text, { name: 'x', base: '/' });
				} catch (error) {
					assert.ok(error instanceof ConfigError);
				}
			}),
		);
	});
});

describe('authentication', () => {
	const OPEN = { SUNDOG_LISTEN: '0.0.0.0:9292' };

	test('a listener beyond loopback means token unless said otherwise', () => {
		assert.equal(load(OPEN).auth.mode, 'token');
		assert.equal(load({ SUNDOG_PEER_LISTEN: '/ip4/127.0.0.1/tcp/0,/ip4/0.0.0.0/tcp/1' }).auth.mode, 'token');
	});

	test('none beyond loopback is refused, for REST and for peers', () => {
		assert.equal(
			refusal(() => load({ ...OPEN, SUNDOG_AUTH: 'none' })),
			'SUNDOG_AUTH: "none" is refused because 0.0.0.0:9292 can be reached from outside; use "token", or listen on loopback only',
		);
		assert.match(
			refusal(() => load({ SUNDOG_PEER_LISTEN: '/ip6/::/tcp/1' }, { flags: { auth: 'none' } })),
			/^--auth: .* \/ip6\/::\/tcp\/1 can/,
		);
	});

	test('whoever sets an admin token wants it asked for', () => {
		const { mode, adminToken } = load({ SUNDOG_ADMIN_TOKEN: 'abc' }).auth;
		assert.deepEqual({ mode, adminToken }, { mode: 'token', adminToken: 'abc' });
		assert.ok(!('adminToken' in load({ SUNDOG_ADMIN_TOKEN: 'abc', SUNDOG_AUTH: 'none' }).auth));
	});

	test('whoever names a Keystone wants it asked', () => {
		assert.equal(load({ ...OPEN, ...KEYSTONE }).auth.mode, 'keystone');
		assert.equal(load({ ...KEYSTONE, SUNDOG_AUTH: 'none' }).auth.mode, 'none');
	});

	test('each mode is refused without what it stands on', () => {
		assert.equal(
			refusal(() => load({ SUNDOG_AUTH: 'keystone' })),
			'SUNDOG_AUTH: "keystone" needs a Keystone: set SUNDOG_KEYSTONE_URL and a credential',
		);
		assert.match(
			refusal(() => load({}, { flags: { auth: 'proxy' } })),
			/^--auth: "proxy" needs SUNDOG_TRUSTED_PROXIES/,
		);
		const proxy = load({ SUNDOG_AUTH: 'proxy', SUNDOG_TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8,fd00::/8' }).auth;
		assert.deepEqual(proxy.trustedProxies, ['127.0.0.1', '10.0.0.0/8', 'fd00::/8']);
		for (const text of ['proxy.example.org', '10.0.0.0/33', '10.0.0.0/8/8', '::1/', '1.2.3'])
			assert.match(
				refusal(() => load({ SUNDOG_TRUSTED_PROXIES: text })),
				/is not an address or a range/,
			);
	});
});

describe('Keystone', () => {
	test('an address, a user and its password suffice', () => {
		assert.deepEqual(load(KEYSTONE).keystone, {
			url: 'http://192.0.2.1:5000',
			publicUrl: 'http://192.0.2.1:5000',
			credential: {
				kind: 'password',
				username: { name: 'glance' },
				password: 'hush-password',
				userDomain: { name: 'Default' },
				project: { name: 'service' },
				projectDomain: { name: 'Default' },
			},
			tokenCacheMs: 300_000,
			timeoutMs: 10_000,
			serviceTokenRoles: ['service'],
			serviceTokenRolesRequired: true,
			serviceType: 'image',
			insecure: false,
		});
	});

	test('names may be ids', () => {
		const env = {
			SUNDOG_KEYSTONE_USERNAME: 'id:u1',
			SUNDOG_KEYSTONE_PROJECT: 'id:p1',
			SUNDOG_KEYSTONE_USER_DOMAIN: 'id:default',
		};
		const credential = load({ ...KEYSTONE, ...env }).keystone?.credential;
		assert.ok(credential?.kind === 'password');
		assert.deepEqual(credential.username, { id: 'u1' });
		assert.deepEqual(credential.project, { id: 'p1' });
		assert.deepEqual(credential.userDomain, { id: 'default' });
	});

	test('a node that asks no Keystone needs no credential', () => {
		assert.equal(load({ SUNDOG_KEYSTONE_URL: 'http://192.0.2.1:5000', SUNDOG_AUTH: 'token' }).keystone, undefined);
		const env = { SUNDOG_AUTH: 'proxy', SUNDOG_TRUSTED_PROXIES: '10.0.0.1', SUNDOG_UNIFIED_LIMITS: 'true' };
		assert.ok(load({ ...KEYSTONE, ...env }).keystone, 'limits are kept there');
	});

	test('an application credential takes the place of the user', () => {
		const env = { SUNDOG_KEYSTONE_APPLICATION_CREDENTIAL_ID: 'c1', SUNDOG_KEYSTONE_APPLICATION_CREDENTIAL_SECRET: 'hush' };
		assert.deepEqual(load({ ...KEYSTONE, ...env }).keystone?.credential, {
			kind: 'application-credential',
			id: 'c1',
			secret: 'hush',
		});
	});

	test('what is missing is named', () => {
		assert.match(
			refusal(() => load({ SUNDOG_KEYSTONE_URL: 'http://192.0.2.1:5000' })),
			/^SUNDOG_KEYSTONE_URL: a credential is missing: set SUNDOG_KEYSTONE_USERNAME and/,
		);
		assert.match(
			refusal(() => load({ ...KEYSTONE, SUNDOG_KEYSTONE_APPLICATION_CREDENTIAL_ID: 'c1' })),
			/^SUNDOG_KEYSTONE_APPLICATION_CREDENTIAL_ID: its secret is missing/,
		);
	});

	test('an address that is none, or that holds a password, is refused without repeating it', () => {
		for (const url of ['192.0.2.1:5000', 'ftp://a', 'http://glance:hush@a', 'http://a?b', 'http://a/#b'])
			assert.match(
				refusal(() => load({ ...KEYSTONE, SUNDOG_KEYSTONE_URL: url })),
				/^SUNDOG_KEYSTONE_URL: a URL [^:]*(:\/\/ or https:\/\/)? is needed$|is needed$/,
			);
	});

	test('a token is believed for five minutes at most', () => {
		assert.match(
			refusal(() => load({ ...KEYSTONE, SUNDOG_KEYSTONE_TOKEN_CACHE: '301' })),
			/from 0 to 300$/,
		);
	});
});

describe('settings that need one another', () => {
	test('unified limits need a Keystone, and read with its credential unless given one', () => {
		assert.match(
			refusal(() => load({ SUNDOG_UNIFIED_LIMITS: 'true' })),
			/^SUNDOG_UNIFIED_LIMITS: unified limits are kept in Keystone/,
		);
		assert.deepEqual(load({ ...KEYSTONE, SUNDOG_UNIFIED_LIMITS: 'true' }).quota.unifiedLimits, {});
		const env = { SUNDOG_UNIFIED_LIMITS: 'true', SUNDOG_UNIFIED_LIMITS_USERNAME: 'reader' };
		assert.match(
			refusal(() => load({ ...KEYSTONE, ...env })),
			/^SUNDOG_UNIFIED_LIMITS_USERNAME: its password is missing/,
		);
		const { unifiedLimits } = load({ ...KEYSTONE, ...env, SUNDOG_UNIFIED_LIMITS_PASSWORD: 'hush' }).quota;
		assert.deepEqual(unifiedLimits?.credential, {
			kind: 'password',
			username: { name: 'reader' },
			password: 'hush',
			userDomain: { name: 'Default' },
			project: { name: 'service' },
			projectDomain: { name: 'Default' },
		});
	});

	test('a webhook needs a secret to be signed with', () => {
		assert.match(
			refusal(() => load({ SUNDOG_NOTIFICATIONS_WEBHOOK_URL: 'https://a/hook' })),
			/^SUNDOG_NOTIFICATIONS_WEBHOOK_URL: a webhook is signed/,
		);
	});

	test('the rows of a list by default are no more than the most', () => {
		assert.equal(load({ SUNDOG_API_MAX_LIMIT: '10' }).api.defaultLimit, 10);
		assert.match(
			refusal(() => load({ SUNDOG_API_MAX_LIMIT: '10', SUNDOG_API_DEFAULT_LIMIT: '11' })),
			/^SUNDOG_API_DEFAULT_LIMIT: 11 rows/,
		);
	});
});

describe('import plugins', () => {
	test('their order is kept, and pairs are properties', () => {
		const {
			filtering: _,
			methods: __,
			parallelStores: ___,
			extraProperties: ____,
			...imports
		} = load({
			SUNDOG_IMPORT_PLUGINS: 'image_decompression, no_op,image_conversion',
			SUNDOG_IMPORT_CONVERSION_FORMAT: 'qcow2',
			SUNDOG_IMPORT_INJECT: 'hw_disk_bus: virtio, url:http://h:1',
			SUNDOG_IMPORT_INJECT_IGNORE_ROLES: 'admin,builder',
			SUNDOG_IMPORT_MAX_EXPANDED_SIZE: '10 GiB',
		}).imports;
		assert.deepEqual(imports, {
			plugins: ['image_decompression', 'no_op', 'image_conversion'],
			conversionFormat: 'qcow2',
			inject: { hw_disk_bus: 'virtio', url: 'http://h:1' },
			injectIgnoreRoles: ['admin', 'builder'],
			maxExpandedBytes: 10 * 1024 ** 3,
		});
	});

	test('what is not known or not a pair is refused', () => {
		assert.match(
			refusal(() => load({ SUNDOG_IMPORT_PLUGINS: 'no_op,scan' })),
			/^SUNDOG_IMPORT_PLUGINS: "scan" is none of no_op, /,
		);
		for (const text of ['a', ':a', 'a:1,a:2'])
			assert.match(
				refusal(() => load({ SUNDOG_IMPORT_INJECT: text })),
				/^SUNDOG_IMPORT_INJECT: /,
			);
	});
});

describe('secrets', () => {
	/** Values that every other rule is content with. */
	const around = {
		...KEYSTONE,
		SUNDOG_AUTH: 'keystone',
		SUNDOG_UNIFIED_LIMITS: 'true',
		SUNDOG_UNIFIED_LIMITS_USERNAME: 'reader',
		SUNDOG_UNIFIED_LIMITS_PASSWORD: 'x',
		SUNDOG_NOTIFICATIONS_WEBHOOK_URL: 'https://a/hook',
		SUNDOG_NOTIFICATIONS_WEBHOOK_SECRET: 'x',
	};
	const needsId: Readonly<Record<string, string>> = {
		keystoneApplicationCredentialSecret: 'SUNDOG_KEYSTONE_APPLICATION_CREDENTIAL_ID',
		unifiedLimitsApplicationCredentialSecret: 'SUNDOG_UNIFIED_LIMITS_APPLICATION_CREDENTIAL_ID',
	};
	for (const name of SETTING_NAMES.filter((name) => SETTINGS[name].secret))
		test(`${name} is in the config and never described`, () => {
			const value = name === 'amqpUrl' ? 'rabbit://a:zzqq@b/' : 'zzqq';
			const id = needsId[name];
			const config = load({ ...around, [SETTINGS[name].env]: value, ...(id !== undefined && { [id]: 'c1' }) });
			assert.ok(JSON.stringify(config).includes('zzqq'));
			const text = JSON.stringify(describeConfig(config));
			assert.ok(!text.includes('zzqq'), text);
			assert.ok(text.includes('(set)'));
		});

	test('no secret that travels again and again has a flag', () => {
		const flags = SETTING_NAMES.filter((name) => SETTINGS[name].secret && 'flag' in SETTINGS[name]);
		assert.deepEqual(flags, ['join']);
	});
});

test('no two settings share a key, a variable or a flag', () => {
	for (const part of ['key', 'env', 'flag'] as const) {
		const names = SETTING_NAMES.map((name) => SETTINGS[name][part]).filter((name) => name !== undefined);
		assert.equal(new Set(names).size, names.length, part);
	}
});
