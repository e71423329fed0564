/** A node that is stopped in the middle of an import: the next process goes on where that one was. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { memoryKeyValue } from '#catalogue/memory.ts';
import type { ImportRequest } from '#domain/import-request.ts';
import { createRegions } from '#imports/methods/regions.ts';
import type { ImportPlugin } from '#imports/plugins/plugin.ts';
import { createWebSource } from '#imports/web-source.ts';
import { openMemory } from '#store/drivers/memory.ts';
import { eventually } from '../support/eventually.ts';
import { memoryImageData } from '../support/memory-image-data.ts';
import { administrator, bytesOf, caller, testCatalogue, testSite, UPLOADABLE } from '../support/onion.ts';
import { testStore, testStores } from '../support/test-store.ts';
import { startWebServer } from '../support/web-server.ts';

const BYTES = randomBytes(30_000);
const STORES = ['a', 'b', 'c'];
const ADDED = Buffer.from('added once');

type Hang = 'fetch' | 'plugin' | 'store' | undefined;

/** What outlives a process, and where the next one will get no further. */
async function createWorld() {
	const world = { hang: undefined as Hang, reached: 0, puts: [] as string[], tokens: [] as unknown[] };
	const server = await startWebServer((request, response) => {
		world.tokens.push(request.headers['x-auth-token']);
		if (request.url?.endsWith('/file') === false && request.url.startsWith('/v2/'))
			return void response.end(
				JSON.stringify({ status: 'active', size: BYTES.length, disk_format: 'raw', container_format: 'bare' }),
			);
		response.writeHead(200, { 'content-length': BYTES.length });
		if (world.hang !== 'fetch') return void response.end(BYTES);
		response.write(BYTES.subarray(0, 1000), () => {
			world.reached += 1;
		});
	});
	/** Comes to no end but by the signal. */
	const stuck = (signal: AbortSignal): Promise<never> => {
		world.reached += 1;
		return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
	};
	const adding: ImportPlugin = {
		async run({ staged }) {
			const all = async function* () {
				yield* staged.read();
				yield ADDED;
			};
			return { data: { read: all, async [Symbol.asyncDispose]() {} } };
		},
	};
	const hanging: ImportPlugin = {
		run: async (_subject, { signal }) => (world.hang === 'plugin' ? stuck(signal) : { changes: { properties: { seen: 'yes' } } }),
	};
	const stores = await Promise.all(
		STORES.map(async (id) => {
			const driver = await openMemory();
			return testStore(id, {
				...driver,
				locate: (key, ...rest) => driver.locate(`${id} ${key}`, ...rest),
				async put(key, source, call) {
					if (world.hang === 'store' && id === 'b') await stuck(call.signal);
					world.puts.push(id);
					return driver.put(`${id} ${key}`, source, call);
				},
			});
		}),
	);
	const filtering = { allowedHosts: ['127.0.0.1'], allowedPorts: [server.port] };
	const endpoints = [{ interface: 'public', region_id: 'Two', url: server.url }];
	const regions = createRegions({ catalogue: async () => [{ type: 'image', endpoints }], token: async () => 'the node' });
	const data = memoryImageData();
	const shared = {
		...{ catalogue: await testCatalogue('centre'), data, stores: testStores(stores, 'a'), plugins: [adding, hanging] },
		...{ tasksKv: memoryKeyValue(), objectsKv: memoryKeyValue(), web: createWebSource({ filtering }), regions },
		plainWeb: createWebSource({ filtering, redirects: false }),
	};
	return Object.assign(world, {
		...{ server, data, stores },
		start: () => testSite(shared),
		[Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
	});
}

async function cut(hang: Hang, method: (url: string) => ImportRequest['method'], ctx = administrator()) {
	const world = await createWorld();
	const first = await world.start();
	const { id } = await first.images.create(ctx, UPLOADABLE);
	world.hang = hang;
	await first.imports.start(ctx, id, { method: method(world.server.url), stores: STORES });
	await eventually('the import to come that far', () => (world.reached > 0 ? true : undefined));
	const [going] = (await first.tasks.list(administrator(), LIST)).tasks;
	assert.equal(going?.status, 'processing');
	await first.executor[Symbol.asyncDispose]();
	assert.equal(first.catalogue.image(id)?.status, 'importing');

	world.hang = undefined;
	const second = await world.start();
	await second.executor.resume();
	await second.executor.idle();
	const [task] = (await second.tasks.list(administrator(), LIST)).tasks;
	const image = second.catalogue.image(id);
	assert.deepEqual([image?.status, task?.status], ['active', 'success']);
	assert.deepEqual(await bytesOf(second.images, administrator(), id), Buffer.concat([BYTES, ADDED]));
	assert.equal(image?.properties.seen, 'yes');
	assert.deepEqual(world.puts.toSorted(), STORES, 'each store was given the image once');
	assert.equal(world.data.contents.size, 1);
	return world;
}

const LIST = { equal: {}, sortKey: 'createdAt', descending: true, limit: 10 } as const;
const fromWeb = (url: string) => ({ name: 'web-download', uri: `${url}/x` }) as const;
const fromGlance = () =>
	({ name: 'glance-download', region: 'Two', imageId: crypto.randomUUID(), serviceInterface: 'public' }) as const;

describe('an import that is cut short', () => {
	it('while it fetches begins to fetch anew', async () => {
		await using world = await cut('fetch', fromWeb);
		assert.equal(world.server.requests.length, 2);
	});
	it('in a plugin does not run the one before it again', async () => {
		await using world = await cut('plugin', fromWeb);
		assert.equal(world.server.requests.length, 1);
	});
	it('at the second of three stores goes on there', async () => {
		await using world = await cut('store', fromWeb);
		assert.equal(world.server.requests.length, 1);
	});
	it("of another region has lost the caller's token, and uses the node's own", async () => {
		const ctx = caller({ credential: { token: () => 'the caller' } });
		await using world = await cut('fetch', fromGlance, ctx);
		assert.deepEqual(world.tokens, ['the caller', 'the caller', 'the caller', 'the node', 'the node']);
	});
});

describe('an image that is deleted during its import', () => {
	for (const hang of ['plugin', 'store'] as const)
		it(`in the middle of a ${hang} ends the task, and nothing of it stays`, async () => {
			await using world = await createWorld();
			const ctx = administrator();
			const site = await world.start();
			const { id } = await site.images.create(ctx, UPLOADABLE);
			world.hang = hang;
			await site.imports.start(ctx, id, { method: fromWeb(world.server.url), stores: STORES });
			await eventually('the import to come that far', () => (world.reached > 0 ? true : undefined));
			await site.images.remove(ctx, id);
			await site.executor.idle();
			const [task] = (await site.tasks.list(ctx, LIST)).tasks;
			assert.equal(task?.status, 'failure');
			assert.equal(world.data.contents.size, 0);
			for (const store of world.stores) {
				const location = (await store.locate(id, { signal: ctx.signal })) ?? '';
				await assert.rejects(store.stat(location, { signal: ctx.signal }), `store ${store.id} still has it`);
			}
		});
});
