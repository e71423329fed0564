/**
 * Backends that fail under a whole site: full, slow, refusing, cut off at any point, talking nonsense. The client is told which
 * store and why, the image is as it was before, nothing is left in the backend, and the same image can be tried again.
 * Real servers behind a link that breaks, looked into by clients of their own.
 */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { ImageStore } from '#domain/ports/stores.ts';
import { silentLog } from '#lib/log.ts';
import type { StoreOptions } from '#store/options.ts';
import type { StoreLimits } from '#store/store.ts';
import { type OpenStores, openStores, type StoreSpec } from '#store/stores.ts';
import { eventually } from '../support/eventually.ts';
import { keptLog } from '../support/kept-log.ts';
import { createLoopDisk, whyNoLoopDisks } from '../support/loop-disk.ts';
import { startNode } from '../support/node-process.ts';
import { startSwift } from '../support/real-swift.ts';
import { radosgw } from '../support/s3-servers.ts';
import { openSiteWithStores, type SiteWithStores } from '../support/site-with-stores.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { temporaryDir } from '../support/temporary-dir.ts';

const MiB = 1024 * 1024;
const SIZE = 6 * MiB;
const POINTS = 10;
/** why, in the words of either driver */
const GONE = /is not there|not answer|hung up|cannot be reached/;

await using starting = new AsyncDisposableStack();
const s3 = await radosgw();
if (s3.missing === false) starting.use(s3.server);
const swift = await startSwift();
if (swift.missing === false) starting.use(swift);
const servers = starting.move();
after(() => servers.disposeAsync());

interface Backend {
	readonly type: string;
	/** of the real server */
	readonly port: number;
	/** A place of its own in it, reached by that port. */
	place(port: number): Promise<{ readonly options: StoreOptions; left(): Promise<readonly string[]> }>;
}

interface Subject {
	readonly name: string;
	readonly skip: false | string;
	readonly backend: () => Backend;
}

const SUBJECTS: readonly Subject[] = [
	{
		name: 's3 on radosgw',
		skip: s3.missing === false ? false : `s3: ${s3.missing}`,
		backend() {
			assert.ok(s3.missing === false);
			const { server } = s3;
			return {
				type: 's3',
				port: Number(new URL(server.endpoint).port),
				async place(port) {
					const bucket = await server.createBucket();
					return {
						options: server.options(bucket, { s3_store_host: `http://127.0.0.1:${port}` }),
						left: async () => [...(await server.keys(bucket)), ...(await server.pendingUploads(bucket))],
					};
				},
			};
		},
	},
	{
		name: 'swift',
		skip: swift.missing === false ? false : `swift: ${swift.missing}`,
		backend() {
			assert.ok(swift.missing === false);
			const { port: realPort, account } = swift;
			return {
				type: 'swift',
				port: realPort,
				async place(port) {
					const container = `c-${randomUUID()}`;
					return {
						options: {
							swift_store_auth_version: '1',
							swift_store_auth_address: `http://127.0.0.1:${port}/auth/v1.0`,
							swift_store_user: 'test:tester',
							swift_store_key: 'testing',
							swift_store_endpoint: `http://127.0.0.1:${port}/v1/AUTH_test`,
							swift_store_container: container,
							swift_store_create_container_on_put: 'true',
							swift_store_large_object_size: '2',
							swift_store_large_object_chunk_size: '1',
						},
						async left() {
							const names = (await account.names(container)) ?? [];
							return names.filter((name) => !isSegmentOf(name, names));
						},
					};
				},
			};
		},
	},
];

/** Part of an object that is there, not of one that never came to be. */
function isSegmentOf(name: string, names: readonly string[]): boolean {
	return /^[0-9a-f-]{36}-\d{5}$/.test(name) && names.includes(name.slice(0, 36));
}

interface Scene extends AsyncDisposable {
	readonly site: SiteWithStores;
	readonly stores: OpenStores;
	readonly frail: ImageStore;
	readonly proxy: TcpProxy;
	/** of stores and site */
	readonly log: ReturnType<typeof keptLog>;
	/** what lies in the frail backend, seen past the link */
	left(): Promise<readonly string[]>;
	/** what lies in the good store */
	inGood(): Promise<readonly string[]>;
	/** Resolves when nothing but these images lies in either. */
	holdsOnly(inFrail: readonly string[], inGood?: readonly string[]): Promise<void>;
}

/** A site with a good store, and one behind a link that can be broken. */
async function scene(backend: Backend, limits: Partial<StoreLimits> = {}, startsCut = false): Promise<Scene> {
	await using stack = new AsyncDisposableStack();
	const dir = stack.use(await temporaryDir());
	const proxy = stack.use(await startTcpProxy({ port: backend.port }));
	const { options, left } = await backend.place(proxy.port);
	const goodDir = join(dir.path, 'good');
	const specs: readonly StoreSpec[] = [
		{ id: 'good', type: 'file', options: { filesystem_store_datadir: goodDir } },
		{ id: 'frail', type: backend.type, options },
	];
	if (startsCut) proxy.cut();
	const log = keptLog();
	const stores = stack.use(
		await openStores({
			...{ specs, byDefault: 'good', workDir: join(dir.path, 'work'), log },
			limits: { tries: 2, pauseMs: 20, ...limits },
		}),
	);
	const site = stack.use(await openSiteWithStores({ stores, log }));
	const frail = stores.find('frail');
	assert.ok(frail);
	const inGood = async () => (await readdir(goodDir, { recursive: true })).toSorted();
	const parts = stack.move();
	return {
		...{ site, stores, frail, proxy, log, left, inGood },
		async holdsOnly(inFrail, good = []) {
			// a request whose sender has gone may still be at work: what it leaves is taken back by the next check
			await eventually(`${inFrail.length} objects in the backend and ${good.length} in the good store`, async () => {
				await frail.check({ signal: AbortSignal.timeout(5000) });
				const found = [await left(), await inGood()].map((names) => [...names].toSorted().join());
				if (found[0] === [...inFrail].toSorted().join() && found[1] === [...good].toSorted().join()) return true;
				throw new Error(JSON.stringify(found));
			});
		},
		[Symbol.asyncDispose]: () => parts.disposeAsync(),
	};
}

/** One way of bytes into the frail store, and what an image is before it and after. */
interface Way {
	readonly name: string;
	begin(scene: Scene): Promise<string>;
	/** Resolves to what the client is told of a failure. */
	go(scene: Scene, id: string): Promise<string | undefined>;
	/** after a failure */
	readonly before: string;
	/** The good store has it too, after a failure / after success. */
	readonly good: readonly [boolean, boolean];
}

const BYTES = randomBytes(SIZE);

const WAYS: readonly Way[] = [
	{
		name: 'an upload',
		begin: ({ site }) => site.api.queued(),
		async go({ site, log }, id) {
			const { status, text } = await site.upload(id, BYTES, 'frail');
			if (status !== 204) assert.equal(status, 503, [text, ...log.lines].join('\n'));
			return status === 204 ? undefined : text;
		},
		before: 'queued',
		good: [false, false],
	},
	{
		name: 'an import to two stores',
		begin: ({ site }) => site.api.queued(),
		go: ({ site }, id) => site.importStaged(id, BYTES, ['frail', 'good']),
		before: 'queued',
		good: [false, true],
	},
	{
		name: 'a copy',
		async begin({ site }) {
			const id = await site.api.queued();
			assert.equal((await site.upload(id, BYTES)).status, 204);
			return id;
		},
		go: ({ site }, id) => site.copy(id, ['frail']),
		before: 'active',
		good: [true, true],
	},
];

/** It failed, and nothing but the answer is different from before; then it works. */
async function failsAndWorks(at: Scene, way: Way, id: string, told: string | undefined, why: RegExp): Promise<void> {
	assert.match(told ?? 'no failure', /store frail: /);
	assert.match(told ?? '', why);
	assert.doesNotMatch(told ?? '', /testing|secret|Authorization/i);
	const goodBefore = way.good[0] ? ['good'] : [];
	const { status, stores } = await at.site.show(id);
	assert.deepEqual({ status, stores }, { status: way.before, stores: goodBefore });
	await at.holdsOnly([], way.good[0] ? [id] : []);
	assert.equal(await way.go(at, id), undefined);
	await isRight(at, way, id);
}

/** There, everywhere and nowhere else; and gone when it is deleted. */
async function isRight(at: Scene, way: Way, id: string): Promise<void> {
	const { status, stores, failed } = await at.site.show(id);
	const good = way.good[1] ? ['good'] : [];
	assert.deepEqual({ status, stores, failed }, { status: 'active', stores: ['frail', ...good], failed: undefined });
	await at.holdsOnly([id], way.good[1] ? [id] : []);
	const got = await at.site.api.ask('GET', `/v2/images/${id}/file?prefer=frail`);
	assert.ok(got.bytes.equals(BYTES));
	assert.equal((await at.site.api.ask('DELETE', `/v2/images/${id}`)).status, 204);
	await at.holdsOnly([]);
}

for (const { name, skip, backend } of SUBJECTS)
	describe(`a site over ${name}`, { skip, concurrency: 4 }, () => {
		for (const way of WAYS) {
			it(`${way.name}, cut off at each of ${POINTS} points`, { skip }, async () => {
				await using at = await scene(backend());
				const first = await way.begin(at);
				const from = at.proxy.bytes();
				assert.equal(await way.go(at, first), undefined);
				const talk = at.proxy.bytes() - from;
				await isRight(at, way, first);
				let failures = 0;
				for (let point = 0; point < POINTS; point += 1) {
					const id = await way.begin(at);
					at.proxy.cutAfter(Math.max(1, Math.floor((talk * point) / POINTS)));
					const told = await way.go(at, id);
					at.proxy.mend();
					if (told === undefined) await isRight(at, way, id);
					else await failsAndWorks(at, way, id, told, GONE);
					failures += told === undefined ? 0 : 1;
				}
				assert.ok(failures >= POINTS - 2, `${failures} of ${POINTS} cuts were felt`);
			});
			it(`${way.name}, refused`, { skip }, async () => {
				await using at = await scene(backend());
				const id = await way.begin(at);
				at.proxy.cut();
				const told = await way.go(at, id);
				at.proxy.mend();
				await failsAndWorks(at, way, id, told, GONE);
			});
			it(`${way.name}, answered by nonsense`, { skip }, async () => {
				await using at = await scene(backend());
				const id = await way.begin(at);
				at.proxy.babble('SSH-2.0-nonsense\r\n\r\n');
				const told = await toldAnything(way, at, id);
				at.proxy.mend();
				await failsAndWorks(at, way, id, told, /./);
			});
			it(`${way.name}, when everything stops halfway`, { skip }, async () => {
				await using at = await scene(backend(), { stallMs: 4000, answerMs: 4000, tries: 1 });
				const id = await way.begin(at);
				const start = at.proxy.bytes();
				const watch = setInterval(() => at.proxy.bytes() - start > SIZE / 2 && at.proxy.pause(), 0);
				const told = await way.go(at, id);
				clearInterval(watch);
				at.proxy.resume();
				await failsAndWorks(at, way, id, told, /nothing went on|no answer/);
			});
		}
		it('that is down at the start is named, harms no other store, and comes back by itself', { skip }, async () => {
			await using at = await scene(backend(), {}, true);
			assert.notEqual(at.frail.fault(), undefined);
			const id = await at.site.api.queued();
			assert.equal((await at.site.upload(id, BYTES, 'good')).status, 204);
			const other = await at.site.api.queued();
			const { status, text } = await at.site.upload(other, BYTES, 'frail');
			assert.deepEqual([status, (await at.site.show(other)).status], [503, 'queued']);
			assert.match(text, /store frail: /);
			at.proxy.mend();
			await eventually('the store to be there', () => (at.frail.fault() === undefined ? true : undefined));
			assert.equal((await at.site.upload(other, BYTES, 'frail')).status, 204);
			await at.holdsOnly([other], [id]);
		});
	});

/** Nonsense is no outage: it may be told by another status than 503. */
async function toldAnything(way: Way, at: Scene, id: string): Promise<string | undefined> {
	if (way.name !== 'an upload') return way.go(at, id);
	const { status, text } = await at.site.upload(id, BYTES, 'frail');
	assert.ok(status === 500 || status === 503, `${status} ${text}`);
	return text;
}

describe('a node whose store is down when it starts', () => {
	const [subject] = SUBJECTS;
	const skip = subject?.skip ?? false;
	it('is ready, says which store is not there and why, and has it when it comes', { skip }, async () => {
		assert.ok(subject);
		const { type, port, place } = subject.backend();
		await using dir = await temporaryDir();
		await using proxy = await startTcpProxy({ port });
		const { options, left } = await place(proxy.port);
		const named = Object.entries(options).map(([name, value]) => [`SUNDOG_STORE_FRAIL_${name.toUpperCase()}`, String(value)]);
		const env = {
			SUNDOG_STORES: `good:file,frail:${type}`,
			SUNDOG_DEFAULT_STORE: 'good',
			SUNDOG_STORE_GOOD_FILESYSTEM_STORE_DATADIR: join(dir.path, 'good'),
			...Object.fromEntries(named),
		};
		proxy.cut();
		await using node = await startNode({ dataDir: join(dir.path, 'data'), env });
		const ask = async (path: string, init: RequestInit = {}) => fetch(new URL(path, node.http), init);
		const frailIn = async () => {
			const answer = await ask('/readyz');
			const { ready, capabilities } = (await answer.json()) as {
				readonly ready: boolean;
				readonly capabilities: readonly { readonly name: string; readonly ready: boolean }[];
			};
			return [answer.status, ready, capabilities.find(({ name }) => name === 'store:frail')] as const;
		};
		const down = { name: 'store:frail', ready: false, detail: 'the s3 server is not there (ECONNRESET)', optional: true };
		assert.deepEqual(await frailIn(), [200, true, down]);
		const shown = (await (await ask('/admin/v1/node')).json()) as { readonly stores: unknown };
		assert.deepEqual(shown.stores, [
			{ store: 'good', type: 'file', readOnly: false, state: 'open', toSeed: 0 },
			{ store: 'frail', type, readOnly: false, state: 'unavailable', fault: down.detail },
		]);
		const put = async (store: string) => {
			const json = { 'content-type': 'application/json' };
			const body = JSON.stringify({ disk_format: 'raw', container_format: 'bare' });
			const created = await ask('/v2/images', { method: 'POST', headers: json, body });
			const { id } = (await created.json()) as { readonly id: string };
			const headers = { 'content-type': 'application/octet-stream', 'x-image-meta-store': store };
			const { status } = await ask(`/v2/images/${id}/file`, { method: 'PUT', headers, body: BYTES });
			return { id, status };
		};
		assert.equal((await put('good')).status, 204);
		assert.equal((await put('frail')).status, 503);
		proxy.mend();
		await eventually('the store to be ready', async () => ((await frailIn())[2]?.ready === true ? true : undefined));
		const { id, status } = await put('frail');
		assert.equal(status, 204);
		assert.deepEqual(await left(), [id]);
	});
});

describe('a file store on a small disk', async () => {
	await using probing = await temporaryDir();
	const skip = (await whyNoLoopDisks(probing.path)) ?? false;
	it('that is full says so, keeps nothing, and takes a smaller image', { skip }, async () => {
		await using dir = await temporaryDir();
		await using disk = await createLoopDisk(dir.path, 'small', 16);
		const images = join(disk.path, 'images');
		await using stores = await openStores({
			specs: [{ id: 'small', type: 'file', options: { filesystem_store_datadir: images } }],
			...{ workDir: join(dir.path, 'work'), log: silentLog },
		});
		await using site = await openSiteWithStores({ stores });
		const large = randomBytes(24 * MiB);
		const id = await site.api.queued();
		const { status, text } = await site.upload(id, large, 'small');
		assert.deepEqual([status, await site.show(id)], [413, { status: 'queued', stores: [], failed: undefined }]);
		assert.match(text, /store small: /);
		assert.match((await site.importStaged(id, large, ['small'])) ?? '', /store small: /);
		assert.equal((await site.show(id)).status, 'queued');
		assert.deepEqual(await readdir(images), []);
		assert.equal(await site.bytesHere(), 0);
		assert.equal((await site.upload(id, BYTES, 'small')).status, 204);
		assert.deepEqual(await readdir(images), [id]);
	});
});
