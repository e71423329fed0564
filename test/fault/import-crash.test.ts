/** A node that dies at any point of an import: the next one ends it, or it has never been. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { memoryKeyValue } from '#catalogue/memory.ts';
import { IMPORT_TASK, type ImportRequest } from '#domain/import-request.ts';
import { recoverImports, recoverInterrupted } from '#domain/recovery.ts';
import { openTaskRepository } from '#domain/tasks/repository.ts';
import type { ImportPlugin } from '#imports/plugins/plugin.ts';
import type { WebSource } from '#imports/web-source.ts';
import { silentLog } from '#lib/log.ts';
import { createImageObjects } from '#replication/image-objects.ts';
import { createObjectKeeper } from '#replication/object-keeper.ts';
import { openMemory } from '#store/drivers/memory.ts';
import { eventually } from '../support/eventually.ts';
import { type Fuse, fuse, fusedCatalogue, fusedData, fusedKeyValue, fusedStore } from '../support/fuse.ts';
import { memoryImageData } from '../support/memory-image-data.ts';
import { administrator, pieces, testCatalogue, testSite, UPLOADABLE, uploadOf } from '../support/onion.ts';
import { testStore, testStores } from '../support/test-store.ts';

const PACKED = Buffer.from('packed');
const UNPACKED = Buffer.from('packed, and then unpacked once');
const STORES = ['a', 'b', 'c'];
const call = { signal: AbortSignal.timeout(120_000) };

/** Would show if it had run twice on the same image. */
const unpack: ImportPlugin = {
	async run({ staged }) {
		const bytes = Buffer.concat(await Array.fromAsync(staged.read(), (chunk) => Buffer.from(chunk)));
		const data = {
			read: () => pieces(Buffer.concat([bytes, UNPACKED.subarray(PACKED.length)])),
			async [Symbol.asyncDispose]() {},
		};
		return { data, changes: { properties: { unpacked: 'yes' } } };
	},
};

const web: WebSource = {
	async check() {},
	open: async () => ({ size: PACKED.length, data: pieces(PACKED), [Symbol.dispose]() {} }),
};

/** What outlives a process. */
async function createWorld(failing: readonly string[] = []) {
	const [tasksKv, objectsKv] = [memoryKeyValue(), memoryKeyValue()];
	const puts = new Map<string, number>();
	const drivers = await Promise.all(
		STORES.map(async (id) => {
			const driver = await openMemory();
			// a place names its store, as everywhere but in memory
			const put: typeof driver.put = async (key, ...rest) => {
				if (failing.includes(id)) throw new Error('broken');
				const object = await driver.put(`${id} ${key}`, ...rest);
				puts.set(id, (puts.get(id) ?? 0) + 1);
				return object;
			};
			const locate: typeof driver.locate = (key, ...rest) => driver.locate(`${id} ${key}`, ...rest);
			return { id, driver: { ...driver, put, locate } };
		}),
	);
	return { catalogue: await testCatalogue('centre'), data: memoryImageData(), tasksKv, objectsKv, drivers, puts };
}

type World = Awaited<ReturnType<typeof createWorld>>;

async function startProcess(world: World, with_: Fuse) {
	const stores = testStores(
		world.drivers.map(({ id, driver }) => fusedStore(testStore(id, driver, { attempts: 1 } as object), with_)),
		'a',
	);
	const data = fusedData(world.data, with_);
	const content = { ...data, file: () => undefined, pin: () => ({ [Symbol.dispose]() {} }) };
	const objects = createImageObjects({ kv: fusedKeyValue(world.objectsKv, with_), content });
	const catalogue = fusedCatalogue(world.catalogue, with_);
	const shared = { catalogue, data, stores, objects, web, plugins: [unpack], tasksKv: fusedKeyValue(world.tasksKv, with_) };
	return { site: await testSite(shared), objects, stores };
}

/** As a node starts: what is lost is settled, tasks go on, strays are looked for, what nobody names is collected. */
async function restart(world: World, id: string, request: ImportRequest): Promise<void> {
	const { catalogue, data, tasksKv } = world;
	const { site, objects, stores } = await startProcess(world, fuse());
	const parts = { catalogue, site: 'centre', node: catalogue.image(id)?.worker ?? '' };
	await recoverInterrupted(parts);
	const repository = await openTaskRepository({ kv: tasksKv, clock: Date.now });
	const unfinished = repository.stubs().filter(({ expiresAt }) => expiresAt === null);
	await recoverImports(parts, (image) => unfinished.some(({ imageId }) => imageId === image));
	await site.executor.resume();
	await site.executor.idle();
	// a copy that never had its task does not know so, and stands in nobody's way
	if (catalogue.image(id)?.properties[IMPORT_TASK] !== undefined) await site.imports.start(administrator(), id, request);
	await site.executor.idle();
	await using keeper = createObjectKeeper({ catalogue, objects, stores, isSeeded: () => false, log: silentLog });
	await keeper.start();
	await eventually('no stray object', async () => ((await strays(world, id)).length === 0 ? true : undefined), {
		timeoutMs: 5000,
	});
	for (const root of data.contents.keys()) if ((await catalogue.imagesOf(root)).length === 0) await data.forget(root);
	await site.executor[Symbol.asyncDispose]();
}

async function holders({ drivers }: World, id: string): Promise<readonly string[]> {
	const there = await Promise.all(
		drivers.map(async ({ id: store, driver }) => {
			const location = await driver.locate(id);
			return driver.stat(location ?? '', call).then(
				() => [store],
				() => [],
			);
		}),
	);
	return there.flat();
}

function named({ catalogue }: World, id: string): readonly string[] {
	return (catalogue.image(id)?.copies ?? []).filter(({ kind }) => kind === 'backend').map(({ store }) => store);
}

async function strays(world: World, id: string): Promise<readonly string[]> {
	const names = named(world, id);
	return (await holders(world, id)).filter((store) => !names.includes(store));
}

interface Scenario {
	readonly request: ImportRequest;
	readonly failing?: readonly string[];
	/** stores that have the image when all is well */
	readonly expected: readonly string[];
	readonly bytes: Buffer;
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
	'three stores that must all have it': {
		request: { method: { name: 'web-download', uri: 'http://example.com/' }, stores: STORES },
		expected: STORES,
		bytes: UNPACKED,
	},
	'three stores of which one is broken': {
		request: { method: { name: 'web-download', uri: 'http://example.com/' }, allStores: true, allStoresMustSucceed: false },
		failing: ['b'],
		expected: ['a', 'c'],
		bytes: UNPACKED,
	},
	'staged bytes': { request: { method: { name: 'glance-direct' }, allStores: true }, expected: STORES, bytes: UNPACKED },
	'a copy': { request: { method: { name: 'copy-image' }, allStores: true }, expected: STORES, bytes: PACKED },
};

/** Resolves to how many points the import has. */
async function imported({ request, failing, expected, bytes }: Scenario, at?: number): Promise<number> {
	const world = await createWorld(failing);
	const ctx = administrator();
	const { site: before } = await startProcess(world, fuse());
	const { id } = await before.images.create(ctx, UPLOADABLE);
	if (request.method.name === 'glance-direct') await before.images.stage(ctx, id, uploadOf(PACKED));
	if (request.method.name === 'copy-image') await before.images.upload(ctx, id, uploadOf(PACKED, { store: 'a' }));
	const dying = fuse(at);
	const { site } = await startProcess(world, dying);
	await site.imports.start(ctx, id, request).catch((error: unknown) => {
		if (!dying.burnt) throw error;
	});
	await site.executor.idle();
	await site.executor[Symbol.asyncDispose]();
	const cut = world.catalogue.image(id)?.staged;
	if (cut) assert.equal(cut.content.size === UNPACKED.length, world.catalogue.image(id)?.properties.unpacked === 'yes');
	await restart(world, id, request);

	const image = world.catalogue.image(id);
	const where = `point ${at}: ${JSON.stringify(image)}`;
	assert.equal(image?.properties.os_glance_import_task, undefined, where);
	assert.deepEqual(await holders(world, id), named(world, id), where);
	assert.ok(
		[...world.puts.values()].every((count) => count === 1),
		`${where}: put twice`,
	);
	const isNew = request.method.name !== 'copy-image';
	if (image?.status === 'queued' && at !== undefined && isNew) {
		assert.deepEqual(named(world, id), [], where);
		assert.equal(world.data.contents.size, 0, where);
		return dying.points;
	}
	// of a copy that never began, the image is as it was; staged bytes wait for who asks again
	if (at !== undefined && image?.properties.os_glance_importing_to_stores === undefined) return dying.points;
	assert.equal(image?.status, 'active', where);
	assert.deepEqual(named(world, id), expected, where);
	assert.equal(image?.size, bytes.length, where);
	assert.equal(world.data.contents.size, 1, where);
	return dying.points;
}

describe('a process that dies during an import', () => {
	for (const [name, scenario] of Object.entries(SCENARIOS))
		it(`into ${name} leaves nothing half-done, at whatever point`, async () => {
			const points = await imported(scenario);
			assert.ok(points >= 20, `only ${points} points`);
			for (let at = 1; at <= points; at += 1) await imported(scenario, at);
		});
});
