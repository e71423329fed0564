/** Several stores: where they are listed, where uploads and imports go, and how an image leaves one of them. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ImageError } from '#domain/errors.ts';
import type { ImageStore } from '#domain/ports/stores.ts';
import { filesystemSettings } from '#store/drivers/filesystem/options.ts';
import { openFilesystem } from '#store/drivers/filesystem.ts';
import { openMemory } from '#store/drivers/memory.ts';
import { type ApiServer, startApi } from '../support/api-server.ts';
import { testSite } from '../support/onion.ts';
import { temporaryDir } from '../support/temporary-dir.ts';
import { testStore, testStores } from '../support/test-store.ts';

const OCTETS = { 'content-type': 'application/octet-stream' };
const BYTES = randomBytes(100_000);

async function siteWithStores(over: Readonly<Record<string, Partial<ImageStore>>> = {}) {
	const make = async (id: string) => ({ ...testStore(id, await openMemory()), ...over[id] });
	const all = await Promise.all(['fast', 'slow', 'web'].map(make));
	const stores = testStores(
		all.map((store) => (store.id === 'web' ? { ...store, readOnly: true } : store)),
		'fast',
	);
	return { stores, site: await testSite({ stores }) };
}

async function withStores(over: Readonly<Record<string, Partial<ImageStore>>> = {}) {
	const { stores, site } = await siteWithStores(over);
	return { api: await startApi({ site }), stores };
}

async function show(api: ApiServer, id: string) {
	return (await api.ask('GET', `/v2/images/${id}`)).json;
}

function upload(api: ApiServer, id: string, store?: string) {
	const headers = store === undefined ? OCTETS : { ...OCTETS, 'x-image-meta-store': store };
	return api.ask('PUT', `/v2/images/${id}/file`, { headers, body: BYTES });
}

async function imported(api: ApiServer, id: string, body: object) {
	const answer = await api.ask('POST', `/v2/images/${id}/import`, { body });
	await api.executor.idle();
	return { status: answer.status, image: await show(api, id) };
}

describe('stores', () => {
	it('are listed, sites after the backends', async () => {
		const { api } = await withStores();
		await using _api = api;
		const { stores } = (await api.ask('GET', '/v2/info/stores')).json;
		assert.deepEqual(stores, [
			{ id: 'fast', default: 'true' },
			{ id: 'slow' },
			{ id: 'web', 'read-only': 'true' },
			{ id: 'centre' },
		]);
		const { headers } = await api.ask('POST', '/v2/images', { body: {} });
		assert.equal(headers['openstack-image-store-ids'], 'fast,slow,web,centre');
		const detail = (await api.ask('GET', '/v2/info/stores/detail')).json.stores;
		assert.deepEqual(detail[0], { id: 'fast', default: 'true', type: 'memory', weight: 0, properties: {} });
		assert.deepEqual(detail[3], { id: 'centre', type: 'site', weight: 0, properties: { nodes: 1 } });
	});
	it('are those of Glance alone, or none, where an operator says so', async () => {
		const { site } = await siteWithStores();
		await using backends = await startApi({ site, api: { storesShown: 'backends' } });
		assert.deepEqual(
			(await backends.ask('GET', '/v2/info/stores')).json.stores.map(({ id }: { id: string }) => id),
			['fast', 'slow', 'web'],
		);
		const id = await backends.active(BYTES);
		assert.equal((await show(backends, id)).stores, 'fast');
		await using none = await startApi({ site, api: { storesShown: 'none' } });
		const { headers } = await none.ask('POST', '/v2/images', { body: {} });
		assert.equal(headers['openstack-image-store-ids'], undefined);
		assert.equal((await none.ask('GET', '/v2/info/stores')).status, 404);
		assert.equal((await none.ask('DELETE', `/v2/stores/fast/${id}`)).status, 404);
		assert.equal((await none.ask('GET', `/v2/images/${id}/file?prefer=fast`)).status, 400);
		assert.equal((await show(none, id)).stores, undefined);
	});
	it('take an upload: the default one, the one that is named, this site alone', async () => {
		const { api, stores } = await withStores();
		await using _api = api;
		for (const [named, expected] of [
			[undefined, 'centre,fast'],
			['slow', 'centre,slow'],
			['centre', 'centre'],
		] as const) {
			const id = await api.queued();
			assert.equal((await upload(api, id, named)).status, 204);
			const image = await show(api, id);
			assert.deepEqual([image.status, image.stores.split(',').toSorted().join()], ['active', expected]);
			const location = await stores.find('slow')?.locate(id, { signal: AbortSignal.timeout(1000) });
			const stat = stores.find('slow')?.stat(location ?? '', { signal: AbortSignal.timeout(1000) });
			if (named === 'slow') assert.equal((await stat)?.size, BYTES.length);
			else await assert.rejects(stat ?? Promise.resolve());
		}
	});
	it('refuse an upload before anything has changed', async () => {
		const { api } = await withStores();
		await using _api = api;
		const id = await api.queued();
		assert.equal((await upload(api, id, 'nowhere')).status, 400);
		assert.equal((await upload(api, id, 'web')).status, 410);
		assert.equal((await show(api, id)).status, 'queued');
		const active = await api.active(BYTES);
		assert.equal((await upload(api, active, 'nowhere')).status, 400);
		assert.equal((await upload(api, active, 'web')).status, 409);
	});
	for (const [code, status] of [
		['full', 413],
		['write-denied', 503],
		['unavailable', 503],
		['store-failed', 500],
	] as const)
		it(`that fail an upload by ${code} leave a queued image, no object, and their name in the answer`, async () => {
			const { stores } = await siteWithStores();
			const site = await testSite({
				stores: testStores(
					stores.all.map((store) => ({
						...store,
						async put(...args: Parameters<ImageStore['put']>) {
							await store.put(...args);
							throw new ImageError(code, `store ${store.id}: it is ${code}`);
						},
					})),
					'fast',
				),
			});
			await using failing = await startApi({ site });
			const id = await failing.queued();
			const answer = await upload(failing, id);
			assert.equal(answer.status, status);
			assert.match(answer.text, /store fast: it is/);
			const image = await show(failing, id);
			assert.deepEqual([image.status, image.size, image.stores], ['queued', null, undefined]);
			const call = { signal: AbortSignal.timeout(1000) };
			await assert.rejects(stores.all[0]!.stat((await stores.all[0]!.locate(id, call)) ?? '', call));
		});
	it('take an import, some of them or all', async () => {
		const { api } = await withStores();
		await using _api = api;
		for (const [body, expected] of [
			[{}, 'centre,fast'],
			[{ stores: ['slow', 'fast'] }, 'centre,fast,slow'],
			[{ all_stores: true }, 'centre,fast,slow'],
			[{ all_stores: true, all_stores_must_succeed: false }, 'centre,fast,slow'],
		] as const) {
			const id = await api.queued();
			assert.equal((await api.ask('PUT', `/v2/images/${id}/stage`, { headers: OCTETS, body: BYTES })).status, 204);
			const { status, image } = await imported(api, id, { method: { name: 'glance-direct' }, ...body });
			assert.equal(status, 202);
			assert.deepEqual([image.status, image.stores.split(',').toSorted().join()], ['active', expected]);
			assert.deepEqual([image.os_glance_importing_to_stores, image.os_glance_failed_import], ['', '']);
			assert.equal(image.os_glance_import_task, undefined);
		}
	});
	it('of which one fails an import: none has it, or all others, as the client says', async () => {
		const down = { put: () => Promise.reject(new ImageError('unavailable', 'store slow: it is down')) };
		const { api } = await withStores({ slow: down });
		await using _api = api;
		for (const [must, expected] of [
			[true, ['queued', undefined, 'fast,slow']],
			[false, ['active', 'centre,fast', 'slow']],
		] as const) {
			const id = await api.queued();
			await api.ask('PUT', `/v2/images/${id}/stage`, { headers: OCTETS, body: BYTES });
			const body = { method: { name: 'glance-direct' }, all_stores: true, all_stores_must_succeed: must };
			const { image } = await imported(api, id, body);
			assert.deepEqual([image.status, image.stores?.split(',').toSorted().join(), image.os_glance_failed_import], expected);
			const { tasks } = (await api.ask('GET', `/v2/images/${id}/tasks`)).json;
			assert.equal(tasks[0].status, must ? 'failure' : 'success');
			if (must) assert.match(tasks[0].message, /store slow: it is down/);
		}
	});
	it('get copies of an active image, which stays as it was when one fails', async () => {
		const down = { put: () => Promise.reject(new ImageError('full', 'store slow: it is full')) };
		const { api } = await withStores({ slow: down });
		await using _api = api;
		const id = await api.active(BYTES);
		const copy = { method: { name: 'copy-image' } };
		assert.equal((await imported(api, id, { ...copy, stores: ['fast'] })).status, 400);
		const { status, image } = await imported(api, id, { ...copy, stores: ['slow'] });
		assert.deepEqual([status, image.status, image.os_glance_failed_import], [202, 'active', 'slow']);
		assert.ok((await api.ask('GET', `/v2/images/${id}/file`)).bytes.equals(BYTES));
		assert.equal((await imported(api, await api.queued(), { ...copy, stores: ['slow'] })).status, 409);
	});
	it('get one copy at a time: of two that are asked for at once, one is refused', async () => {
		const { promise, resolve } = Promise.withResolvers<void>();
		const { stores } = await siteWithStores();
		const slow = stores.find('slow') as ImageStore;
		const put: ImageStore['put'] = async (...args) => {
			await promise;
			return slow.put(...args);
		};
		const { api } = await withStores({ slow: { put } });
		await using _api = api;
		const id = await api.active(BYTES);
		const ask = (store: string) =>
			api.ask('POST', `/v2/images/${id}/import`, { body: { method: { name: 'copy-image' }, stores: [store] } });
		const both = await Promise.all([ask('slow'), ask('slow')]);
		assert.deepEqual(both.map(({ status }) => status).toSorted(), [202, 409]);
		assert.equal((await ask('fast')).status, 409);
		resolve();
		await api.executor.idle();
		const { tasks } = (await api.ask('GET', `/v2/images/${id}/tasks`)).json;
		assert.deepEqual([tasks.length, tasks[0].status, (await show(api, id)).stores], [1, 'success', 'centre,fast,slow']);
		assert.equal((await ask('slow')).status, 400);
	});
	it('lose an image when they are told to, but never the last copy', async () => {
		const { api } = await withStores();
		await using _api = api;
		const id = await api.active(BYTES);
		assert.equal((await api.ask('DELETE', `/v2/stores/nowhere/${id}`)).status, 409);
		assert.equal((await api.ask('DELETE', `/v2/stores/slow/${id}`)).status, 404);
		await imported(api, id, { method: { name: 'copy-image' }, stores: ['slow'] });
		assert.equal((await api.ask('DELETE', `/v2/stores/fast/${id}`)).status, 204);
		assert.equal((await api.ask('DELETE', `/v2/stores/slow/${id}`)).status, 204, 'the site has it still');
		assert.equal((await show(api, id)).stores, 'centre');
		assert.ok((await api.ask('GET', `/v2/images/${id}/file`)).bytes.equals(BYTES));
		await imported(api, id, { method: { name: 'copy-image' }, stores: ['slow'] });
		assert.equal((await api.ask('DELETE', `/v2/stores/centre/${id}`)).status, 204);
		assert.equal((await show(api, id)).stores, 'slow');
		assert.equal((await api.ask('DELETE', `/v2/stores/slow/${id}`)).status, 403);
		assert.equal((await show(api, id)).stores, 'slow');
		assert.equal((await api.ask('DELETE', `/v2/stores/slow/${await api.queued()}`)).status, 409);
	});
	it('that clients are not told of are none: the last backend stays, whatever the site has', async () => {
		await using dir = await temporaryDir();
		const file = async (id: string) => {
			const settings = filesystemSettings({ filesystem_store_datadir: join(dir.path, id) });
			return testStore(id, await openFilesystem(settings));
		};
		const stores = testStores(await Promise.all(['fast', 'slow'].map(file)), 'fast');
		const site = await testSite({ stores, sitesShown: false });
		await using api = await startApi({ site, api: { storesShown: 'backends' } });
		const id = await api.active(BYTES);
		const leave = async (store: string) => (await api.ask('DELETE', `/v2/stores/${store}/${id}`)).status;
		assert.deepEqual([await leave('centre'), await leave('slow'), await leave('fast')], [409, 404, 403]);
		assert.equal((await upload(api, await api.queued(), 'centre')).status, 400);
		assert.equal((await imported(api, id, { method: { name: 'copy-image' }, stores: ['centre'] })).status, 409);
		await imported(api, id, { method: { name: 'copy-image' }, stores: ['slow'] });
		const both = await Promise.all([leave('fast'), leave('slow')]);
		assert.deepEqual(both.toSorted(), [204, 403]);
		assert.match((await show(api, id)).stores, /^(fast|slow)$/);
		assert.ok((await api.ask('GET', `/v2/images/${id}/file`)).bytes.equals(BYTES));
	});
	it('that nobody has come before the image that is not there either', async () => {
		const { api } = await withStores();
		await using _api = api;
		const missing = '00000000-0000-4000-8000-000000000000';
		assert.equal((await api.ask('DELETE', `/v2/stores/nowhere/${missing}`)).status, 409);
		assert.equal((await api.ask('DELETE', `/v2/stores/fast/${missing}`)).status, 404);
	});
	it('may refuse that an image goes: it stays as it was', async () => {
		const inUse = { remove: () => Promise.reject(new ImageError('conflict', 'store fast: the image is in use')) };
		const { api } = await withStores({ fast: inUse });
		await using _api = api;
		const id = await api.active(BYTES);
		const answer = await api.ask('DELETE', `/v2/images/${id}`);
		assert.equal(answer.status, 409);
		assert.match(answer.text, /in use/);
		const image = await show(api, id);
		assert.deepEqual([image.status, image.stores], ['active', 'centre,fast']);
		assert.ok((await api.ask('GET', `/v2/images/${id}/file`)).bytes.equals(BYTES));
	});
	it('have nothing left of a deleted image', async () => {
		const { api, stores } = await withStores();
		await using _api = api;
		const id = await api.active(BYTES);
		assert.equal((await api.ask('DELETE', `/v2/images/${id}`)).status, 204);
		const call = { signal: AbortSignal.timeout(1000) };
		const location = (await stores.find('fast')?.locate(id, call)) ?? '';
		await assert.rejects(stores.find('fast')?.stat(location, call) ?? Promise.resolve(), /holds no/);
		assert.equal((await api.ask('GET', `/v2/images/${id}`)).status, 404);
	});
	it('that a download prefers must be there', async () => {
		const { api } = await withStores();
		await using _api = api;
		const id = await api.active(BYTES);
		assert.ok((await api.ask('GET', `/v2/images/${id}/file?prefer=slow,fast`)).bytes.equals(BYTES));
		assert.equal((await api.ask('GET', `/v2/images/${id}/file?prefer=nowhere`)).status, 400);
	});
});
