/** Imports of bytes from elsewhere, through plugins, into several stores, and across the end of a process. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { memoryKeyValue } from '#catalogue/memory.ts';
import { ImageError } from '#domain/errors.ts';
import type { ImageStore } from '#domain/ports/stores.ts';
import { createRegions } from '#imports/methods/regions.ts';
import { imageDecompression } from '#imports/plugins/image-decompression.ts';
import { injectImageMetadata } from '#imports/plugins/inject-image-metadata.ts';
import { createWebSource } from '#imports/web-source.ts';
import { createImageObjects } from '#replication/image-objects.ts';
import { openMemory } from '#store/drivers/memory.ts';
import { type ApiServer, OCTETS, startApi } from '../support/api-server.ts';
import { hostileUrls } from '../support/hostile-urls.ts';
import { memoryImageData } from '../support/memory-image-data.ts';
import { testCatalogue, testSite } from '../support/onion.ts';
import { testStore, testStores } from '../support/test-store.ts';
import { startWebServer, type WebServer } from '../support/web-server.ts';

const BYTES = randomBytes(300_000);
const SHA512 = createHash('sha512').update(BYTES).digest('hex');
const web = ({ port }: WebServer) => createWebSource({ filtering: { allowedHosts: ['127.0.0.1'], allowedPorts: [port] } });
const serving = (bytes: Buffer = BYTES) => startWebServer((_request, response) => void response.end(bytes));

const show = async (api: ApiServer, id: string) => (await api.ask('GET', `/v2/images/${id}`)).json;
const start = (api: ApiServer, id: string, body: object) => api.ask('POST', `/v2/images/${id}/import`, { body });

async function imported(api: ApiServer, id: string, body: object) {
	const { status, text } = await start(api, id, body);
	await api.executor.idle();
	const [task] = (await api.ask('GET', `/v2/images/${id}/tasks`)).json.tasks;
	return { status, text, task, image: await show(api, id) };
}

describe('web-download', () => {
	it('makes what is at a URL the image', async () => {
		await using server = await serving();
		await using api = await startApi({ site: await testSite({ web: web(server) }) });
		const method = { name: 'web-download', uri: `${server.url}/disk.raw` };
		const { status, task, image } = await imported(api, await api.queued(), { method });
		assert.deepEqual([status, task.status, image.status, image.os_hash_value], [202, 'success', 'active', SHA512]);
		assert.deepEqual([image.os_glance_importing_to_stores, image.os_glance_import_task], ['', undefined]);
	});
	it('refuses a URL that is not fetched before anything has changed', async () => {
		await using api = await startApi();
		const id = await api.queued();
		for (const uri of hostileUrls(80)) {
			const { status } = await start(api, id, { method: { name: 'web-download', uri } });
			assert.equal(status, 400, uri);
		}
		assert.equal((await start(api, id, { method: { name: 'web-download' } })).status, 400);
		assert.equal((await show(api, id)).status, 'queued');
		assert.deepEqual((await api.ask('GET', `/v2/images/${id}/tasks`)).json.tasks, []);
	});
	it('that breaks off leaves a queued image and no byte', async () => {
		await using server = await startWebServer((_request, response) => {
			response.writeHead(200, { 'content-length': '1000' });
			response.write('some', () => response.destroy());
		});
		const data = memoryImageData();
		await using api = await startApi({ site: await testSite({ web: web(server), data }) });
		const method = { name: 'web-download', uri: `${server.url}/` };
		const { task, image } = await imported(api, await api.queued(), { method });
		assert.deepEqual([task.status, image.status, image.size, data.contents.size], ['failure', 'queued', null, 0]);
	});
});

describe('glance-download', () => {
	const REMOTE = '0e1f3a30-3f4c-4f5e-9c56-7d0a5e0a1f11';

	async function regions(record: object, files: Buffer = BYTES) {
		const tokens: (string | undefined)[] = [];
		const server = await startWebServer((request, response) => {
			tokens.push(request.headers['x-auth-token'] as string | undefined);
			if (request.url === `/v2/images/${REMOTE}`) response.end(JSON.stringify(record));
			else if (request.url === `/v2/images/${REMOTE}/file`) response.end(files);
			else response.writeHead(404).end();
		});
		const endpoints = [{ interface: 'public', region_id: 'north', url: `${server.url}/v2/` }];
		const catalogue = async () => [{ type: 'image', endpoints }];
		return { server, tokens, regions: createRegions({ catalogue, token: async () => 'the node' }) };
	}
	const method = { name: 'glance-download', glance_region: 'north', glance_image_id: REMOTE };
	const record = {
		...{ status: 'active', size: BYTES.length, os_hash_algo: 'sha512', os_hash_value: SHA512 },
		...{ disk_format: 'raw', container_format: 'bare', hw_disk_bus: 'scsi', secret: 'stays', os_type: 'linux' },
	};

	it('brings an image of another region with its formats and some of its properties', async () => {
		const there = await regions(record);
		await using _server = there.server;
		await using api = await startApi({ site: await testSite({ web: web(there.server), regions: there.regions }) });
		const { json } = await api.ask('POST', '/v2/images', { body: { name: 'copy' } });
		const { status, task, image } = await imported(api, json.id, { method });
		assert.deepEqual([status, task.status, image.status, image.os_hash_value], [202, 'success', 'active', SHA512]);
		assert.deepEqual([image.disk_format, image.hw_disk_bus, image.os_type, image.secret], ['raw', 'scsi', 'linux', undefined]);
		assert.ok(there.tokens.every((token) => token === 'the node'));
	});
	it('refuses a region, an image or a caller that cannot be', async () => {
		const there = await regions({ ...record, status: 'queued' });
		await using _server = there.server;
		await using api = await startApi({ site: await testSite({ web: web(there.server), regions: there.regions }) });
		const id = await api.queued();
		assert.equal((await start(api, id, { method: { ...method, glance_image_id: 'x' } })).status, 400);
		const unknown = { ...method, glance_image_id: REMOTE.replace('0e', '0f') };
		for (const bad of [method, { ...method, glance_region: 'south' }, unknown]) {
			const { status, task, image } = await imported(api, await api.queued(), { method: bad });
			assert.deepEqual([status, task.status, image.status], [202, 'failure', 'queued']);
		}
	});
	it('takes no other bytes than those of the record', async () => {
		const there = await regions(record, randomBytes(BYTES.length));
		await using _server = there.server;
		await using api = await startApi({ site: await testSite({ web: web(there.server), regions: there.regions }) });
		const { task, image } = await imported(api, await api.queued(), { method });
		assert.deepEqual([task.status, image.status], ['failure', 'queued']);
		assert.match(task.message, /not those of the image/);
	});
});

describe('plugins', () => {
	it('change what was staged, in their order, and never a copy', async () => {
		const packed = gzipSync(BYTES);
		const plugins = [
			imageDecompression({ maxBytes: 10_000_000 } as Parameters<typeof imageDecompression>[0]),
			injectImageMetadata({ inject: { stamped: 'yes' }, ignoreRoles: [] }),
		];
		const [fast, slow] = [testStore('fast', await openMemory()), testStore('slow', await openMemory())];
		const site = await testSite({ plugins, stores: testStores([fast, slow], 'fast') });
		await using api = await startApi({ site });
		const id = await api.queued();
		await api.ask('PUT', `/v2/images/${id}/stage`, { headers: OCTETS, body: packed });
		const { image } = await imported(api, id, { method: { name: 'glance-direct' } });
		assert.deepEqual([image.status, image.size, image.os_hash_value, image.stamped], ['active', BYTES.length, SHA512, 'yes']);
		await api.ask('PATCH', `/v2/images/${id}`, {
			headers: { 'content-type': 'application/openstack-images-v2.1-json-patch' },
			body: [{ op: 'remove', path: '/stamped' }],
		});
		const copy = await imported(api, id, { method: { name: 'copy-image' }, stores: ['slow'] });
		assert.deepEqual([copy.image.stores.includes('slow'), copy.image.stamped], [true, undefined]);
	});
	it('that fail end the import as it was before', async () => {
		const failing = { run: () => Promise.reject(new ImageError('unsupported-type', 'the bytes are not what was declared')) };
		const data = memoryImageData();
		await using api = await startApi({ site: await testSite({ plugins: [failing], data }) });
		const id = await api.queued();
		await api.ask('PUT', `/v2/images/${id}/stage`, { headers: OCTETS, body: BYTES });
		const { task, image } = await imported(api, id, { method: { name: 'glance-direct' } });
		assert.deepEqual([task.status, image.status, data.contents.size], ['failure', 'queued', 0]);
		assert.match(task.message, /not what was declared/);
	});
});

/** A node whose stores, records and tasks outlive its process, and that stops in the middle of the n-th step that it takes. */
async function mortal(stores: readonly ImageStore[], parallelStores = 1) {
	const [catalogue, data, tasksKv, objectsKv] = [
		await testCatalogue('centre'),
		memoryImageData(),
		memoryKeyValue(),
		memoryKeyValue(),
	];
	const content = { ...data, file: () => undefined, pin: () => ({ [Symbol.dispose]() {} }) };
	const objects = createImageObjects({ kv: objectsKv, content });
	return { data, open: () => testSite({ catalogue, data, tasksKv, objects, parallelStores, stores: testStores(stores, 'a') }) };
}

describe('an import that a process did not end', () => {
	for (const parallelStores of [1, 3])
		it(`is ended by the next one, ${parallelStores} stores at a time, and no object is put twice or left`, async () => {
			const puts: string[] = [];
			let stopAt = 1;
			let stopped = Promise.withResolvers<void>();
			const stores = await Promise.all(
				['a', 'b', 'c'].map(async (id) => {
					const store = testStore(id, await openMemory());
					const put: ImageStore['put'] = async (key, source, call) => {
						puts.push(id);
						if (puts.length !== stopAt) return store.put(key, source, call);
						stopped.resolve();
						return await new Promise<never>((_resolve, reject) =>
							call.signal.addEventListener('abort', () => reject(call.signal.reason)),
						);
					};
					return { ...store, put };
				}),
			);
			for (stopAt of [1, 2, 3]) {
				puts.length = 0;
				stopped = Promise.withResolvers<void>();
				const node = await mortal(stores, parallelStores);
				const before = await node.open();
				await using api = await startApi({ site: before });
				const id = await api.queued();
				await api.ask('PUT', `/v2/images/${id}/stage`, { headers: OCTETS, body: BYTES });
				assert.equal((await start(api, id, { method: { name: 'glance-direct' }, all_stores: true })).status, 202);
				await stopped.promise;
				await before.executor[Symbol.asyncDispose]();
				assert.equal((await show(api, id)).status, 'importing');
				stopAt = 0;
				const after = await node.open();
				await after.executor.resume();
				await after.executor.idle();
				const image = await show(api, id);
				assert.deepEqual([image.status, image.stores], ['active', 'a,b,c,centre']);
				assert.equal(new Set(puts).size, 3);
				await api.ask('DELETE', `/v2/images/${id}`);
				for (const store of stores) {
					const location = (await store.locate(id, { signal: AbortSignal.timeout(1000) })) ?? '';
					await assert.rejects(store.stat(location, { signal: AbortSignal.timeout(1000) }), /holds no/);
				}
				assert.equal(node.data.contents.size, 0);
			}
		});
	it('holds the image against another one, until its task is over', async () => {
		const never = {
			run: (_subject: unknown, { signal }: { signal: AbortSignal }) =>
				new Promise<never>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
		};
		let now = Date.now();
		const site = await testSite({ plugins: [never], clock: () => now });
		await using api = await startApi({ site });
		const id = await api.queued();
		await api.ask('PUT', `/v2/images/${id}/stage`, { headers: OCTETS, body: BYTES });
		const direct = { method: { name: 'glance-direct' } };
		assert.equal((await start(api, id, direct)).status, 202);
		assert.equal((await start(api, id, direct)).status, 409);
		now += 61 * 60_000;
		assert.match((await start(api, id, direct)).text, /only staged data can be imported/);
		await site.executor[Symbol.asyncDispose]();
	});
});
