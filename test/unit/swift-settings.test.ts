import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseReferenceFile } from '#store/drivers/swift/reference-file.ts';
import { readSettings } from '#store/drivers/swift/settings.ts';
import { swift } from '#store/drivers/swift.ts';
import { OptionError, type StoreOptions } from '#store/options.ts';
import { temporaryDir } from '../support/temporary-dir.ts';

const LOGIN = { swift_store_auth_address: 'https://keystone/v3/', swift_store_user: 'service:glance', swift_store_key: 'k3y' };

test("the options' defaults are Glance's", () => {
	const settings = readSettings(LOGIN);
	assert.equal(settings.container, 'glance');
	assert.equal(settings.largeObjectBytes, 5120 * 1_024_000);
	assert.equal(settings.segmentBytes, 200 * 1_024_000);
	assert.equal(settings.renewAheadMs, 60_000);
	assert.equal(settings.endpointInterface, 'public');
	assert.equal(settings.serviceType, 'object-store');
	assert.deepEqual([settings.createContainer, settings.multiTenant, settings.insecure, settings.seed], [false, false, false, 0]);
	assert.deepEqual(settings.reference, {
		name: 'ref1',
		authAddress: 'https://keystone/v3',
		login: {
			kind: 'keystone',
			auth: {
				identity: {
					methods: ['password'],
					password: { user: { name: 'glance', domain: { id: 'default' }, password: 'k3y' } },
				},
				scope: { project: { name: 'service', domain: { id: 'default' } } },
			},
		},
	});
	assert.deepEqual(swift.properties(LOGIN), {
		container: 'glance',
		large_object_size: 5_242_880_000,
		large_object_chunk_size: 204_800_000,
	});
});

test('what cannot be is refused by its name, and no secret is told', () => {
	const cases: readonly (readonly [StoreOptions, RegExp])[] = [
		[{}, /swift_store_auth_address is needed/],
		[{ ...LOGIN, swift_store_key: '' }, /swift_store_key is needed/],
		[{ ...LOGIN, swift_store_user: 'k3y' }, /swift_store_user is "project:user"/],
		[{ ...LOGIN, swift_store_auth_address: 'ftp://k3y' }, /swift_store_auth_address is no http/],
		[{ ...LOGIN, swift_store_auth_address: 'https://u:k3y@x' }, /swift_store_auth_address is no http/],
		[{ ...LOGIN, swift_store_large_object_size: '100' }, /swift_store_large_object_chunk_size/],
		[{ ...LOGIN, swift_store_multiple_containers_seed: '33' }, /seed/],
		[{ ...LOGIN, swift_store_container: 'a/b' }, /swift_store_container/],
		[{ ...LOGIN, swift_store_application_credential_id: 'x' }, /application_credential_secret is needed/],
		[{ ...LOGIN, swift_store_config_file: '/nowhere' }, /swift_store_config_file: ENOENT/],
		[{ ...LOGIN, swift_store_multi_tenant: 'yes', swift_store_config_file: '/nowhere' }, /exclude each other/],
		[{ ...LOGIN, swift_store_containers: 'x' }, /no option swift_store_containers/],
	];
	for (const [options, why] of cases)
		assert.throws(
			() => swift.check(options),
			(error: unknown) => {
				assert.ok(error instanceof OptionError && why.test(error.message), String(error));
				return !/k3y/.test(error.message);
			},
		);
});

test('a file of references is read as Glance reads it', async () => {
	await using dir = await temporaryDir();
	const file = join(dir.path, 'glance-swift.conf');
	const content = [
		'; accounts',
		'[DEFAULT]',
		'auth_address = keystone:5000/v3',
		'[old]',
		'User: service:glance',
		'key = "a = b%%"',
		'user_domain_name = people',
		'auth_version = 2',
		'[own]',
		"user = 'test:tester'",
		'key = testing',
		'auth_version = 1',
		'auth_address = http://swift:8080/auth/v1.0',
		'[credential]',
		'application_credential_id = 1',
		'application_credential_secret = 2',
	];
	await writeFile(file, content.join('\n'));
	const { references, reference } = readSettings({ swift_store_config_file: file, default_swift_reference: 'own' });
	assert.deepEqual([...references.keys()], ['old', 'own', 'credential']);
	assert.deepEqual(reference, {
		name: 'own',
		authAddress: 'http://swift:8080/auth/v1.0',
		login: { kind: 'tempauth', user: 'test:tester', key: 'testing' },
	});
	const { authAddress, login } = references.get('old') ?? assert.fail();
	assert.equal(authAddress, 'https://keystone:5000/v3');
	assert.match(JSON.stringify(login), /"domain":\{"name":"people"\},"password":"a = b%"/);
	assert.match(JSON.stringify(references.get('credential')), /"application_credential":\{"id":"1","secret":"2"\}/);
	assert.throws(() => readSettings({ swift_store_config_file: file }), /the file has no section ref1/);
});

test('a line that is none is told by its number, never by its text', () => {
	for (const [line, why] of [
		['s3cret', /neither/],
		['key = "s3cret', /quote is not closed/],
		['key = s3cret%', /percent/],
		['key = a\nkey = s3cret', /line 3: key is given twice/],
		['[a]', /twice/],
		[' key = s3cret', /neither/],
	] as const)
		assert.throws(
			() => parseReferenceFile(`[a]\n${line}`),
			(error: unknown) => {
				assert.ok(error instanceof OptionError && why.test(error.message), String(error));
				return !error.message.includes('s3cret');
			},
		);
	assert.throws(() => parseReferenceFile('key = s3cret'), /before the first section/);
});
