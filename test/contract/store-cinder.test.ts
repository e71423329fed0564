import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { codeOf } from '#domain/errors.ts';
import { silentLog } from '#lib/log.ts';
import { GiB, MiB } from '#lib/sizes.ts';
import type { StoreDriver } from '#store/driver.ts';
import { createConnections } from '#store/drivers/cinder/connections.ts';
import { cinder } from '#store/drivers/cinder.ts';
import { OptionError, type StoreOptions } from '#store/options.ts';
import { eventually } from '../support/eventually.ts';
import { leaveNote } from '../support/half-made.ts';
import { cinderOfFile } from '../support/real-cinder.ts';
import { collect, describeStoreDriver, digestOf, rejectsWith, signal, sourceOf } from '../support/store-driver-suite.ts';
import { temporaryDir } from '../support/temporary-dir.ts';
import { testStore } from '../support/test-store.ts';

const call = { signal };
const { missing, cloud } = await cinderOfFile();

async function openDriver(
	t: TestContext,
	more: StoreOptions = {},
	workDir?: string,
	account?: StoreOptions,
): Promise<StoreDriver> {
	const dir = await temporaryDir();
	t.after(() => dir[Symbol.asyncDispose]());
	const around = { store: 'volumes', log: silentLog, signal, workDir: workDir ?? join(dir.path, 'store') };
	return cinder.open({ ...(account ?? cloud().options), ...more }, around);
}

describeStoreDriver('cinder', { manifest: cinder.manifest, open: (t) => openDriver(t), missing, keysAreNames: false });

describe('store driver: cinder, in particular', { skip: missing }, () => {
	const test = (claim: string, body: (driver: StoreDriver) => Promise<unknown>) =>
		it(claim, async (t) => {
			await using driver = await openDriver(t);
			await body(driver);
		});
	const idOf = (location: string) => location.split('/').at(-1) ?? '';
	const show = async (location: string) => (await cloud().ask('GET', `/volumes/${idOf(location)}`)).json.volume;

	test('keeps an image as Glance does: a read-only volume that says what it is', async (driver) => {
		const key = randomUUID();
		const source = { ...sourceOf(randomBytes(100)), owner: 'somebody' };
		const { location } = await driver.put(key, source, call);
		assert.match(location, /^cinder:\/\/volumes\/[0-9a-f-]{36}$/);
		const volume = await show(location);
		assert.equal(volume.name, `image-${key}`);
		assert.equal(volume.size, 1);
		assert.equal(volume.volume_type, cloud().options.cinder_volume_type);
		assert.deepEqual(volume.metadata, { glance_image_id: key, image_size: '100', image_owner: 'somebody', readonly: 'True' });
		assert.deepEqual([volume.status, volume.attachments], ['available', []]);
	});

	test('makes a volume longer while it is written, when nobody knows the length', async (driver) => {
		const piece = randomBytes(MiB);
		const end = randomBytes(5);
		const source = {
			async *read() {
				for (let sent = 0; sent < GiB; sent += piece.length) yield piece;
				yield end;
			},
		};
		const { location, size } = await driver.put(randomUUID(), source, call);
		assert.equal(size, GiB + end.length);
		assert.equal((await show(location)).size, 2);
		const got = await collect(driver, location, { start: GiB - MiB, end: size });
		assert.equal(digestOf(got), digestOf(Buffer.concat([piece, end])));
		await driver.remove(location, call);
	});

	test('lets any number of readers share one attachment, and detaches after the last', async (driver) => {
		const bytes = randomBytes(3 * MiB);
		const { location } = await driver.put(randomUUID(), sourceOf(bytes), call);
		const all = await Promise.all(Array.from({ length: 5 }, () => collect(driver, location, 'whole')));
		for (const got of all) assert.equal(digestOf(got), digestOf(bytes));
		const { status, attachments } = await show(location);
		assert.deepEqual([status, attachments], ['available', []]);
	});

	test('reads a location without a store, of older times', async (driver) => {
		const { location } = await driver.put(randomUUID(), sourceOf(randomBytes(10)), call);
		const old = `cinder://${idOf(location)}`;
		assert.equal((await driver.stat(old, call)).size, 10);
		await rejectsWith('invalid', driver.stat(`cinder://others/${idOf(location)}`, call));
		await driver.remove(old, call);
		await rejectsWith('not-found', driver.stat(location, call));
	});

	test('refuses to remove a volume that is attached', async (driver) => {
		const { location } = await driver.put(randomUUID(), sourceOf(randomBytes(10)), call);
		const attachment = { volume_uuid: idOf(location), connector: null, mode: 'ro' };
		const { json } = await cloud().ask('POST', '/attachments', { attachment });
		await rejectsWith('conflict', driver.remove(location, call));
		await cloud().ask('DELETE', `/attachments/${json.attachment.id}`);
		await driver.remove(location, call);
	});

	it('says in bounded time that somebody else has the volume', async (t) => {
		await using driver = await openDriver(t, { cinder_attachment_retry_attempts: '2' });
		const { location } = await driver.put(randomUUID(), sourceOf(randomBytes(10)), call);
		const attachment = { volume_uuid: idOf(location), connector: null, mode: 'rw' };
		await cloud().ask('POST', '/attachments', { attachment });
		await rejectsWith('unavailable', collect(driver, location, 'whole'));
	});

	it('removes what a crash has left half made, attached or not, and nothing that is whole', async (t) => {
		const dir = await temporaryDir();
		t.after(() => dir[Symbol.asyncDispose]());
		const [loose, attached, never] = [randomUUID(), randomUUID(), randomUUID()];
		const halves: string[] = [];
		for (const mark of [loose, attached]) {
			const volume = { size: 1, name: 'image-x', volume_type: 'rbd', metadata: { sundog_upload: mark } };
			halves.push((await cloud().ask('POST', '/volumes', { volume })).json.volume.id);
		}
		await using driver = await openDriver(t);
		const { location } = await driver.put(randomUUID(), sourceOf(randomBytes(10)), call);
		await cloud().ask('POST', '/attachments', { attachment: { volume_uuid: halves[1], connector: null, mode: 'rw' } });
		await leaveNote(dir.path, ...[loose, attached, never].map((mark) => ({ mark })));
		await using _ = await openDriver(t, {}, dir.path);
		for (const id of halves) assert.equal((await cloud().ask('GET', `/volumes/${id}`)).status, 404);
		assert.equal((await driver.stat(location, call)).size, 10);
		// Cinder may have been asked for another one a moment ago
		assert.equal((await readdir(dir.path)).length, 3);
		const settled = async () => ((await readdir(dir.path)).length === 0 ? true : undefined);
		await eventually('the notes to be gone', settled, { timeoutMs: 60_000, everyMs: 250 });
	});

	it('leaves no volume, no attachment and no note of an upload that fails', async (t) => {
		const dir = await temporaryDir();
		t.after(() => dir[Symbol.asyncDispose]());
		await using driver = await openDriver(t, {}, dir.path);
		const before = (await cloud().ask('GET', '/volumes')).json.volumes.length;
		await rejectsWith('invalid', driver.put(randomUUID(), { ...sourceOf(randomBytes(10)), size: 11 }, call));
		assert.equal((await cloud().ask('GET', '/volumes')).json.volumes.length, before);
		assert.deepEqual(await readdir(dir.path), []);
	});

	test("says full when the project's quota is used up, in the store's name", async (driver) => {
		const store = testStore('volumes', driver);
		const quota = '/os-quota-sets/{project}';
		const set = async (gigabytes: number) =>
			assert.equal((await cloud().admin('PUT', quota, { quota_set: { gigabytes } })).status, 200);
		// less than what is used Cinder refuses
		await set((await cloud().admin('GET', `${quota}?usage=True`)).json.quota_set.gigabytes.in_use);
		try {
			await assert.rejects(store.put(randomUUID(), sourceOf(randomBytes(10)), call), (error: Error) => {
				assert.equal(codeOf(error), 'full');
				assert.match(error.message, /^store volumes: .*quota/);
				return true;
			});
		} finally {
			await set(1000);
		}
	});

	it('speaks by an application credential, and at an address that is given', async (t) => {
		const { id, secret } = await cloud().applicationCredential();
		const { cinder_store_auth_address = '', cinder_volume_type = '', cinder_rbd_ceph_conf = '' } = cloud().options;
		const options: StoreOptions = {
			cinder_store_auth_address,
			cinder_volume_type,
			cinder_rbd_ceph_conf,
			cinder_store_application_credential_id: id,
			cinder_store_application_credential_secret: secret,
		};
		await using driver = await openDriver(t, {}, undefined, options);
		await driver.check(call);
		await assert.rejects(
			openDriver(t, { cinder_endpoint_template: 'http://127.0.0.1:1/v3/%(project_id)s', cinder_http_retries: '0' }),
			(error) => codeOf(error) === 'unavailable',
		);
	});

	it('says what is wrong with its settings', async (t) => {
		const cases = [
			[{ cinder_store_password: 'wrong' }, 'forbidden', /keystone refuses/],
			[{ cinder_os_region_name: 'nowhere' }, 'store-failed', /no public endpoint of type volumev3/],
			[{ cinder_catalog_info: 'teapot::internalURL' }, 'store-failed', /no internal endpoint of type teapot/],
			[{ cinder_store_auth_address: 'http://127.0.0.1:1' }, 'unavailable', /cannot be reached/],
		] as const;
		for (const [more, code, message] of cases)
			await assert.rejects(openDriver(t, more), (error: Error) => {
				assert.equal(codeOf(error), code, error.message);
				assert.match(error.message, message);
				return true;
			});
	});
});

describe('store driver: cinder, without a server', () => {
	const account: StoreOptions = {
		cinder_store_auth_address: 'https://keystone.example/v3',
		cinder_store_user_name: 'glance',
		cinder_store_password: 'secret',
		cinder_store_project_name: 'service',
	};

	it("knows Glance's options, needs an account, and never shows it", () => {
		cinder.check({ ...account, cinder_mount_point_base: '/mnt', rootwrap_config: '/etc/x', cinder_do_extend_attached: 'True' });
		const { cinder_store_password: _, ...half } = account;
		for (const options of [
			{},
			half,
			{ ...account, cinder_catalog_info: 'volumev3' },
			{ ...account, cinder_store_auth_address: 'ftp://x' },
			{ ...account, cinder_store_application_credential_id: 'x' },
			{ ...account, cinder_nonsense: 'x' },
		])
			assert.throws(() => cinder.check(options as StoreOptions), OptionError);
		assert.deepEqual(cinder.properties({ ...account, cinder_volume_type: 'fast' }), {
			volume_type: 'fast',
			use_multipath: false,
		});
	});

	it('gives a transfer more time than a volume may take to change its state', () => {
		for (const seconds of [300, 900]) {
			const stallMs = cinder.stallMs?.({ ...account, cinder_state_transition_timeout: String(seconds) }) ?? 0;
			assert.ok(stallMs > seconds * 1000, `${stallMs} ms`);
		}
	});

	it('refuses volumes that must be attached in another way than by rbd, and encrypted ones', async () => {
		await using connections = createConnections(undefined);
		const attached = (connection: Record<string, unknown>) => connections.current({ id: randomUUID(), connection });
		await assert.rejects(attached({ driver_volume_type: 'iscsi' }), /kind iscsi cannot be attached here, only rbd/);
		await assert.rejects(attached({ driver_volume_type: 'rbd', encrypted: true, name: 'a/b' }), /encrypted volumes/);
		await assert.rejects(attached({ driver_volume_type: 'rbd', name: 'x', auth_username: 'y' }), /how to connect/);
	});
});
