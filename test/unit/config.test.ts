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
import { isLoopback, parseAddress, parseBytes } from '#config/parse.ts';
import { SETTING_NAMES, SETTINGS } from '#config/settings.ts';

const HOME = { HOME: '/home/someone' };
const PEER = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp';

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
			auth: { mode: 'none' },
			logLevel: 'warn',
			stores: {},
			shutdownGraceMs: 30_000,
			imageSizeCapBytes: 1024 ** 4,
			hashAlgorithm: 'sha512',
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
				listen: { host: '::1', port: 0 },
				peerListen: ['/ip4/127.0.0.1/tcp/9293', '/ip6/::1/tcp/0'],
				dataDir: join(folder, 'state'),
				site: 'paris',
				bootstrap: [`/ip4/192.0.2.1/tcp/9293/p2p/${PEER}`],
				join: 'abc.def',
				auth: { mode: 'token', adminToken: 's3cret' },
				logLevel: 'debug',
				stores: { file: { dir: join(folder, 'images') } },
				shutdownGraceMs: 1500,
				imageSizeCapBytes: 10 * 1024 ** 3,
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
		['an unknown key in a section', 'stores:\n  fil: {}\n', 'sundog.yaml:2:3: unknown key "fil"; did you mean "file"?'],
		['an unknown key in JSON', '{"site": "a",\n  "zzzzzz": 1}', 'sundog.yaml:2:3: unknown key "zzzzzz"'],
		['a section given a value', 'stores: yes\n', 'sundog.yaml:1:9: "stores" holds further keys: file'],
		['a section left empty', 'stores:\n', /^sundog\.yaml:1:\d+: "stores" holds further keys: file$/],
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
		for (const text of ['', '# later\n', '---\n']) assert.equal(parseSettings(text, { name: 'x', base: '/' }).size, 0);
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
			SUNDOG_AUTH: 'keystone',
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
		assert.deepEqual(load(OPEN).auth, { mode: 'token' });
		assert.deepEqual(load({ SUNDOG_PEER_LISTEN: '/ip4/127.0.0.1/tcp/0,/ip4/0.0.0.0/tcp/1' }).auth, { mode: 'token' });
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
		assert.deepEqual(load({ SUNDOG_ADMIN_TOKEN: 'abc' }).auth, { mode: 'token', adminToken: 'abc' });
		assert.deepEqual(load({ SUNDOG_ADMIN_TOKEN: 'abc', SUNDOG_AUTH: 'none' }).auth, { mode: 'none' });
	});

	test('secrets are never described', () => {
		const config = load({ SUNDOG_ADMIN_TOKEN: 'hush-admin', SUNDOG_JOIN: 'hush-join' });
		const text = JSON.stringify(describeConfig(config));
		assert.ok(!text.includes('hush'), text);
		assert.ok(text.includes('"join":"(set)"') && text.includes('"adminToken":"(set)"'), text);
	});
});
