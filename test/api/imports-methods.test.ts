/** Which imports there are, who may hold an image, and which stores have it in the end. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { memoryKeyValue } from '#catalogue/memory.ts';
import { ImageError } from '#domain/errors.ts';
import { moved } from '#domain/tasks/record.ts';
import { openTaskRepository } from '#domain/tasks/repository.ts';
import { silentLog } from '#lib/log.ts';
import { createRulePolicy } from '#policy/rule-policy.ts';
import { openMemory } from '#store/drivers/memory.ts';
import { type ApiServer, OCTETS, startApi } from '../support/api-server.ts';
import { memoryImageData } from '../support/memory-image-data.ts';
import { testCatalogue, testSite } from '../support/onion.ts';
import { sourceOf } from '../support/store-driver-suite.ts';
import { testStore, testStores } from '../support/test-store.ts';

const BYTES = randomBytes(50_000);
const DIRECT = { method: { name: 'glance-direct' } };
const COPY = { method: { name: 'copy-image' } };
const call = { signal: AbortSignal.timeout(60_000) };

async function staged(api: ApiServer): Promise<string> {
	const id = await api.queued();
	assert.equal((await api.ask('PUT', `/v2/images/${id}/stage`, { headers: OCTETS, body: BYTES })).status, 204);
	return id;
}

async function imported(api: ApiServer, id: string, body: object, headers = {}) {
	const answer = await api.ask('POST', `/v2/images/${id}/import`, { body, headers });
	await api.executor.idle();
	const { json: image } = await api.ask('GET', `/v2/images/${id}`);
	const { json } = await api.ask('GET', `/v2/images/${id}/tasks`);
	return { answer, image, task: json.tasks?.at(-1) };
}

/** Stores of their own places; those that are named in `broken` take nothing. */
async function scene(over: Parameters<typeof testSite>[0] = {}) {
	const broken = new Set<string>();
	const make = async (id: string) => {
		const driver = await openMemory();
		return testStore(id, {
			...driver,
			locate: (key, ...rest) => driver.locate(`${id} ${key}`, ...rest),
			async put(key, ...rest) {
				if (broken.has(id)) throw new ImageError('full', `store ${id} is full`);
				return driver.put(`${id} ${key}`, ...rest);
			},
		});
	};
	const stores = testStores([await make('a'), await make('b'), await make('c')], 'a');
	const data = memoryImageData();
	const site = await testSite({ data, stores, ...over });
	const api = await startApi({ site, api: { storesShown: 'backends' } });
	const holders = async (id: string) => {
		const there = await Promise.all(
			stores.all.map(async (store) =>
				store.stat((await store.locate(id, call)) ?? '', call).then(
					() => [store.id],
					() => [],
				),
			),
		);
		return there.flat().join();
	};
	return { api, broken, data, holders, stores };
}

describe('methods of import', () => {
	it('are those that an operator enables, wherever they are asked for', async () => {
		await using api = await startApi({ site: await testSite({ offered: ['copy-image'] }) });
		const created = await api.ask('POST', '/v2/images', { body: {} });
		assert.equal(created.headers['openstack-image-import-methods'], 'copy-image');
		assert.deepEqual((await api.ask('GET', '/v2/info/import')).json['import-methods'].value, ['copy-image']);
		const id = await api.queued();
		assert.equal((await api.ask('PUT', `/v2/images/${id}/stage`, { headers: OCTETS, body: BYTES })).status, 404);
		assert.equal((await imported(api, id, DIRECT)).answer.status, 400);
		assert.equal((await imported(api, await api.active(BYTES), COPY)).answer.status, 400);
	});
	it('leave no choice of stores where there is none', async () => {
		const { api } = await scene();
		await api[Symbol.asyncDispose]();
		await using alone = await startApi({ api: { storesShown: 'none' } });
		const id = await staged(alone);
		assert.equal((await imported(alone, id, { ...DIRECT, all_stores_must_succeed: false })).answer.status, 400);
		assert.equal((await imported(alone, id, DIRECT)).image.status, 'active');
	});
});

describe('stores of an import', () => {
	for (const parallelStores of [1, 3])
		for (const mustAll of [true, false, undefined])
			for (const failing of ['', 'b', 'a,b', 'a,b,c'])
				it(`${parallelStores} at once, all must succeed: ${mustAll}, broken: ${failing || 'none'}`, async () => {
					const { api, broken, holders, data } = await scene({ parallelStores });
					await using _api = api;
					for (const store of failing.split(',')) broken.add(store);
					const must = mustAll === undefined ? {} : { all_stores_must_succeed: mustAll };
					const { id, image, task } = await (async () => {
						const id = await staged(api);
						return { id, ...(await imported(api, id, { ...DIRECT, all_stores: true, ...must })) };
					})();
					const good = ['a', 'b', 'c'].filter((store) => !broken.has(store)).join();
					const fails = failing !== '' && (mustAll !== false || good === '');
					assert.deepEqual([image.status, task.status], fails ? ['queued', 'failure'] : ['active', 'success']);
					assert.equal(await holders(id), fails ? '' : good);
					assert.equal(image.os_glance_importing_to_stores, '');
					assert.equal(image.os_glance_import_task, undefined);
					if (!fails) assert.equal(image.os_glance_failed_import, failing);
					assert.equal(data.contents.size, fails ? 0 : 1);
				});
	it('of a copy: none of them when one of them had to be and is not, and the image stays as it was', async () => {
		const { api, broken, holders } = await scene();
		await using _api = api;
		const id = await api.active(BYTES);
		broken.add('c');
		const whole = await imported(api, id, { ...COPY, all_stores: true });
		assert.deepEqual([whole.image.status, whole.task.status, await holders(id)], ['active', 'failure', 'a']);
		const some = await imported(api, id, { ...COPY, all_stores: true, all_stores_must_succeed: false });
		assert.deepEqual([some.image.status, some.task.status, await holders(id)], ['active', 'success', 'a,b']);
		assert.equal(some.image.os_glance_failed_import, 'c');
		broken.clear();
		const rest = await imported(api, id, { ...COPY, stores: ['c'] });
		assert.deepEqual([rest.task.status, await holders(id), rest.image.os_glance_failed_import], ['success', 'a,b,c', '']);
		assert.equal((await imported(api, id, { ...COPY, stores: ['c'] })).answer.status, 400);
		assert.equal((await imported(api, id, { ...COPY, all_stores: true })).answer.status, 202);
	});
	it('of a copy whose bytes are only where a client said they are', async () => {
		const { api, stores, holders } = await scene();
		await using _api = api;
		const object = await stores.find('a')?.put(randomUUID(), sourceOf(BYTES), call);
		const id = await api.queued();
		const body = { url: object?.location ?? '' };
		assert.equal((await api.ask('POST', `/v2/images/${id}/locations`, { body })).status, 202);
		await api.executor.idle();
		const { image, task } = await imported(api, id, { ...COPY, stores: ['c'] });
		assert.deepEqual([image.status, task.status, task.message], ['active', 'success', 'Copied 0 MiB']);
		assert.equal(await holders(id), 'c');
		assert.ok((await api.ask('GET', `/v2/images/${id}/file`)).bytes.equals(BYTES));
	});
	it("of a copy of another project's image: who the rules let", async () => {
		for (const [rule, status] of [
			['role:admin', 403],
			['', 202],
		] as const) {
			const policy = createRulePolicy({ log: silentLog, overrides: { copy_image: rule } });
			const { api } = await scene({ policy });
			const id = await api.active(BYTES, { visibility: 'public', owner: 'somebody' });
			await api[Symbol.asyncDispose]();
			await using other = await startApi({
				site: api,
				identity: { challenge: 'Test', identify: async () => ({ user: 'u', project: 'p', roles: ['member', 'reader'] }) },
				api: { storesShown: 'backends' },
			});
			const { answer, task } = await imported(other, id, { ...COPY, stores: ['b'] });
			assert.deepEqual([answer.status, task?.status], [status, status === 202 ? 'success' : undefined]);
		}
	});
});

describe('who holds an image', () => {
	it('by a task that has ended, has been forgotten or was silent for an hour, holds it no more', async () => {
		const MINUTE = 60_000;
		for (const [status, minutes, answer] of [
			['processing', 59, 409],
			['processing', 61, 202],
			['pending', 119, 409],
			['pending', 121, 202],
			['gone', 0, 202],
		] as const) {
			let now = Date.UTC(2026, 0, 1);
			const shared = {
				catalogue: await testCatalogue('centre'),
				data: memoryImageData(),
				tasksKv: memoryKeyValue(),
				clock: () => now,
			};
			const stores = testStores([testStore('a', await openMemory()), testStore('b', await openMemory())]);
			const before = await testSite({ ...shared, stores });
			await using api = await startApi({ site: before });
			const id = await api.active(BYTES);
			await before.executor[Symbol.asyncDispose]();
			assert.equal((await api.ask('POST', `/v2/images/${id}/import`, { body: { ...COPY, stores: ['a'] } })).status, 202);
			const repository = await openTaskRepository({ kv: shared.tasksKv, clock: shared.clock });
			const held = repository.get(repository.stubs()[0]?.id ?? '');
			if (status === 'processing') await repository.save(moved(held, 'processing', now));
			now += minutes * MINUTE;
			const after = await testSite({ ...shared, stores, ...(status === 'gone' && { tasksKv: memoryKeyValue() }) });
			await using later = await startApi({ site: after });
			const again = await later.ask('POST', `/v2/images/${id}/import`, { body: { ...COPY, stores: ['b'] } });
			assert.equal(again.status, answer, `${status} for ${minutes} minutes`);
			await after.executor.idle();
		}
	});
});
