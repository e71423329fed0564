/** Stores as the file and the environment name them. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type Config, ConfigError } from '#config/config.ts';
import { describeConfig } from '#config/describe.ts';
import { loadConfig } from '#config/load.ts';
import { checkConfiguredStores, storeSpecs } from '../../src/open-stores.ts';

const root = mkdtempSync(join(tmpdir(), 'sundog-stores-config-'));
after(() => rmSync(root, { recursive: true }));

type Env = Readonly<Record<string, string>>;

function load(text: string, env: Env = {}, warn?: (line: string) => void): Config {
	const path = join(root, 'sundog.yaml');
	writeFileSync(path, text);
	return loadConfig({ env: { HOME: root, SUNDOG_CONFIG: path, ...env }, cwd: root, ...(warn && { warn }) });
}

function refusal(act: () => unknown): string {
	try {
		act();
	} catch (error) {
		assert.ok(error instanceof ConfigError, String(error));
		assert.doesNotMatch(error.message, /hush|\n/);
		return error.message;
	}
	return assert.fail('nothing was refused');
}

const TWO = `stores:
  fast: { type: rbd, rbd_store_pool: images, weight: 10, description: SSD, rbd_thin_provisioning: yes }
  cheap:
    type: s3
    s3_store_access_key: 0012
    s3_store_secret_key: hush
    s3_store_host: [a, 'b,c']
    read_only: true
default_store: fast
`;

describe('stores in the file', () => {
	test('are as they are written, and in their order', () => {
		assert.deepEqual(load(TWO).stores, {
			specs: [
				{
					id: 'fast',
					from: 'sundog.yaml:2:11',
					type: 'rbd',
					description: 'SSD',
					weight: 10,
					options: { rbd_store_pool: 'images', rbd_thin_provisioning: 'yes' },
				},
				{
					id: 'cheap',
					from: 'sundog.yaml:4:5',
					type: 's3',
					readOnly: true,
					options: { s3_store_access_key: '0012', s3_store_secret_key: 'hush', s3_store_host: ['a', 'b,c'] },
				},
			],
			multi: true,
			byDefault: 'fast',
		});
	});

	test('secrets are never described, nor credentials in addresses', () => {
		const text = JSON.stringify(describeConfig(load(`${TWO}`, { SUNDOG_STORE_FAST_X: 'https://me:hush@host/x' })));
		assert.doesNotMatch(text, /hush|0012/);
		assert.match(text, /"s3_store_secret_key":"\(set\)"/);
		assert.match(text, /https:\/\/\(set\)@host/);
	});

	test('a secret can be in a file of its own, beside the settings', () => {
		writeFileSync(join(root, 'key'), 'hush\n');
		const text = 'stores: { c: { type: s3, s3_store_secret_key_file: key, swift_store_config_file: key } }\n';
		assert.deepEqual(load(text).stores.specs[0]?.options, { s3_store_secret_key: 'hush', swift_store_config_file: 'key' });
		assert.match(
			refusal(() => load(text.replace('swift_store_config_file', 's3_store_secret_key'))),
			/^sundog\.yaml:1:26: s3_store_secret_key is given beside its file$/,
		);
		writeFileSync(join(root, 'key'), '\n');
		assert.match(
			refusal(() => load(text)),
			/^sundog\.yaml:1:26: key must hold 1 to 4096 characters$/,
		);
		rmSync(join(root, 'key'));
		assert.match(
			refusal(() => load(text)),
			/^sundog\.yaml:1:26: key cannot be read: ENOENT/,
		);
	});

	const wrong: readonly [text: string, message: string | RegExp][] = [
		[
			'stores: { "a b": { type: file } }',
			'sundog.yaml:1:20: the id of a store has letters, digits, "_", "." and "-", at most 64',
		],
		['stores: { os_glance_x: { type: file } }', /reserved$/],
		['stores: { a: { weight: 1 } }', 'sundog.yaml:1:16: store a has no type, such as file, rbd or s3'],
		['stores: { a: { type: file, weight: heavy } }', /^sundog\.yaml:1:28: "heavy" is not a whole number/],
		['stores: { a: { type: file, read_only: perhaps } }', /^sundog\.yaml:1:28: "perhaps" is neither/],
		['stores: { a: { type: [file, rbd] } }', /one value is needed, not a list$/],
		['stores: { a: { type: file, "x y": 1 } }', 'sundog.yaml:1:28: "x y" is no name of an option'],
		['stores: { a: { type: file, __proto__: 1 } }', /is no name of an option$/],
		['stores: { centre: { type: file } }', /the site has the name centre already$/],
		['stores: { a: { type: file } }\ndefault_store: b', 'sundog.yaml:2:16: "b" is none of the stores'],
		['stores: { file: { type: rbd, dir: /srv } }', /^sundog\.yaml:1:35: store file is of type rbd, by sundog\.yaml:1:19$/],
	];
	for (const [text, message] of wrong)
		test(`${text.replace('\n', ' ⏎ ')} is refused`, () => {
			const said = refusal(() => load(`${text}\n`));
			if (typeof message === 'string') assert.equal(said, message);
			else assert.match(said, message);
		});
});

describe('stores in the environment', () => {
	test('are named, described, and overrule the file option by option', () => {
		const lines: string[] = [];
		const env = {
			SUNDOG_STORES: 'web:http, a-b:s3',
			SUNDOG_DEFAULT_STORE: 'a-b',
			SUNDOG_STORE_A_B_S3_STORE_HOST: 'https://s3',
			SUNDOG_STORE_A_B_READ_ONLY: 'false',
			SUNDOG_STORE_FAST_RBD_STORE_POOL: 'other',
			SUNDOG_STORE_FAST_WEIGHT: '',
			SUNDOG_STORE_SLOW_WEIGHT: '1',
		};
		const { specs, byDefault } = load(TWO, env, (line) => lines.push(line)).stores;
		assert.equal(byDefault, 'a-b');
		assert.deepEqual(
			specs.map(({ id, type, weight, readOnly }) => [id, type, weight, readOnly]),
			[
				['fast', 'rbd', 10, undefined],
				['cheap', 's3', undefined, true],
				['web', 'http', undefined, undefined],
				['a-b', 's3', undefined, false],
			],
		);
		assert.equal(specs[0]?.options.rbd_store_pool, 'other');
		assert.deepEqual(specs[3]?.options, { s3_store_host: 'https://s3' });
		assert.deepEqual(lines, [
			'the variable SUNDOG_STORE_SLOW_WEIGHT is unknown and has no effect; did you mean "SUNDOG_STORE_FAST_WEIGHT"?',
		]);
	});

	test('of two stores the longer name is meant, and of two that look alike neither', () => {
		const weights = load('', { SUNDOG_STORES: 'a:file,a_b:file', SUNDOG_STORE_A_B_WEIGHT: '5' }).stores.specs;
		assert.deepEqual(
			weights.map(({ weight }) => weight),
			[undefined, 5],
		);
		assert.equal(
			refusal(() => load('', { SUNDOG_STORES: 'a-b:file,a_b:file', SUNDOG_STORE_A_B_WEIGHT: '5' })),
			'SUNDOG_STORE_A_B_WEIGHT: it speaks of both a-b and a_b; say it in a file',
		);
		assert.equal(
			refusal(() => load('', { SUNDOG_STORES: 'fast' })),
			'SUNDOG_STORES: "fast" is not a store as id:type',
		);
	});
});

describe('the file store', () => {
	test('its folder alone makes it, whoever names it', () => {
		const expected = (from: string, dir: string) => [
			{ id: 'file', from, type: 'file', options: { filesystem_store_datadir: dir } },
		];
		assert.deepEqual(
			load('', { SUNDOG_STORE_FILE_DIR: 'images' }).stores.specs,
			expected('SUNDOG_STORE_FILE_DIR', `${root}/images`),
		);
		assert.deepEqual(load('stores: { file: { dir: x } }\n').stores.specs, expected('sundog.yaml:1:24', `${root}/x`));
		const beside = load('stores: { file: { type: file, weight: 3 } }\n', { SUNDOG_STORE_FILE_DIR: '/srv' }).stores.specs;
		assert.deepEqual(beside[0]?.options, { filesystem_store_datadir: '/srv' });
		assert.equal(beside[0]?.weight, 3);
		const both = { SUNDOG_STORE_FILE_DIR: '/srv', SUNDOG_STORE_FILE_WEIGHT: '4' };
		assert.equal(load('', both).stores.specs[0]?.weight, 4);
	});

	test('who holds the key of the fleet keeps one unasked, and only then', () => {
		const nothing = load('', { SUNDOG_DATA_DIR: '/data' });
		assert.deepEqual(
			storeSpecs(nothing, true).map(({ id, options }) => [id, options]),
			[['file', { filesystem_store_datadir: '/data/images' }]],
		);
		assert.deepEqual(storeSpecs(nothing, false), []);
		assert.deepEqual(
			storeSpecs(load('stores: { m: { type: memory } }\n'), true).map(({ id }) => id),
			['m'],
		);
	});
});

test('what a driver does not know is refused where it was said', () => {
	const check = (text: string) => refusal(() => checkConfiguredStores(load(text)));
	assert.equal(check('stores: { a: { type: flie } }\n').split(' is none of')[0], 'sundog.yaml:1:16: store a: type flie');
	assert.match(check('stores: { a: { type: s3 } }\n'), /^sundog\.yaml:1:16: store a: option s3_store_\w+ is needed/);
	const readOnly = 'stores: { a: { type: memory, read_only: true } }\ndefault_store: a\n';
	assert.equal(check(readOnly), 'sundog.yaml:1:16: the default store a takes no images');
});
