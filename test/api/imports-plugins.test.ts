/** Imports through the operator's plugins, with the real ones where a node has them. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { buildArrivals } from '#domain/arrivals.ts';
import type { Jail } from '#imports/jail.ts';
import { importPlugins, type PluginName } from '#imports/plugins/index.ts';
import type { ImportPlugin } from '#imports/plugins/plugin.ts';
import { createInspector } from '#inspection/inspector.ts';
import { silentLog } from '#lib/log.ts';
import { openMemory } from '#store/drivers/memory.ts';
import { inspectBy } from '../../src/open-plugins.ts';
import { type ApiServer, OCTETS, startApi } from '../support/api-server.ts';
import { qcow2 } from '../support/disk-images.ts';
import { STRICT } from '../support/inspecting.ts';
import { memoryImageData } from '../support/memory-image-data.ts';
import { pieces, testSite } from '../support/onion.ts';
import { testStore, testStores } from '../support/test-store.ts';

const BYTES = randomBytes(50_000);
const DIRECT = { method: { name: 'glance-direct' } };
const inspect = inspectBy({ vmdkTypes: ['streamOptimized'], ...STRICT });

async function scene(plugins: readonly ImportPlugin[]) {
	const data = memoryImageData();
	const stores = testStores([testStore('fast', await openMemory()), testStore('slow', await openMemory())]);
	const arrivals = buildArrivals({ createInspector, rules: STRICT, log: silentLog });
	const site = await testSite({ data, plugins, arrivals, stores });
	return { data, api: await startApi({ site }) };
}

function operators(names: readonly PluginName[]): readonly ImportPlugin[] {
	return importPlugins(names, {
		...{ maxBytes: 32 * 1024 ** 2, conversionFormat: 'raw', inject: { origin: 'imported' }, injectIgnoreRoles: ['nobody'] },
		...{ inspect, jail: {} as Jail },
	});
}

async function imported(api: ApiServer, bytes: Uint8Array, fields: Readonly<Record<string, unknown>> = {}) {
	const id = await api.queued(fields);
	assert.equal((await api.ask('PUT', `/v2/images/${id}/stage`, { headers: OCTETS, body: bytes })).status, 204);
	assert.equal((await api.ask('POST', `/v2/images/${id}/import`, { body: DIRECT })).status, 202);
	await api.executor.idle();
	const { json: image } = await api.ask('GET', `/v2/images/${id}`);
	const [task] = (await api.ask('GET', `/v2/images/${id}/tasks`)).json.tasks;
	return { id, image, task };
}

describe('import plugins', () => {
	it('run in their order, on what the one before has left', async () => {
		const { api, data } = await scene(operators(['image_decompression', 'inject_image_metadata', 'no_op']));
		await using _api = api;
		const { id, image, task } = await imported(api, gzipSync(BYTES));
		assert.equal(task.status, 'success', task.message);
		assert.deepEqual([image.status, image.size, image.origin], ['active', BYTES.length, 'imported']);
		assert.deepEqual((await api.ask('GET', `/v2/images/${id}/file`)).bytes, BYTES);
		assert.equal(data.contents.size, 1, 'the packed bytes are gone');
	});
	it('change bytes and formats together, and what comes out is checked', async () => {
		const disk = Buffer.from(qcow2());
		const convert: ImportPlugin = {
			run: async () => ({
				data: { read: () => pieces(disk), size: disk.length, async [Symbol.asyncDispose]() {} },
				changes: { diskFormat: 'qcow2', containerFormat: 'bare' },
			}),
		};
		const { api } = await scene([convert]);
		await using _api = api;
		const { image } = await imported(api, BYTES);
		assert.deepEqual([image.status, image.disk_format, image.size], ['active', 'qcow2', disk.length]);
		const { api: wrong, data } = await scene([
			{ run: async (...args) => ({ ...(await convert.run(...args)), changes: { diskFormat: 'vmdk' } }) },
		]);
		await using _wrong = wrong;
		const refused = await imported(wrong, BYTES);
		assert.deepEqual([refused.image.status, refused.task.status], ['queued', 'failure']);
		assert.match(refused.task.message, /disk_format is vmdk, but the content is qcow2/);
		assert.equal(data.contents.size, 0);
	});
	it('that refuse a bomb end the import, and nothing of it stays', async () => {
		const { api, data } = await scene(operators(['image_decompression']));
		await using _api = api;
		const bomb = gzipSync(Buffer.alloc(64 * 1024 ** 2), { level: 9 });
		const { image, task } = await imported(api, bomb);
		assert.deepEqual([image.status, image.size, task.status], ['queued', null, 'failure']);
		assert.equal(data.contents.size, 0);
	});
	it('that break off half-way leave nothing, and their data are disposed of', async () => {
		let disposals = 0;
		async function* broken() {
			yield BYTES;
			throw new Error('a bug');
		}
		const plugin: ImportPlugin = {
			run: async () => ({
				data: {
					read: broken,
					async [Symbol.asyncDispose]() {
						disposals += 1;
					},
				},
			}),
		};
		const { api, data } = await scene([plugin]);
		await using _api = api;
		const { image, task } = await imported(api, BYTES);
		assert.deepEqual([image.status, task.status, disposals, data.contents.size], ['queued', 'failure', 1, 0]);
		assert.equal(task.message, 'the task failed by an internal error');
	});
	it('do not run for a copy', async () => {
		const { api } = await scene([{ run: () => Promise.reject(new Error('ran')) }]);
		await using _api = api;
		const id = await api.active(BYTES);
		const body = { method: { name: 'copy-image' }, stores: ['slow'] };
		assert.equal((await api.ask('POST', `/v2/images/${id}/import`, { body })).status, 202);
		await api.executor.idle();
		assert.match((await api.ask('GET', `/v2/images/${id}`)).json.stores, /slow/);
	});
});

describe('what plugins are told of bytes', () => {
	it('is the one format that they have, or why they are dangerous', async () => {
		assert.deepEqual(await inspect(pieces(BYTES)), { format: 'raw' });
		assert.deepEqual(await inspect(pieces(Buffer.from(qcow2()))), { format: 'qcow2' });
		const { format, danger } = await inspect(pieces(Buffer.from(qcow2({ features: 4n }))));
		assert.equal(format, 'raw');
		assert.match(String(danger), /not safe/);
	});
});
