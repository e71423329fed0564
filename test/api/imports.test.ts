/** Staging and glance-direct through the door. Image API v2, "Interoperable image import". */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { memoryKeyValue } from '#catalogue/memory.ts';
import { moved } from '#domain/tasks/record.ts';
import { openTaskRepository } from '#domain/tasks/repository.ts';
import { type ApiServer, OCTETS, startApi } from '../support/api-server.ts';
import { memoryImageData } from '../support/memory-image-data.ts';
import { testCatalogue, testSite } from '../support/onion.ts';

const BYTES = Buffer.from('imported bytes');
const DIRECT = { method: { name: 'glance-direct' } };

async function staged(api: ApiServer, fields: Readonly<Record<string, unknown>> = {}): Promise<string> {
	const id = await api.queued(fields);
	assert.equal((await api.ask('PUT', `/v2/images/${id}/stage`, { headers: OCTETS, body: BYTES })).status, 204);
	return id;
}
const start = (api: ApiServer, id: string, body: unknown = DIRECT, headers = {}) =>
	api.ask('POST', `/v2/images/${id}/import`, { body, headers });

describe('import', () => {
	it('makes staged bytes the image, as a task that can be looked at', async () => {
		await using api = await startApi();
		const id = await staged(api);
		const answer = await start(api, id);
		assert.deepEqual([answer.status, answer.text], [202, '']);
		await api.executor.idle();
		const types = api.events.map(({ type }) => type).slice(-6);
		assert.deepEqual(types, ['task.run', 'task.processing', 'image.prepare', 'image.upload', 'image.activate', 'task.success']);
		const { json } = await api.ask('GET', `/v2/images/${id}`);
		assert.deepEqual([json.status, json.size, json.stores], ['active', BYTES.length, 'centre']);
		assert.deepEqual([json.os_glance_importing_to_stores, json.os_glance_failed_import], ['', '']);
		assert.deepEqual((await api.ask('GET', `/v2/images/${id}/file`)).bytes, BYTES);
		const [task, ...rest] = (await api.ask('GET', `/v2/images/${id}/tasks`)).json.tasks;
		assert.deepEqual([task.type, task.status, task.result, rest], ['api_image_import', 'success', { image_id: id }, []]);
		assert.deepEqual(task.input.import_req, DIRECT);
	});
	it('needs staged data and formats, once', async () => {
		await using api = await startApi();
		assert.equal((await start(api, await api.queued())).status, 409);
		assert.equal((await start(api, await api.active(BYTES))).status, 409);
		assert.equal((await start(api, await staged(api, { disk_format: null }))).status, 409);
		assert.equal((await start(api, crypto.randomUUID())).status, 404);
		const id = await staged(api);
		const [one, two] = await Promise.all([start(api, id), start(api, id)]);
		assert.deepEqual([one.status, two.status].toSorted(), [202, 409]);
	});
	it('refuses what is no request', async () => {
		await using api = await startApi();
		const id = await staged(api);
		const bad: readonly unknown[] = [
			...[{}, [], { method: 'glance-direct' }, { method: {} }, { method: { name: 5 } }, { method: { name: 'web-download' } }],
			...[
				{ ...DIRECT, stores: 'centre' },
				{ ...DIRECT, stores: [] },
				{ ...DIRECT, stores: [1] },
				{ ...DIRECT, all_stores: 'yes' },
				{ ...DIRECT, all_stores: null },
			],
			...[
				{ ...DIRECT, all_stores_must_succeed: 1 },
				{ ...DIRECT, stores: ['centre'], all_stores: true },
			],
		];
		for (const body of bad) assert.equal((await start(api, id, body)).status, 400, JSON.stringify(body));
		const both = await start(api, id, { ...DIRECT, stores: ['centre'] }, { 'x-image-meta-store': 'centre' });
		assert.equal(both.status, 400);
		assert.equal((await start(api, id, { ...DIRECT, stores: ['nowhere'] })).status, 409);
		assert.equal((await api.ask('GET', `/v2/images/${id}`)).json.status, 'uploading');
		assert.equal((await start(api, id, { ...DIRECT, stores: ['centre'] })).status, 202);
	});
	it('is said where clients look for it', async () => {
		await using api = await startApi();
		const created = await api.ask('POST', '/v2/images', { body: {} });
		assert.equal(created.headers['openstack-image-import-methods'], 'glance-direct,web-download,glance-download,copy-image');
		assert.deepEqual((await api.ask('GET', '/v2/info/import')).json['import-methods'].value, [
			'glance-direct',
			'web-download',
			'glance-download',
			'copy-image',
		]);
	});
	it('that cannot be finished leaves a queued image and no byte', async () => {
		const data = memoryImageData();
		const catalogue = await testCatalogue('centre');
		let broken = false;
		const commit: typeof catalogue.commit = (ops, options) =>
			broken && ops.some(({ type }) => type === 'image.data')
				? Promise.reject(new Error('broken'))
				: catalogue.commit(ops, options);
		const site = await testSite({ data, catalogue: { ...catalogue, commit } });
		await using api = await startApi({ site });
		const id = await staged(api);
		broken = true;
		assert.equal((await start(api, id)).status, 202);
		await site.executor.idle();
		const { json } = await api.ask('GET', `/v2/images/${id}`);
		assert.deepEqual([json.status, json.size, json.os_glance_failed_import], ['queued', null, 'centre']);
		assert.equal(data.contents.size, 0);
		assert.equal((await api.ask('GET', `/v2/images/${id}/tasks`)).json.tasks[0].status, 'failure');
	});
	it('that waits when the process ends is done by the next one', async () => {
		const kv = memoryKeyValue();
		const shared = { catalogue: await testCatalogue('centre'), data: memoryImageData(), tasksKv: kv };
		const before = await testSite(shared);
		await using api = await startApi({ site: before });
		const id = await staged(api);
		await before.executor[Symbol.asyncDispose]();
		assert.equal((await start(api, id)).status, 202);
		assert.equal((await api.ask('GET', `/v2/images/${id}`)).json.status, 'importing');
		const after = await testSite(shared);
		await after.executor.resume();
		await after.executor.idle();
		assert.equal((await api.ask('GET', `/v2/images/${id}`)).json.status, 'active');
	});
	it('that was begun and came no further before the process was killed is done by the next one', async () => {
		const kv = memoryKeyValue();
		const shared = { catalogue: await testCatalogue('centre'), data: memoryImageData(), tasksKv: kv };
		const before = await testSite(shared);
		await using api = await startApi({ site: before });
		const id = await staged(api);
		await before.executor[Symbol.asyncDispose]();
		await start(api, id);
		const repository = await openTaskRepository({ kv, clock: Date.now });
		const [waiting] = repository.stubs();
		await repository.save(moved(repository.get(waiting?.id ?? ''), 'processing', Date.now()));
		const after = await testSite(shared);
		await after.executor.resume();
		await after.executor.idle();
		assert.equal((await api.ask('GET', `/v2/images/${id}`)).json.status, 'active');
		assert.equal(shared.data.contents.size, 1);
	});
});
