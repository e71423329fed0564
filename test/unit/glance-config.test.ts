import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Config, ConfigError } from '#config/config.ts';
import { readGlanceConfig } from '#config/glance/glance-config.ts';
import type { FoundOption } from '#config/glance/report.ts';
import { inspectConfig, loadConfig } from '#config/load.ts';
import type { SettingName } from '#config/settings.ts';

const root = mkdtempSync(join(tmpdir(), 'sundog-glance-config-'));
after(() => rmSync(root, { recursive: true }));

const EVERY_OPTION = fileURLToPath(new URL('../support/glance-api.conf', import.meta.url));
/** As a development cloud has it: several stores, Keystone, limits read by the same user, the cache on. */
const DEVELOPMENT = `[DEFAULT]
bind_host = 127.0.0.1
bind_port = 19292
workers = 2
enabled_backends = fast:file, slow:file, web:http
show_multiple_locations = true
use_keystone_limits = true
enforce_secure_rbac = false
image_cache_dir = /srv/cache
image_cache_max_size = 21474836480
[glance_store]
default_backend = fast
[fast]
filesystem_store_datadir = /srv/fast
[slow]
filesystem_store_datadir = /srv/slow
[web]
store_description = read only
[os_glance_staging_store]
filesystem_store_datadir = /srv/staging
[oslo_policy]
enforce_scope = false
enforce_new_defaults = false
[paste_deploy]
flavor = keystone+cachemanagement
[oslo_limit]
auth_url = http://127.0.0.1:5000
username = glance
user_domain_name = Default
password = hush-own
system_scope = all
endpoint_id = e1
[keystone_authtoken]
auth_url = http://127.0.0.1:5000
auth_type = password
project_name = service
user_domain_name = Default
username = glance
password = hush-own
`;

/** Writes files, the first of them Glance's, and says where it is. */
function written(files: Readonly<Record<string, string>>): string {
	const folder = mkdtempSync(join(root, 'case-'));
	for (const [name, text] of Object.entries(files)) {
		mkdirSync(dirname(join(folder, name)), { recursive: true });
		writeFileSync(join(folder, name), text);
	}
	return folder;
}

function load(text: string, env: Readonly<Record<string, string>> = {}): Config {
	const path = join(written({ 'glance-api.conf': text }), 'glance-api.conf');
	return loadConfig({ env: { HOME: '/home/someone', ...env }, flags: { glanceConfig: path } });
}

/** On loopback, without Keystone: the least that starts. */
const PIPELINE = '[paste_deploy]\nflavor = keystone\n';
const lone = (text = '', env: Readonly<Record<string, string>> = {}) => load(`[DEFAULT]\nbind_host = 127.0.0.1\n${text}`, env);

/** Without the places, which have tests of their own. */
function plain({ specs, ...rest }: Config['stores']): object {
	return { specs: specs.map(({ from: _, ...spec }) => spec), ...rest };
}

const file = (id: string, dir: string) => ({ id, type: 'file', options: { filesystem_store_datadir: dir } });

function refusal(act: () => unknown): string {
	try {
		act();
	} catch (error) {
		assert.ok(error instanceof ConfigError, String(error));
		assert.ok(!error.message.includes('\n') && !error.message.includes('hush'), error.message);
		return error.message.replaceAll(`${root}/`, '').replace(/^case-\w+\//, '');
	}
	return assert.fail('nothing was refused');
}

function fates(text: string, env: Readonly<Record<string, string>> = {}): (ref: string) => Pick<FoundOption, 'fate' | 'became'> {
	const path = join(written({ 'glance-api.conf': text }), 'glance-api.conf');
	const { glanceOptions = [] } = inspectConfig({ env: { HOME: '/', ...env }, flags: { glanceConfig: path } });
	return (ref) => {
		const { fate, became } = glanceOptions.find(({ group, option }) => `${group}.${option}` === ref) ?? assert.fail(ref);
		return { fate, became };
	};
}

describe("a Glance operator's own file", () => {
	test('a file that says next to nothing means what it means to Glance', () => {
		const config = lone();
		assert.deepEqual(config.listen, { host: '127.0.0.1', port: 9292 });
		assert.equal(config.auth.mode, 'none');
		assert.equal(config.logLevel, 'info');
		assert.deepEqual(plain(config.stores), {
			specs: [file('file', '/var/lib/glance/images'), { id: 'http', type: 'http', options: {} }],
			multi: false,
			byDefault: 'file',
		});
		assert.equal(config.quota.overshoot, 'one');
		assert.equal(config.notifications.log, false);
		assert.ok(config.policy.enforceNewDefaults && config.policy.enforceScope);
	});

	test('a development cloud', () => {
		const config = load(DEVELOPMENT);
		assert.deepEqual(config.listen, { host: '127.0.0.1', port: 19292 });
		assert.equal(config.auth.mode, 'keystone');
		assert.equal(config.keystone?.credential.kind, 'password');
		assert.deepEqual(plain(config.stores), {
			specs: [
				file('fast', '/srv/fast'),
				file('slow', '/srv/slow'),
				{ id: 'web', type: 'http', description: 'read only', options: {} },
			],
			multi: true,
			byDefault: 'fast',
		});
		assert.deepEqual(config.cache, { maxBytes: 20 * 1024 ** 3, stallMs: 86_400_000 });
		assert.deepEqual(config.quota.unifiedLimits, { endpointId: 'e1' }, 'the same user needs no second credential');
		assert.ok(!config.policy.enforceNewDefaults && !config.policy.enforceScope);
		assert.ok(config.api.showMultipleLocations);
	});

	test('every option that Glance knows is known', () => {
		const { glanceOptions = [], config } = inspectConfig({ env: { HOME: '/' }, flags: { glanceConfig: EVERY_OPTION } });
		assert.deepEqual(
			glanceOptions.filter(({ fate }) => fate === 'unknown'),
			[],
		);
		assert.ok(glanceOptions.every(({ became }) => became !== ''));
		assert.deepEqual(config.keystone, {
			url: 'http://keystone.internal:5000',
			publicUrl: 'https://keystone.example.org:5000',
			credential: {
				kind: 'password',
				username: { name: 'glance' },
				password: 's3cret$word',
				userDomain: { name: 'Default' },
				project: { name: 'service' },
				projectDomain: { name: 'Default' },
			},
			region: 'RegionOne',
			tokenCacheMs: 300_000,
			timeoutMs: 5000,
			serviceTokenRoles: ['service'],
			serviceTokenRolesRequired: true,
			serviceType: 'image',
			caFile: '/etc/ssl/keystone.pem',
			insecure: false,
		});
		assert.ok(config.quota.unifiedLimits?.credential?.kind === 'password');
		assert.deepEqual(config.quota.unifiedLimits.credential.username, { name: 'limit-reader' });
	});

	test('no password is in the account of it', () => {
		const { glanceOptions } = inspectConfig({ env: { HOME: '/' }, flags: { glanceConfig: EVERY_OPTION } });
		assert.doesNotMatch(JSON.stringify(glanceOptions), /s3cret|reader-pw|notify:pw|glance:pw/);
	});
});

describe('import plugins', () => {
	test("Glance's plugins and their options are Sundog's", () => {
		const { imports } = lone(
			[
				'[image_import_opts]\nimage_import_plugins = ["image_decompression", image_conversion]',
				'[image_conversion]\noutput_format = vmdk',
				'[inject_metadata_properties]\ninject = origin:imported,url:http://h:1\nignore_user_roles = admin,builder\n',
			].join('\n'),
		);
		assert.deepEqual(imports.plugins, ['image_decompression', 'image_conversion']);
		assert.equal(imports.conversionFormat, 'vmdk');
		assert.deepEqual(imports.inject, { origin: 'imported', url: 'http://h:1' });
		assert.deepEqual(imports.injectIgnoreRoles, ['admin', 'builder']);
	});

	test('none stays none, and one that is not here is not passed over', () => {
		const text = (plugins: string) => `[image_import_opts]\nimage_import_plugins = ${plugins}\n`;
		assert.deepEqual(lone(text('[]')).imports.plugins, []);
		assert.match(
			refusal(() => lone(text('[scan]'))),
			/^glance-api\.conf:4: \[image_import_opts\] image_import_plugins: "scan" is none of/,
		);
		assert.equal(
			fates(`[DEFAULT]\nbind_host = 127.0.0.1\n${text('[no_op]')}`)('image_import_opts.image_import_plugins').fate,
			'honoured',
		);
	});
});

describe('precedence', () => {
	test("Glance's file, then Sundog's, then variables, then flags, setting by setting", () => {
		const folder = written({
			'glance-api.conf':
				'[DEFAULT]\nbind_host = 127.0.0.1\nimage_tag_quota = 1\nimage_member_quota = 1\nimage_property_quota = 1\n',
			'sundog.yaml': 'quota: { image_tags: 2, image_members: 2, image_properties: 2 }\n',
		});
		const config = loadConfig({
			env: {
				HOME: '/',
				SUNDOG_GLANCE_CONFIG: join(folder, 'glance-api.conf'),
				SUNDOG_QUOTA_IMAGE_MEMBERS: '3',
				SUNDOG_QUOTA_IMAGE_PROPERTIES: '3',
			},
			flags: { config: join(folder, 'sundog.yaml'), quotaImageProperties: '4' },
		});
		const { imageTags, imageMembers, imageProperties } = config.quota;
		assert.deepEqual([imageTags, imageMembers, imageProperties], [2, 3, 4]);
	});

	test('an operator is told what was overruled', () => {
		const fate = fates('[DEFAULT]\nbind_host = 127.0.0.1\nimage_tag_quota = 1\n', { SUNDOG_QUOTA_IMAGE_TAGS: '5' });
		assert.equal(fate('DEFAULT.image_tag_quota').became, 'quota.image_tags = 1 overruled by SUNDOG_QUOTA_IMAGE_TAGS');
	});

	test('several files and folders of them, the later the stronger', () => {
		const folder = written({
			'a.conf': '[DEFAULT]\nbind_host = 127.0.0.1\nbind_port = 1\nimage_tag_quota = 1\n',
			'more/20.conf': '[DEFAULT]\nbind_port = 3\n',
			'more/10.conf': '[DEFAULT]\nbind_port = 2\n',
			'more/ignored.txt': 'not a file of options',
		});
		const config = loadConfig({ env: { HOME: '/', SUNDOG_GLANCE_CONFIG: 'a.conf, more' }, cwd: folder });
		assert.equal(config.listen.port, 3);
		assert.equal(config.quota.imageTags, 1);
	});
});

describe('who may use it', () => {
	const MODES: Readonly<Record<string, string>> = {
		keystone: 'keystone',
		'keystone+caching': 'keystone',
		caching: 'none',
		'': 'none',
	};
	for (const [flavor, mode] of Object.entries(MODES))
		test(`flavor "${flavor}" is ${mode}${flavor.includes('cach') ? ', with the cache' : ''}`, () => {
			const config = load(`${DEVELOPMENT}[paste_deploy]\nflavor = ${flavor}\n`);
			assert.equal(config.auth.mode, mode);
			assert.equal(config.cache !== undefined, flavor.includes('cach'));
		});

	test('identity headers are believed only of named proxies', () => {
		const text = '[paste_deploy]\nflavor = trusted-auth\n';
		assert.match(
			refusal(() => load(text)),
			/^glance-api\.conf:2: \[paste_deploy\] flavor: "proxy" needs SUNDOG_TRUSTED_PROXIES/,
		);
		assert.equal(load(text, { SUNDOG_TRUSTED_PROXIES: '10.0.0.1' }).auth.mode, 'proxy');
	});

	test('no authentication on an open address is refused as ever', () => {
		assert.match(
			refusal(() => load('[DEFAULT]\ndebug = false\n')),
			/^glance-api\.conf: \[paste_deploy\] flavor: "none" is refused because 0\.0\.0\.0:9292 can be reached from outside/,
		);
		assert.equal(load('[DEFAULT]\ndebug = false\n', { SUNDOG_AUTH: 'token' }).auth.mode, 'token');
	});

	test('an unknown flavor is not guessed at', () => {
		assert.match(
			refusal(() => lone('[paste_deploy]\nflavor = custom\n')),
			/^glance-api\.conf:4: \[paste_deploy\] flavor: a flavor of Glance is needed/,
		);
	});

	test('a credential by ids, in a section of its own', () => {
		const text = `${PIPELINE}[keystone_authtoken]\nauth_section = Own\n[own]\nauth_url = http://k/v3\nuser_id = u\npassword = hush\nproject_id = p\ndefault_domain_id = d\n`;
		const credential = lone(text).keystone?.credential;
		assert.deepEqual(credential, {
			kind: 'password',
			username: { id: 'u' },
			password: 'hush',
			userDomain: { id: 'd' },
			project: { id: 'p' },
			projectDomain: { id: 'd' },
		});
	});

	test('an application credential', () => {
		const text = `${PIPELINE}[keystone_authtoken]\nauth_type = v3applicationcredential\nauth_url = http://k\napplication_credential_id = id\napplication_credential_secret = hush\n`;
		assert.deepEqual(lone(text).keystone?.credential, { kind: 'application-credential', id: 'id', secret: 'hush' });
	});

	test('another way to authenticate leaves the credential to the environment', () => {
		const text = `${PIPELINE}[keystone_authtoken]\nauth_type = v3kerberos\nauth_url = http://k\nusername = glance\npassword = hush\n`;
		assert.match(
			refusal(() => lone(text)),
			/^glance-api\.conf:7: \[keystone_authtoken\] auth_url: a credential is missing/,
		);
		const env = { SUNDOG_KEYSTONE_USERNAME: 'u', SUNDOG_KEYSTONE_PASSWORD: 'p' };
		assert.equal(lone(text, env).keystone?.credential.kind, 'password');
	});

	test("Debian's file as it is installed says no more than that somebody must decide who may use it", () => {
		const text = '[keystone_authtoken]\nauth_url = http://localhost:5000\nusername = glance\n[paste_deploy]\n';
		assert.match(
			refusal(() => load(text)),
			/\[paste_deploy\] flavor: "none" is refused/,
		);
		assert.equal(load(text, { SUNDOG_AUTH: 'token' }).keystone, undefined);
	});

	test('older names count', () => {
		const text = `${PIPELINE}[keystone_authtoken]\nauth_uri = http://public:5000/v3\nauth_url = http://k\nuser_name = glance\npassword = hush\ntenant_name = admins\nauth_plugin = password\n`;
		const { keystone } = lone(text);
		assert.equal(keystone?.publicUrl, 'http://public:5000');
		assert.deepEqual(keystone?.credential.kind === 'password' && keystone.credential.project, { name: 'admins' });
	});
});

describe('rules', () => {
	const files = { 'policy.yaml': '', 'policy.d/x.yaml': '', 'schema-image.json': '{}', 'protections.conf': '' };
	const settingsOf = (text: string, beside: Readonly<Record<string, string>>, system: readonly string[] = []) => {
		const folder = written({ 'glance-api.conf': text, ...beside });
		const { settings } = readGlanceConfig(join(folder, 'glance-api.conf'), '/', system);
		return (name: SettingName) => settings.get(name)?.texts.map((path) => path.replace(folder, ''));
	};

	test('files of rules are found beside the configuration', () => {
		const setting = settingsOf('[DEFAULT]\nproperty_protection_file = protections.conf\n', files);
		assert.deepEqual(setting('policyFile'), ['/policy.yaml']);
		assert.deepEqual(setting('policyDirs'), ['/policy.d']);
		assert.deepEqual(setting('apiSchemaFile'), ['/schema-image.json']);
		assert.deepEqual(setting('propertyProtectionFile'), ['/protections.conf']);
	});

	test('else where Glance looks too, else they are not there', () => {
		const system = written(files);
		assert.deepEqual(settingsOf('', {}, [system])('policyFile'), [`${system}/policy.yaml`]);
		assert.equal(settingsOf('', {})('policyFile'), undefined);
		assert.equal(settingsOf('', {})('policyDirs'), undefined);
	});

	test('one that is named stays named, so that its absence is noticed', () => {
		assert.deepEqual(settingsOf('[oslo_policy]\npolicy_file = rules.yaml\n', {})('policyFile'), ['/rules.yaml']);
		assert.deepEqual(settingsOf('[oslo_policy]\npolicy_dirs = a\npolicy_dirs = /b\n', {})('policyDirs'), ['/a', '/b']);
	});

	test('two switches that differ are refused, as Glance does', () => {
		assert.match(
			refusal(() => lone('enforce_secure_rbac = true\n[oslo_policy]\nenforce_new_defaults = false\n')),
			/enforce_secure_rbac: it must be what \[oslo_policy\] enforce_new_defaults is, false$/,
		);
		assert.equal(lone('enforce_secure_rbac = false\n').policy.enforceNewDefaults, false);
	});
});

describe('notifications', () => {
	const MESSAGING = '[oslo_messaging_notifications]\ndriver = messagingv2\n';

	test('its own transport, else the one of everything, else a broker on this machine', () => {
		assert.equal(
			lone(`transport_url = rabbit://a\n${MESSAGING}transport_url = rabbit://b\n`).notifications.amqp?.url,
			'rabbit://b',
		);
		assert.equal(lone(`transport_url = rabbit://a\n${MESSAGING}`).notifications.amqp?.url, 'rabbit://a');
		assert.deepEqual(lone(MESSAGING).notifications.amqp, {
			url: 'rabbit://guest:guest@localhost:5672/',
			topics: ['notifications'],
			exchange: 'glance',
		});
	});

	test('TLS and durability travel in the URL', () => {
		const text = `${MESSAGING}transport_url = rabbit://b/v?x=y\n[oslo_messaging_rabbit]\nrabbit_use_ssl = true\nssl_ca_file = /a b\namqp_durable_queues = false\n`;
		assert.equal(lone(text).notifications.amqp?.url, 'rabbit://b/v?x=y&ssl=true&ssl_ca_file=%2Fa%20b&amqp_durable_queues=false');
	});

	test('what cannot be delivered is refused, not lost', () => {
		assert.match(
			refusal(() => lone(`${MESSAGING}transport_url = kafka://glance:hush@b\n`)),
			/transport_url: only rabbit:\/\/ is spoken/,
		);
		assert.match(
			refusal(() => lone('[oslo_messaging_notifications]\ndriver = routing\n')),
			/driver: "routing" is none of/,
		);
	});
});

describe('stores', () => {
	const only = '[glance_store]\nstores = file\n';
	const options = (text: string) => lone(text).stores.specs.map(({ options }) => options);

	test('one of each type: called by it, with what [glance_store] says, and without a choice for clients', () => {
		assert.deepEqual(options(`${only}filesystem_store_datadir = /srv/a\n`), [{ filesystem_store_datadir: '/srv/a' }]);
		const several = `${only}filesystem_store_datadirs = /srv/a:100\nfilesystem_store_datadirs = /srv/b:200\n`;
		assert.deepEqual(options(several), [{ filesystem_store_datadirs: ['/srv/a:100', '/srv/b:200'] }]);
		assert.match(
			refusal(() => lone(`${several}filesystem_store_datadir = /srv/a\n`)),
			/cannot stand beside filesystem_store_datadir$/,
		);
		const swift =
			'[glance_store]\nstores = https,swift+https\ndefault_store = swift\nswift_store_container = c\nrbd_store_pool = p\n';
		assert.deepEqual(plain(lone(swift).stores), {
			specs: [
				{ id: 'http', type: 'http', options: {} },
				{ id: 'swift', type: 'swift', options: { swift_store_container: 'c' } },
			],
			multi: false,
			byDefault: 'swift',
		});
		assert.match(
			refusal(() => lone('[glance_store]\nstores = http\n')),
			/^glance-api\.conf:4: \[glance_store\] stores: the default store "file" is not in \[glance_store\] stores$/,
		);
	});

	test('several: what each says, else what [backend_defaults] says, as a driver reads it', () => {
		const text = `enabled_backends = Fast:rbd, s:swift, web:http, disk:file
[glance_store]
default_backend = Fast
rbd_store_pool = not-this
[backend_defaults]
rbd_store_pool = shared
rbd_store_user = glance
swift_store_container = shared
filesystem_store_datadirs = /srv/a:1
[Fast]
rbd_store_pool = fast
rbd_thin_provisioning = Yes
rbd_store_chunk_size = 4
weight = -3
store_description = Quick
[s]
swift_store_admin_tenants = a, b
[web]
http_proxy_information = http:10.0.0.1:3128
[disk]
filesystem_store_datadir = /srv/d
`;
		assert.deepEqual(plain(lone(text).stores), {
			specs: [
				{
					id: 'Fast',
					type: 'rbd',
					description: 'Quick',
					weight: -3,
					options: { rbd_store_chunk_size: '4', rbd_store_pool: 'fast', rbd_store_user: 'glance', rbd_thin_provisioning: 'true' },
				},
				{ id: 's', type: 'swift', options: { swift_store_container: 'shared', swift_store_admin_tenants: ['a', 'b'] } },
				{ id: 'web', type: 'http', options: { http_proxy_information: 'http:10.0.0.1:3128' } },
				file('disk', '/srv/d'),
			],
			multi: true,
			byDefault: 'Fast',
		});
	});

	test('without enabled_backends there is no choice of stores until they are named here', () => {
		assert.equal(lone(only, { SUNDOG_STORE_FILE_WEIGHT: '3' }).stores.multi, false);
		assert.equal(lone(only, { SUNDOG_STORES: 'more:memory' }).stores.multi, true);
	});

	test('a secret of a store is not in the account, and what overrules it is', () => {
		const text =
			'[DEFAULT]\nbind_host = 127.0.0.1\nenabled_backends = s:s3\n[glance_store]\ndefault_backend = s\n' +
			'[s]\ns3_store_host = http://me:hush@h\ns3_store_secret_key = hush\ns3_store_bucket = b\n';
		const fate = fates(text, { SUNDOG_STORE_S_S3_STORE_BUCKET: 'c' });
		assert.equal(fate('s.s3_store_secret_key').became, 'stores.s.s3_store_secret_key = (set)');
		assert.equal(fate('s.s3_store_host').became, 'stores.s.s3_store_host = http://(set)@h');
		assert.equal(fate('s.s3_store_bucket').became, 'stores.s.s3_store_bucket = b overruled by SUNDOG_STORE_S_S3_STORE_BUCKET');
	});

	test('a default store that is missing or unknown is refused, as Glance does', () => {
		assert.match(
			refusal(() => lone('enabled_backends = a:file\n')),
			/enabled_backends: \[glance_store\] default_backend must name one of the stores$/,
		);
		assert.match(
			refusal(() => lone('enabled_backends = a:file\n[glance_store]\ndefault_backend = b\n')),
			/default_backend: "b" is not in enabled_backends$/,
		);
	});
});

describe('values', () => {
	const cases: readonly [line: string, path: readonly string[], expected: unknown][] = [
		['user_storage_quota = 10GB', ['quota', 'userStorage'], 10 * 1024 ** 3],
		['user_storage_quota = 7', ['quota', 'userStorage'], 7],
		['image_size_cap = 9223372036854775807', ['quota', 'imageSizeCap'], Number.MAX_SAFE_INTEGER],
		['image_tag_quota = -5', ['quota', 'imageTags'], -1],
		['api_limit_max = 10', ['api', 'defaultLimit'], 10],
		['public_endpoint = https://image.example.org/', ['api', 'publicEndpoint'], 'https://image.example.org'],
		['disk_formats = raw, qcow2', ['api', 'diskFormats'], ['raw', 'qcow2']],
		['disabled_notifications = image.send, task', ['notifications', 'disabled'], ['image.send', 'task']],
		['debug = on', ['logLevel'], 'debug'],
		[
			`${PIPELINE}[keystone_authtoken]\ntoken_cache_time = -1\nauth_url = http://k\nusername = a\npassword = b`,
			['keystone', 'tokenCacheMs'],
			0,
		],
		['enabled_import_methods = [web-download,"glance-download"]', ['imports', 'methods'], ['web-download', 'glance-download']],
		['enabled_import_methods = []', ['imports', 'methods'], []],
		['[image_import_opts]\nmax_parallel_stores = 3', ['imports', 'parallelStores'], 3],
		['[glance_download_properties]\nextra_properties = [hw_, "x"]', ['imports', 'extraProperties'], ['hw_', 'x']],
		['[healthcheck]\ndisable_by_file_path = /off', ['api', 'healthDisableFile'], '/off'],
		['[healthcheck]\ndisable_by_file_path = /off\nbackends = other', ['api', 'healthDisableFile'], undefined],
		['[cors]\nallowed_origin = https://a.example.org', ['api', 'cors', 'credentials'], true],
	];
	for (const [line, path, expected] of cases)
		test(`${line.replaceAll('\n', ' ⏎ ')} → ${path.join('.')}`, () => {
			const value = path.reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], lone(`${line}\n`));
			assert.deepEqual(value, expected);
		});

	const wrong: readonly [line: string, message: RegExp][] = [
		['image_tag_quota = many', /^glance-api\.conf:3: \[DEFAULT\] image_tag_quota: a whole number is needed$/],
		['workers = -1', /\[DEFAULT\] workers: a whole number of at least 0 is needed$/],
		['user_storage_quota = 10 GB', /user_storage_quota: a size such as 10GB is needed$/],
		['enabled_import_methods = glance-direct', /enabled_import_methods: a list in brackets is needed/],
		['hashing_algorithm = md5', /^glance-api\.conf:3: \[DEFAULT\] hashing_algorithm: "md5" is none of sha512/],
		['show_image_direct_url = perhaps', /show_image_direct_url: a truth is needed/],
	];
	for (const [line, message] of wrong)
		test(`${line} is refused, and placed`, () =>
			assert.match(
				refusal(() => lone(`${line}\n`)),
				message,
			));
});

describe('the key manager', () => {
	const KEYSTONE = `[paste_deploy]
flavor = keystone
[keystone_authtoken]
auth_url = http://k
username = glance
password = hush
`;

	test('[key_manager] and [barbican] say which it is, and where', () => {
		const unsaid = { interface: 'public', timeoutMs: 10_000, insecure: false, serviceToken: false };
		assert.deepEqual(lone(KEYSTONE).barbican, unsaid);
		assert.equal(lone().barbican, undefined);
		const said = `${KEYSTONE}[key_manager]
backend = castellan.key_manager.barbican_key_manager.BarbicanKeyManager
[barbican]
barbican_endpoint = http://b/v1
barbican_endpoint_type = internal
barbican_region_name = R
verify_ssl = false
verify_ssl_path = /ca.pem
send_service_user_token = true
`;
		assert.deepEqual(lone(said).barbican, {
			url: 'http://b',
			interface: 'internal',
			region: 'R',
			timeoutMs: 10_000,
			caFile: '/ca.pem',
			insecure: true,
			serviceToken: true,
		});
		assert.equal(lone(`${KEYSTONE}[key_manager]\nbackend = vault\n`).barbican, undefined);
	});
});

describe('the account', () => {
	test('says of each option what became of it', () => {
		const fate = fates(`${DEVELOPMENT}[DEFAULT]\nbind_hosts = x\nbind_port = 1\n[keystone_auth_token]\nx = y\n[zebra]\nx = y\n`);
		assert.deepEqual(fate('DEFAULT.bind_host'), { fate: 'honoured', became: 'listen = 127.0.0.1:1' });
		assert.deepEqual(fate('DEFAULT.workers').fate, 'meaningless');
		assert.deepEqual(fate('slow.filesystem_store_datadir'), {
			fate: 'honoured',
			became: 'stores.slow.filesystem_store_datadir = /srv/slow',
		});
		assert.equal(
			fate('DEFAULT.enabled_backends').became,
			'stores.fast.type = file, stores.slow.type = file, stores.web.type = http',
		);
		assert.equal(fate('glance_store.default_backend').became, 'default_store = fast');
		assert.equal(fate('os_glance_staging_store.filesystem_store_datadir').fate, 'meaningless');
		assert.match(fate('DEFAULT.bind_port').became, /^replaced by .*glance-api\.conf:\d+$/);
		assert.deepEqual(fate('DEFAULT.bind_hosts'), { fate: 'unknown', became: 'no option of Glance; did you mean bind_host?' });
		assert.deepEqual(fate('keystone_auth_token.x'), {
			fate: 'unknown',
			became: 'no group of Glance; did you mean [keystone_authtoken]?',
		});
		assert.deepEqual(fate('zebra.x'), { fate: 'unknown', became: 'no group of Glance' });
		assert.deepEqual(fate('keystone_authtoken.password'), { fate: 'honoured', became: 'keystone.password = (set)' });
	});

	test('a start warns of what has no effect', () => {
		const folder = written({ 'glance-api.conf': `${DEVELOPMENT}[DEFAULT]\nbind_hosts = x\n` });
		const lines: string[] = [];
		loadConfig({ env: { HOME: '/' }, cwd: folder, flags: { glanceConfig: 'glance-api.conf' }, warn: (line) => lines.push(line) });
		assert.deepEqual(lines, [
			'glance-api.conf:41: [DEFAULT] bind_hosts has no effect: no option of Glance; did you mean bind_host?',
		]);
	});
});

describe('files that are wrong', () => {
	test('missing, too large, not text, endless', () => {
		const folder = written({ 'large.conf': `#${' '.repeat(1024 ** 2)}` });
		writeFileSync(join(folder, 'binary.conf'), Uint8Array.of(0xff, 0xfe));
		const read = (name: string) => refusal(() => loadConfig({ env: { HOME: '/' }, cwd: folder, flags: { glanceConfig: name } }));
		assert.match(read('nowhere.conf'), /^nowhere\.conf cannot be read: ENOENT/);
		assert.match(read('large.conf'), /^large\.conf cannot be read: it is larger than 1 MiB$/);
		assert.match(read('binary.conf'), /^binary\.conf cannot be read: /);
		assert.match(read('/dev/zero'), /^\/dev\/zero cannot be read: it is larger than 1 MiB$/);
		assert.match(read('a.conf,,b.conf'), /is not a list of files$/);
	});
});
