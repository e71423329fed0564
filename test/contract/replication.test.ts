/** Seeding and announcing over the real catalogue, the real content store and every store driver. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type LocalCatalogue, openCatalogue } from '#catalogue/catalogue.ts';
import { memoryKeyValue } from '#catalogue/memory.ts';
import { lateSources } from '#content/late-sources.ts';
import type { ContentRef, ImageId } from '#domain/image.ts';
import type { Op } from '#domain/ops.ts';
import { silentLog } from '#lib/log.ts';
import { createCopyKeeper } from '#replication/copy-keeper.ts';
import { createImageObjects } from '#replication/image-objects.ts';
import { createSeeder, type Seeder } from '#replication/seeder.ts';
import type { StoreDriver } from '#store/driver.ts';
import { openFilesystem } from '#store/drivers/filesystem.ts';
import { openMemory } from '#store/drivers/memory.ts';
import { storeSource } from '../support/block-sources.ts';
import { eventually } from '../support/eventually.ts';
import { logTrust, logWriter } from '../support/fleet-of-logs.ts';
import { chunks, type OpenContent, openContent, put, readAll } from '../support/open-content.ts';
import { temporaryDir } from '../support/temporary-dir.ts';
import { testStore } from '../support/test-store.ts';

const MiB = 1024 * 1024;
const signal = new AbortController().signal;
const backends: Readonly<Record<string, (dir: string) => Promise<StoreDriver>>> = {
	filesystem: (dir) => openFilesystem({ folders: [{ path: join(dir, 'images'), priority: 0 }] }),
	memory: openMemory,
};

for (const [name, openBackend] of Object.entries(backends)) {
	describe(`seeding into ${name}`, () => {
		it('brings an image of another site into the backend and says so', () =>
			withScene(openBackend, async (scene) => {
				const { id, bytes } = await scene.uploadAtEdge(randomBytes(3 * MiB + 5));
				await scene.ship();
				await scene.seeded(id);
				assert.ok((await scene.object(id)).equals(bytes));
				assert.deepEqual(scene.storesOf(id), ['centre', 'file', 'paris']);
			}));

		it('seeds an own upload without fetching anything', () =>
			withScene(openBackend, async (scene) => {
				const { id, bytes } = await scene.uploadAtCentre(randomBytes(MiB));
				await scene.seeded(id);
				assert.ok((await scene.object(id)).equals(bytes));
				assert.equal(scene.source.fetched.length, 0);
			}));

		it('never admits bytes that are not those of the record, and does not try again', () =>
			withScene(openBackend, async (scene) => {
				const { id } = await scene.uploadAtEdge(randomBytes(2 * MiB), { checksum: 'f'.repeat(32) });
				const good = await scene.uploadAtEdge(randomBytes(MiB));
				await scene.ship();
				await scene.seeded(good.id);
				await eventually('the bad image to be looked at', () => (scene.refusals() > 0 ? true : undefined));
				scene.seeder.nudge();
				await eventually('the queue to be empty', () => (scene.seeder.backlog() === 0 ? true : undefined));
				assert.ok(!scene.storesOf(id).includes('file'));
				assert.equal(await scene.holds(id), false);
				assert.equal(scene.refusals(), 1);
			}));

		it('takes the object that a crash left unsaid, and never one with other bytes', () =>
			withScene(openBackend, async (scene) => {
				const same = await scene.uploadAtEdge(randomBytes(MiB));
				const other = await scene.uploadAtEdge(randomBytes(MiB));
				await scene.putObject(same.id, same.bytes);
				const foreign = randomBytes(MiB);
				await scene.putObject(other.id, foreign);
				await scene.ship();
				await scene.seeded(same.id);
				await eventually('the other to be refused', () => (scene.warnings.length > 0 ? true : undefined));
				assert.ok((await scene.object(other.id)).equals(foreign));
				assert.ok(!scene.storesOf(other.id).includes('file'));
			}));

		it('removes the object of an image that was deleted, also while the node was down', () =>
			withScene(openBackend, async (scene) => {
				const first = await scene.uploadAtEdge(randomBytes(MiB));
				const second = await scene.uploadAtEdge(randomBytes(MiB));
				await scene.ship();
				await scene.seeded(first.id);
				await scene.seeded(second.id);
				await scene.deleteAtEdge(first.id);
				await eventually('the object to go', async () => ((await scene.holds(first.id)) ? undefined : true));
				await scene.stopSeeder();
				await scene.deleteAtEdge(second.id);
				assert.ok(await scene.holds(second.id));
				await scene.startSeeder();
				await eventually('the object to go', async () => ((await scene.holds(second.id)) ? undefined : true));
			}));

		it('removes the object that a crash left unsaid when its image was deleted before the next start', () =>
			withScene(openBackend, async (scene) => {
				scene.dieAfterPut();
				const { id } = await scene.uploadAtEdge(randomBytes(MiB));
				await scene.ship();
				await eventually('the object to be there', async () => ((await scene.holds(id)) ? true : undefined));
				await scene.stopSeeder();
				await scene.deleteAtEdge(id);
				await scene.startSeeder();
				await eventually('the object to go', async () => ((await scene.holds(id)) ? undefined : true));
			}));

		it('waits for a holder, and goes on as soon as one is there', () =>
			withScene(openBackend, async (scene) => {
				scene.cut();
				const { id, bytes } = await scene.uploadAtEdge(randomBytes(2 * MiB));
				await scene.ship();
				await eventually('a first try to fail', () => (scene.warnings.length > 0 ? true : undefined));
				scene.mend();
				scene.seeder.nudge();
				await scene.seeded(id);
				assert.ok((await scene.object(id)).equals(bytes));
			}));
	});
}

describe('what a node says that it holds', () => {
	it('is every live image whose bytes are complete here, once', () =>
		withScene(openMemory, async (scene) => {
			await scene.stopSeeder();
			const bytes = randomBytes(MiB);
			const own = await scene.uploadAtCentre(bytes);
			const same = await scene.uploadAtEdge(bytes);
			const unlike = await scene.uploadAtEdge(randomBytes(MiB));
			await scene.ship();
			await eventually('the equal image to be announced', () => (scene.storesOf(same.id).includes('centre') ? true : undefined));
			assert.deepEqual(scene.storesOf(own.id), ['centre']);
			assert.deepEqual(scene.storesOf(unlike.id), ['paris']);
			const before = scene.centre.feed.vector();
			await scene.keeper.reconcile();
			assert.deepEqual(scene.centre.feed.vector(), before);
		}));

	it('lets go of bytes when the last image that names them is gone', () =>
		withScene(openMemory, async (scene) => {
			await scene.stopSeeder();
			const { id, content } = await scene.uploadAtEdge(randomBytes(MiB));
			await scene.ship();
			await readAll(scene.here.store, content);
			await eventually('the copy to be announced', () => (scene.storesOf(id).includes('centre') ? true : undefined));
			await scene.deleteAtEdge(id);
			await eventually('the bytes to go', () => (scene.here.store.presence(content.root) === 'none' ? true : undefined));
		}));
});

interface Uploaded {
	readonly id: ImageId;
	readonly bytes: Buffer;
	readonly content: ContentRef;
}

type Scene = Awaited<ReturnType<typeof openScene>>['scene'];

async function withScene(
	openBackend: (dir: string) => Promise<StoreDriver>,
	body: (scene: Scene) => Promise<void>,
): Promise<void> {
	await using stack = new AsyncDisposableStack();
	const { scene } = await openScene(openBackend, stack);
	await body(scene);
}

/** A centre with a backend, and an edge whose log and blocks are at hand. */
async function openScene(openBackend: (dir: string) => Promise<StoreDriver>, stack: AsyncDisposableStack) {
	const dir = stack.use(await temporaryDir());
	const [centreKey, edgeKey] = [logWriter('centre'), logWriter('paris')];
	const centre = stack.use(
		await openCatalogue({ kv: memoryKeyValue(), signer: centreKey.signer, trust: logTrust, log: silentLog }),
	);
	const edge = stack.use(await openCatalogue({ kv: memoryKeyValue(), signer: edgeKey.signer, trust: logTrust, log: silentLog }));
	await centre.commit([centreKey.announce]);
	await edge.commit([edgeKey.announce]);

	const there = stack.use(await openContent());
	const source = storeSource(edgeKey.log, there.store);
	let linked = true;
	const sources = lateSources();
	const here = stack.use(await openContent({ sources, shareBlocks: false, limits: { sourceWaitMs: 50 } }));
	sources.connect({ find: () => (linked ? [source] : []), onChange: () => () => {}, reportBad: () => {} });

	const driver = testStore('file', stack.use(await openBackend(dir.path)));
	const locate = async (id: ImageId) => (await driver.locate(id, { signal })) ?? '';
	const keeper = stack.use(
		createCopyKeeper({ catalogue: centre, data: here.store, node: centreKey.log, site: 'centre', log: silentLog }),
	);
	const warnings: object[] = [];
	const log = { ...silentLog, warn: (fields: object) => void warnings.push(fields) };
	const kv = memoryKeyValue();
	let seeder: Seeder;
	let afterPut = async () => {};
	const startSeeder = async () => {
		seeder = createSeeder({
			catalogue: centre,
			content: here.store,
			backend: { ...driver, put: (...args) => driver.put(...args).finally(afterPut) },
			node: centreKey.log,
			site: 'centre',
			objects: createImageObjects({ kv, content: here.store }),
			log,
		});
		await seeder.start();
	};
	await startSeeder();
	stack.defer(() => seeder[Symbol.asyncDispose]());

	const scene = {
		here,
		centre,
		driver,
		keeper,
		source,
		warnings,
		get seeder() {
			return seeder;
		},
		startSeeder,
		stopSeeder: () => seeder[Symbol.asyncDispose](),
		refusals: () => warnings.filter((fields) => 'code' in fields && fields.code === 'corrupt').length,
		cut() {
			linked = false;
		},
		mend() {
			linked = true;
		},
		/** From now on the seeder gets no further than the object. */
		dieAfterPut() {
			afterPut = () => Promise.reject(new Error('the end'));
		},
		uploadAtEdge: (bytes: Buffer, lies: { checksum?: string } = {}) => upload(edge, there, 'paris', bytes, lies),
		uploadAtCentre: (bytes: Buffer) => upload(centre, here, 'centre', bytes, {}),
		async deleteAtEdge(id: ImageId) {
			await edge.commit([{ type: 'image.delete', id }]);
			await ship(edge, centre);
		},
		ship: () => ship(edge, centre),
		storesOf: (id: ImageId) => (centre.image(id)?.copies ?? []).map(({ store }) => store).toSorted(),
		seeded: (id: ImageId) =>
			eventually(`image ${id} to be seeded`, () =>
				centre.image(id)?.copies.some(({ kind }) => kind === 'backend') ? true : undefined,
			),
		async object(id: ImageId) {
			const location = await locate(id);
			const { size } = await driver.stat(location, { signal });
			const parts: Uint8Array[] = [];
			for await (const chunk of driver.get(location, { start: 0, end: size }, { signal })) parts.push(Buffer.from(chunk));
			return Buffer.concat(parts);
		},
		holds: async (id: ImageId) =>
			driver.stat(await locate(id), { signal }).then(
				() => true,
				() => false,
			),
		putObject: (id: ImageId, bytes: Buffer) => driver.put(id, { size: bytes.length, read: () => chunks(bytes) }, { signal }),
	};
	return { scene };
}

async function upload(
	catalogue: LocalCatalogue,
	{ store }: OpenContent,
	site: string,
	bytes: Buffer,
	lies: { checksum?: string },
): Promise<Uploaded> {
	const id = randomUUID();
	await using written = await put(store, chunks(bytes));
	const { content, checksum, hashAlgorithm, hashValue } = written;
	const fields = {
		name: null,
		visibility: 'shared',
		owner: null,
		protected: false,
		hidden: false,
		minDisk: 0,
		minRam: 0,
		diskFormat: 'raw',
		containerFormat: 'bare',
		tags: [],
		properties: {},
	} as const;
	const ops: Op[] = [
		{ type: 'image.create', id, fields },
		{ type: 'image.status', id, status: 'saving' },
		{ type: 'image.data', id, content, checksum, hashAlgorithm, hashValue, virtualSize: null, ...lies },
		{ type: 'copy.add', id, store: site, kind: 'site' },
	];
	await catalogue.commit(ops);
	return { id, bytes, content };
}

async function ship(from: LocalCatalogue, to: LocalCatalogue): Promise<void> {
	for (;;) {
		const entries = await from.feed.missing(to.feed.vector(), MiB);
		if (entries.length === 0) return;
		await to.feed.receive(entries);
	}
}
