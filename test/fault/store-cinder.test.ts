/**
 * Cinder's API lost, late or wrong at every step of an upload, on the real one: the error says which store and why, neither
 * Cinder nor Ceph keeps anything of it, and the next upload just works.
 */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { codeOf, type ErrorCode } from '#domain/errors.ts';
import type { ImageStore, ObjectSource } from '#domain/ports/stores.ts';
import { silentLog } from '#lib/log.ts';
import { GiB, MiB } from '#lib/sizes.ts';
import type { StoreDriver } from '#store/driver.ts';
import { cinder } from '#store/drivers/cinder.ts';
import type { StoreOptions } from '#store/options.ts';
import type { StoreLimits } from '#store/store.ts';
import { type ApiFront, startApiFront, type Trouble } from '../support/api-front.ts';
import { eventually, within } from '../support/eventually.ts';
import { cinderOfFile } from '../support/real-cinder.ts';
import { collect, digestOf, signal, sourceOf } from '../support/store-driver-suite.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { temporaryDir } from '../support/temporary-dir.ts';
import { testStore } from '../support/test-store.ts';

const call = { signal };
const { missing, cloud } = await cinderOfFile();

const CREATE = 'POST /volumes';
const LOOK = 'GET /volumes/:id';
const RESERVE = 'POST /attachments';
const CONNECT = 'PUT /attachments/:id';
const COMPLETE = 'POST /attachments/:id/action os-complete';
const DETACH = 'DELETE /attachments/:id';
const EXTEND = 'POST /volumes/:id/action os-extend';
const READ_ONLY = 'POST /volumes/:id/action os-update_readonly_flag';
const METADATA = 'PUT /volumes/:id/metadata';
const DELETE = 'DELETE /volumes/:id';

/** The upload of an image of known length. What may be asked again is; a POST is not. */
const STEPS: readonly (readonly [step: string, mayBeLost: boolean])[] = [
	[CREATE, false],
	[LOOK, true],
	[RESERVE, false],
	[CONNECT, true],
	[COMPLETE, false],
	[DETACH, true],
	[READ_ONLY, false],
	[METADATA, true],
];

interface Scene {
	readonly front: ApiFront;
	readonly workDir: string;
	readonly store: ImageStore;
	/** the same, by the usual limits */
	readonly patient: ImageStore;
	readonly driver: StoreDriver;
	/** The driver again, as a node that was started anew has it. */
	reopen(more?: StoreOptions): Promise<ImageStore>;
}

const BYTES = randomBytes(2 * MiB);

async function scene(t: TestContext, more: StoreOptions = {}, limits: Partial<StoreLimits> = {}): Promise<Scene> {
	const stack = new AsyncDisposableStack();
	t.after(() => stack.disposeAsync());
	const dir = stack.use(await temporaryDir());
	const front = stack.use(await startApiFront(cloud().origin));
	const workDir = join(dir.path, 'store');
	const around = { store: 'volumes', log: silentLog, signal, workDir };
	const options = { ...cloud().options, cinder_endpoint_template: `${front.url}/v3/%(project_id)s`, ...more };
	let driver = await cinder.open(options, around);
	stack.defer(() => driver[Symbol.asyncDispose]());
	const storeOf = (more: Partial<StoreLimits> = {}) => testStore('volumes', driver, { tries: 1, ...more });
	return {
		front,
		workDir,
		store: storeOf(limits),
		patient: storeOf(),
		driver,
		async reopen(other = {}) {
			await driver[Symbol.asyncDispose]();
			driver = await cinder.open({ ...options, ...other }, around);
			return storeOf();
		},
	};
}

/** The first request of that step meets trouble. */
function onceAt(step: string, trouble: Trouble): (step: string) => Trouble | undefined {
	let met = false;
	return (each) => {
		if (met || each !== step) return undefined;
		met = true;
		return trouble;
	};
}

/** So do all that follow. */
function fromThen(step: string, first: Trouble, later: Trouble = 'refuse'): (step: string) => Trouble | undefined {
	const once = onceAt(step, first);
	let met = false;
	return (each) => {
		const trouble = met ? later : once(each);
		met ||= trouble !== undefined;
		return trouble;
	};
}

async function failsWith(code: ErrorCode, why: RegExp, work: Promise<unknown>): Promise<void> {
	await assert.rejects(within('the failure', 60_000, work), (error: Error) => {
		assert.equal(codeOf(error), code, error.message);
		assert.match(error.message, /^store volumes: /);
		assert.match(error.message, why);
		return true;
	});
}

/** No volume of that image, attached or not, and no note of it. What Ceph has, the last test says. */
async function nothingIsLeft(key: string, workDir: string): Promise<void> {
	await eventually(
		'nothing to be left',
		async () => {
			const { volumes } = (await cloud().ask('GET', `/volumes/detail?name=image-${key}`)).json;
			const found = { volumes, notes: await readdir(workDir) };
			if (Object.values(found).every(({ length }) => length === 0)) return true;
			throw new Error(JSON.stringify(found));
		},
		{ timeoutMs: 75_000, everyMs: 250 },
	);
}

async function works(store: ImageStore, driver?: StoreDriver): Promise<void> {
	const { location } = await store.put(randomUUID(), sourceOf(BYTES), call);
	if (driver) assert.equal(digestOf(await collect(driver, location, 'whole')), digestOf(BYTES));
	await store.remove(location, call);
}

/** Fails, leaves nothing, and works the next time. */
async function failsAndWorks(
	{ store, patient, workDir }: Scene,
	code: ErrorCode,
	why: RegExp,
	source = sourceOf(BYTES),
): Promise<void> {
	const key = randomUUID();
	await failsWith(code, why, store.put(key, source, call));
	await nothingIsLeft(key, workDir);
	await works(patient);
}

/** More than a volume of one GiB takes, of a length that nobody knows. */
function endless(): ObjectSource {
	const piece = randomBytes(4 * MiB);
	return {
		async *read() {
			for (let sent = 0; sent <= GiB; sent += piece.length) yield piece;
		},
	};
}

const HTML = { type: 'text/html', body: '<html><body>It works!</body></html>' };
const JSON_ = 'application/json';

const WRONG: readonly (readonly [what: string, step: string, Trouble, ErrorCode, RegExp])[] = [
	['500', CREATE, { status: 500, type: JSON_, body: '{}' }, 'store-failed', /a new volume: cinder answers 500/],
	['500 to what it does', CREATE, { status: 500, ...HTML, done: true }, 'store-failed', /a new volume: cinder answers 500/],
	['a page', CREATE, { status: 200, ...HTML, done: true }, 'store-failed', /a new volume: the answer is none of cinder's/],
	['an id that is none', CREATE, { status: 202, type: JSON_, body: '{"volume":{"id":"../x"}}' }, 'store-failed', /without an id/],
	['a volume that is none', LOOK, { status: 200, type: JSON_, body: '{"volume":[]}' }, 'store-failed', /without an id/],
	['nonsense', RESERVE, { raw: 'SSH-2.0-nonsense\r\n\r\n' }, 'unavailable', /cannot be reached/],
	['500', CONNECT, { status: 500, ...HTML }, 'store-failed', /volume .*: cinder answers 500/],
	['no connection', CONNECT, { status: 200, type: JSON_, body: '{}', done: true }, 'store-failed', /does not say how to connect/],
	['503', COMPLETE, { status: 503, ...HTML }, 'unavailable', /volume .*: cinder answers 503/],
	['a page', COMPLETE, { status: 200, ...HTML }, 'store-failed', /volume .*: the answer is none of cinder's/],
	['a redirection', READ_ONLY, { status: 302, type: 'text/plain', body: '' }, 'store-failed', /volume .*: cinder answers 302/],
	['a page', METADATA, { status: 200, ...HTML, done: true }, 'store-failed', /volume .*: the answer is none of cinder's/],
];

// a quota is everybody's
describe('cinder when the quota is used up', { skip: missing }, () => {
	it('says full when a volume cannot be, or cannot grow, and leaves nothing', { skip: missing }, async (t) => {
		const { workDir, store, driver } = await scene(t);
		const set = async (quota: object) => {
			const { status } = await cloud().admin('PUT', '/os-quota-sets/{project}', { quota_set: quota });
			assert.equal(status, 200);
		};
		const keys = [randomUUID(), randomUUID()] as const;
		try {
			await set({ gigabytes: 1 });
			await failsWith('full', /quota is used up/, store.put(keys[0], endless(), call));
			await set({ gigabytes: 1000, volumes: 0 });
			await failsWith('full', /quota is used up/, store.put(keys[1], sourceOf(BYTES), call));
		} finally {
			await set({ gigabytes: 1000, volumes: 100 });
		}
		for (const key of keys) await nothingIsLeft(key, workDir);
		await works(store, driver);
	});
});

describe('cinder in trouble', { skip: missing, concurrency: 8 }, () => {
	const test = (claim: string, body: (t: TestContext) => Promise<void>) => it(claim, { skip: missing }, body);

	test('leaves nothing of what Cinder begins only after everybody has gone, nor when nothing arrives at all', async (t) => {
		const scenes = await Promise.all(Array.from({ length: 4 }, () => scene(t)));
		const keys = scenes.map(() => randomUUID());
		for (const [index, { front, store }] of scenes.entries()) {
			front.rule(index === 0 ? () => 'refuse' : onceAt(index === 1 ? RESERVE : CREATE, 'late'));
			await failsWith('unavailable', /cannot be reached/, store.put(keys[index] ?? '', sourceOf(BYTES), call));
			front.mend();
		}
		// of the last one nothing is known but its note
		await scenes[3]?.reopen();
		for (const { front } of scenes) await front.deliver();
		for (const [index, { workDir }] of scenes.entries()) await nothingIsLeft(keys[index] ?? '', workDir);
		for (const { store } of scenes.slice(0, 2)) await works(store);
	});

	/** Whoever reads next, and whoever removes: nobody has the volume. */
	const isFree = async (volume: string, workDir: string) =>
		eventually(
			'nothing to be attached',
			async () => {
				const { attachments } = (await cloud().ask('GET', `/attachments?volume_id=${volume}`)).json;
				const notes = await readdir(workDir);
				if (attachments.length + notes.length === 0) return true;
				throw new Error(JSON.stringify({ attachments, notes }));
			},
			{ timeoutMs: 75_000, everyMs: 250 },
		);

	for (const [step, trouble] of [
		[RESERVE, 'lose'],
		[RESERVE, 'late'],
		[CONNECT, 'lose'],
		[COMPLETE, 'refuse'],
		[DETACH, 'refuse'],
	] as const)
		test(`a reader leaves nothing attached, from when on it is away: ${step}, ${trouble}`, async (t) => {
			const { front, workDir, store, driver, reopen } = await scene(t, { cinder_http_retries: '0' });
			const { location } = await store.put(randomUUID(), sourceOf(BYTES), call);
			front.rule(fromThen(step, trouble));
			const reading = collect(driver, location, 'whole');
			if (step === DETACH) await reading;
			else await assert.rejects(reading, (error) => codeOf(error) === 'unavailable');
			front.mend();
			await front.deliver();
			// the others by the driver itself, a moment later
			const again = trouble === 'lose' ? await reopen() : store;
			await isFree(location.split('/').at(-1) ?? '', workDir);
			await again.remove(location, call);
		});

	for (const [step, mayBeLost] of STEPS) {
		test(`an answer is lost on its way: ${step}`, async (t) => {
			const { front, workDir, store, driver } = await scene(t);
			front.rule(onceAt(step, 'lose'));
			const key = randomUUID();
			const upload = store.put(key, sourceOf(BYTES), call);
			if (mayBeLost) await store.remove((await upload).location, call);
			else await failsWith('unavailable', /cannot be reached/, upload);
			await nothingIsLeft(key, workDir);
			await works(store, driver);
		});

		test(`it is away from one answer on: ${step}`, async (t) => {
			const { front, workDir, store, reopen } = await scene(t, { cinder_http_retries: '0' });
			front.rule(fromThen(step, 'lose'));
			const key = randomUUID();
			let placed = '';
			const onPlace = async (location: string) => {
				placed = location;
			};
			await failsWith('unavailable', /cannot be reached/, store.put(key, sourceOf(BYTES), { ...call, onPlace }));
			front.mend();
			const again = await reopen();
			// this one is whole: who was told its place takes it away
			if (step === METADATA) await again.remove(placed, call);
			await nothingIsLeft(key, workDir);
			await works(again);
		});
	}

	for (const [what, step, trouble, code, why] of WRONG)
		test(`it answers ${what}: ${step}`, async (t) => {
			const at = await scene(t);
			at.front.rule(onceAt(step, trouble));
			await failsAndWorks(at, code, why);
		});

	for (const step of [CREATE, CONNECT, METADATA])
		test(`no answer within the store's limit: ${step}`, async (t) => {
			const at = await scene(t, {}, { stallMs: 6000 });
			at.front.rule(onceAt(step, 'hang'));
			await failsAndWorks(at, 'unavailable', /nothing went on for 6 s/);
		});

	test('an upload of unknown length is cut off while its volume is made longer', async (t) => {
		const at = await scene(t);
		at.front.rule(onceAt(EXTEND, 'lose'));
		await failsAndWorks(at, 'unavailable', /cannot be reached/, endless());
	});

	test('takes away a volume that no backend takes', async (t) => {
		const name = randomUUID();
		const type = { name, extra_specs: { volume_backend_name: 'nobody' } };
		assert.equal((await cloud().admin('POST', '/types', { volume_type: type })).status, 200);
		const { workDir, store } = await scene(t, { cinder_volume_type: name });
		const key = randomUUID();
		await failsWith('store-failed', /volume .*: it became error/, store.put(key, sourceOf(BYTES), call));
		await nothingIsLeft(key, workDir);
	});

	test('logs in again when its token is refused on the way, and goes on', async (t) => {
		const { front, store } = await scene(t);
		const met = new Set<string>();
		front.rule((step) => {
			if (met.has(step) || (step !== RESERVE && step !== METADATA)) return undefined;
			met.add(step);
			return 'spoil';
		});
		await works(store);
		assert.equal(met.size, 2);
	});

	test('ends when no token is good any more, or Keystone is away when one is needed', async (t) => {
		await using keystone = await startTcpProxy({ port: Number(new URL(cloud().keystone).port) });
		const { front, workDir, store, reopen } = await scene(t, {
			cinder_store_auth_address: `http://127.0.0.1:${keystone.port}/v3`,
		});
		const keys = [randomUUID(), randomUUID()] as const;
		front.rule(fromThen(CONNECT, 'spoil', 'spoil'));
		await failsWith('forbidden', /cinder answers 401/, store.put(keys[0], sourceOf(BYTES), call));
		const spoil = fromThen(CONNECT, 'spoil', 'spoil');
		front.rule((step) => {
			if (step === CONNECT) keystone.cut();
			return spoil(step);
		});
		await failsWith('unavailable', /cannot be reached/, store.put(keys[1], sourceOf(BYTES), call));
		front.mend();
		keystone.mend();
		const again = await reopen();
		for (const key of keys) await nothingIsLeft(key, workDir);
		await works(again);
	});

	test('a volume is removed though the answer is lost; not there is said only when it is not', async (t) => {
		const { front, store, reopen } = await scene(t);
		const put = async (into: ImageStore) => (await into.put(randomUUID(), sourceOf(BYTES), call)).location;
		const first = await put(store);
		front.rule(onceAt(DELETE, 'lose'));
		await store.remove(first, call);
		const second = await put(store);
		const hasty = await reopen({ cinder_http_retries: '0' });
		front.rule(fromThen(DELETE, 'refuse'));
		await failsWith('unavailable', /cannot be reached/, hasty.remove(second, call));
		front.mend();
		assert.equal((await hasty.stat(second, call)).size, BYTES.length);
		await hasty.remove(second, call);
		await failsWith('not-found', /volume/, hasty.remove(second, call));
	});
});

describe('after all that', { skip: missing }, () => {
	it('there is nothing in Cinder and in Ceph', { skip: missing }, async () => {
		assert.deepEqual(await cloud().holds(), { volumes: [], attachments: [], images: [] });
	});
});
