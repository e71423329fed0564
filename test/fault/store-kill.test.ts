/**
 * kill -9 of a process in the middle of an upload to Ceph and to Cinder, or of a download, at chosen moments. Whoever opens the
 * store next leaves nothing half made there; what was whole before stays.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { silentLog } from '#lib/log.ts';
import type { StoreDriver } from '#store/driver.ts';
import { cinder } from '#store/drivers/cinder.ts';
import { rbd } from '#store/drivers/rbd.ts';
import type { StoreOptions } from '#store/options.ts';
import { startApiFront } from '../support/api-front.ts';
import { eventually } from '../support/eventually.ts';
import { cinderOfFile } from '../support/real-cinder.ts';
import { collect, digestOf, signal } from '../support/store-driver-suite.ts';
import { WORKER_BYTES, workerBytes } from '../support/store-worker-bytes.ts';
import { temporaryDir } from '../support/temporary-dir.ts';

const WORKER = fileURLToPath(new URL('../support/store-worker.ts', import.meta.url));
const NEVER = Number.POSITIVE_INFINITY;
const call = { signal };
const { missing, cloud } = await cinderOfFile();

interface Worker {
	/** The rest of the next line that begins with this word. */
	said(word: string): Promise<string>;
	/** Lets it begin its second object. */
	go(): void;
	kill(): Promise<void>;
}

function startWorker(
	kind: string,
	workDir: string,
	options: StoreOptions,
	keys: readonly string[],
	hold: number | 'reading',
): Worker {
	const child: ChildProcess = spawn(process.execPath, [WORKER, kind, workDir, JSON.stringify(options), ...keys, String(hold)], {
		stdio: ['pipe', 'pipe', 'inherit'],
	});
	const ended = once(child, 'exit');
	assert.ok(child.stdout !== null);
	const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
	return {
		async said(word) {
			for (;;) {
				const { done, value } = await lines.next();
				if (done === true) throw new Error(`the worker ended before it said ${word}`);
				const [first, ...rest] = value.split(' ');
				if (first === word) return rest.join(' ');
			}
		},
		go: () => void child.stdin?.write('go\n'),
		async kill() {
			child.kill('SIGKILL');
			await ended;
		},
	};
}

/** Its bytes, and then it goes. */
async function isWhole(driver: StoreDriver, location: string, key: string): Promise<void> {
	assert.equal(digestOf(await collect(driver, location, 'whole')), digestOf(workerBytes(key)));
	await driver.remove(location, call);
}

/** Ceph guards what somebody has open for writing half a minute longer than he lives. */
const PATIENCE = { timeoutMs: 120_000, everyMs: 500 };

describe('kill -9 of an upload to Ceph', { skip: missing, concurrency: 4 }, () => {
	for (const holdAt of [0, WORKER_BYTES / 2, WORKER_BYTES, NEVER])
		it(holdAt === NEVER ? 'when it was finished' : `after ${holdAt} bytes`, { skip: missing }, async () => {
			await using dir = await temporaryDir();
			const workDir = join(dir.path, 'store');
			const { options, images } = cloud().rbd;
			const keys = [randomUUID(), randomUUID()] as const;
			const worker = startWorker('rbd', workDir, options, keys, holdAt);
			const first = await worker.said('kept');
			worker.go();
			await worker.said('held');
			await worker.kill();
			assert.ok((await images()).includes(keys[1]), 'the image was begun');
			await using driver = await rbd.open(options, { store: 'worked', log: silentLog, signal, workDir });
			if (holdAt === NEVER) await isWhole(driver, driver.locate(keys[1]) ?? '', keys[1]);
			await eventually('the image to be gone', async () => ((await images()).includes(keys[1]) ? undefined : true), PATIENCE);
			await isWhole(driver, first, keys[0]);
			assert.deepEqual(await readdir(workDir), []);
		});
});

describe('kill -9 of an upload to Cinder', { skip: missing, concurrency: 5 }, () => {
	/** Of that name, in Cinder. */
	const volumesOf = async (key: string): Promise<readonly { readonly id: string }[]> =>
		(await cloud().ask('GET', `/volumes?name=image-${key}`)).json.volumes;

	async function scene(holdAt: number, moment: string | undefined, whole: boolean): Promise<void> {
		await using dir = await temporaryDir();
		await using front = await startApiFront(cloud().origin);
		const workDir = join(dir.path, 'store');
		const options = { ...cloud().options, cinder_endpoint_template: `${front.url}/v3/%(project_id)s` };
		const keys = [randomUUID(), randomUUID()] as const;
		const worker = startWorker('cinder', workDir, options, keys, holdAt);
		const first = await worker.said('kept');
		if (moment !== undefined) front.rule((step) => (step === moment ? 'mute' : undefined));
		const reached = moment === undefined ? worker.said('held') : front.muted();
		worker.go();
		await reached;
		await worker.kill();
		front.mend();
		const [begun] = await volumesOf(keys[1]);
		assert.ok(begun, 'the volume was begun');
		await using driver = await cinder.open(options, { store: 'worked', log: silentLog, signal, workDir });
		if (whole) {
			// put was told its place before
			assert.equal(await worker.said('placed').catch(() => undefined), `cinder://worked/${begun.id}`);
			await isWhole(driver, `cinder://worked/${begun.id}`, keys[1]);
		}
		await eventually(
			'volume and note to be gone',
			async () => ((await volumesOf(keys[1])).length + (await readdir(workDir)).length === 0 ? true : undefined),
			PATIENCE,
		);
		await isWhole(driver, first, keys[0]);
	}

	for (const moment of [
		'POST /volumes',
		'POST /attachments',
		'PUT /attachments/:id',
		'POST /attachments/:id/action os-complete',
		'DELETE /attachments/:id',
		'POST /volumes/:id/action os-update_readonly_flag',
	])
		it(`when Cinder has done: ${moment}`, { skip: missing }, () => scene(NEVER, moment, false));
	it('in the middle of the bytes', { skip: missing }, () => scene(WORKER_BYTES / 2, undefined, false));
	it('when all bytes are there', { skip: missing }, () => scene(WORKER_BYTES, undefined, false));
	it('by a reader: nobody finds the volume attached', { skip: missing }, async () => {
		await using dir = await temporaryDir();
		const workDir = join(dir.path, 'store');
		const { options } = cloud();
		const key = randomUUID();
		const worker = startWorker('cinder', workDir, options, [key, randomUUID()], 'reading');
		const location = await worker.said('kept');
		worker.go();
		await worker.said('held');
		await worker.kill();
		const attached = async () =>
			(await cloud().ask('GET', `/attachments?volume_id=${location.split('/').at(-1)}`)).json.attachments as readonly unknown[];
		assert.equal((await attached()).length, 1);
		await using driver = await cinder.open(options, { store: 'worked', log: silentLog, signal, workDir });
		assert.deepEqual(await attached(), []);
		assert.deepEqual(await readdir(workDir), []);
		await isWhole(driver, location, key);
	});
	it('when the volume is whole, and nobody has heard of it', { skip: missing }, () =>
		scene(NEVER, 'PUT /volumes/:id/metadata', true),
	);
});

describe('after all that', { skip: missing }, () => {
	it('there is nothing in Cinder and in Ceph', { skip: missing }, async () => {
		assert.deepEqual(await cloud().holds(), { volumes: [], attachments: [], images: [] });
		assert.deepEqual(await cloud().rbd.images(), []);
	});
});
