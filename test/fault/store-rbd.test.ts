/** Ceph that stops answering, shuts a client out, or is full; and clients who leave, at any moment. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { codeOf, type ErrorCode } from '#domain/errors.ts';
import type { ObjectSource } from '#domain/ports/stores.ts';
import { MiB } from '#lib/sizes.ts';
import type { StoreOptions } from '#store/options.ts';
import { eventually, within } from '../support/eventually.ts';
import { openRbdDriver, realCeph } from '../support/real-ceph.ts';
import { collect, digestOf, signal, sourceOf } from '../support/store-driver-suite.ts';
import { temporaryDir } from '../support/temporary-dir.ts';
import { testStore } from '../support/test-store.ts';

const call = { signal };
const started = await realCeph({ own: true });
const { missing } = started;
if (started.missing === false) after(() => started[Symbol.asyncDispose]());

function cluster() {
	assert.ok(started.missing === false);
	return started;
}

/** A store whose limits are short, and a folder that outlives it. */
async function partsFor(t: TestContext) {
	const dir = await temporaryDir();
	t.after(() => dir[Symbol.asyncDispose]());
	const ceph = cluster();
	const conf = await ceph.confWith(dir.path, 'rados_osd_op_timeout = 3');
	const options: StoreOptions = { ...ceph.options, rbd_store_ceph_conf: conf, rados_connect_timeout: '3' };
	const workDir = join(dir.path, 'store');
	return {
		ceph,
		workDir,
		options,
		open: () => openRbdDriver(t, options, workDir),
		async isGone(key: string) {
			const gone = async () => ((await ceph.rbd('ls', 'images')).split('\n').includes(key) ? undefined : true);
			await eventually(`image ${key} to be gone`, gone, { timeoutMs: 90_000, everyMs: 500 });
		},
	};
}

async function failsWith(code: ErrorCode, work: Promise<unknown>): Promise<void> {
	await assert.rejects(within('the failure', 30_000, work), (error: Error) => {
		assert.equal(codeOf(error), code, error.message);
		assert.match(error.message, /^store ceph: /);
		return true;
	});
}

/** So many bytes; `at` is called once the first `after` have been taken. */
function source(bytes: number, after: number, at: () => unknown): ObjectSource {
	return {
		size: bytes,
		async *read() {
			const piece = randomBytes(64 * 1024);
			for (let sent = 0; sent < bytes; sent += piece.length) {
				if (sent === after) await at();
				yield piece;
			}
		},
	};
}

describe('rbd in trouble', { skip: missing }, () => {
	for (const process_ of ['osd', 'mon'] as const)
		it(`gives up an upload and a question in bounded time while the ${process_} does not answer, and cleans up behind itself`, async (t) => {
			const { ceph, open, isGone, workDir } = await partsFor(t);
			await using driver = await open();
			const store = testStore('ceph', driver, { stallMs: 8_000, answerMs: 8_000, tries: 1 });
			const kept = await store.put(randomUUID(), sourceOf(randomBytes(5 * MiB)), call);
			const key = randomUUID();
			let frozen: Awaited<ReturnType<typeof ceph.freeze>> | undefined;
			const upload = store.put(
				key,
				source(64 * MiB, 16 * MiB, async () => {
					frozen = await ceph.freeze(process_);
				}),
				call,
			);
			try {
				await failsWith('unavailable', upload);
				if (process_ === 'osd') {
					await failsWith('unavailable', store.stat(kept.location, call));
					await failsWith('unavailable', store.check(call));
					await failsWith(
						'unavailable',
						(async () => {
							for await (const _ of store.get(kept.location, 'whole', call));
						})(),
					);
				}
			} finally {
				frozen?.resume();
			}
			await isGone(key);
			await eventually('the note to be gone', async () => ((await readdir(workDir)).length === 0 ? true : undefined));
			assert.equal((await store.stat(kept.location, call)).size, 5 * MiB);
		});

	it('does not open while no monitor answers, says so soon, and the node goes on meanwhile', async (t) => {
		const { ceph, open } = await partsFor(t);
		await using _ = await ceph.freeze('mon');
		let turns = 0;
		const ticking = setInterval(() => {
			turns += 1;
		}, 10);
		try {
			await assert.rejects(within('opening', 20_000, open()), (error) => codeOf(error) === 'unavailable');
		} finally {
			clearInterval(ticking);
		}
		assert.ok(turns > 50, `the loop turned ${turns} times only`);
	});

	it('does not keep files waiting while a cluster does not answer', async (t) => {
		const { ceph, open, workDir } = await partsFor(t);
		await using driver = await open();
		const kept = await driver.put(randomUUID(), sourceOf(randomBytes(10)), call);
		await using frozen = await ceph.freeze('osd');
		const stuck = Array.from({ length: 8 }, () => driver.stat(kept.location, call).catch(codeOf));
		const removals = Array.from({ length: 8 }, () => driver.remove(`rbd://${randomUUID()}`, call).catch(codeOf));
		const checks = Array.from({ length: 8 }, () => driver.check(call).catch(codeOf));
		let answered = false;
		const all = Promise.all([...stuck, ...removals, ...checks]).finally(() => {
			answered = true;
		});
		for (let turn = 0; turn < 20; turn += 1) await readdir(workDir);
		assert.equal(answered, false, 'files were read only after the cluster had answered');
		frozen.resume();
		await all;
	});

	it('leaves nothing of an upload that is aborted, at ten points', async (t) => {
		const { open, isGone, workDir } = await partsFor(t);
		await using driver = await open();
		const store = testStore('ceph', driver);
		for (let point = 0; point < 10; point += 1) {
			const key = randomUUID();
			const leaving = new AbortController();
			const leave = () => leaving.abort(new Error('the client left'));
			// the last ones: while the image is finished
			const total = 10 * MiB;
			const upload =
				point < 8
					? store.put(key, source(total, point * MiB, leave), { signal: leaving.signal })
					: store.put(
							key,
							{
								size: total,
								async *read() {
									yield randomBytes(total);
									setTimeout(leave, point === 8 ? 100 : 400);
								},
							},
							{ signal: leaving.signal },
						);
			await assert.rejects(upload, /the client left/, `point ${point}`);
			await isGone(key);
		}
		assert.deepEqual(await readdir(workDir), []);
	});

	it('comes back by itself when the cluster has shut its client out', async (t) => {
		const { ceph, open, isGone } = await partsFor(t);
		await using driver = await open();
		const store = testStore('ceph', driver);
		const key = randomUUID();
		const upload = store.put(
			key,
			source(32 * MiB, 8 * MiB, async () => {
				const [, address = ''] = /watcher=(\S+)/.exec(await ceph.rbd('status', `images/${key}`)) ?? [];
				await ceph.ceph('osd', 'blocklist', 'add', address);
			}),
			call,
		);
		await failsWith('unavailable', upload);
		const bytes = randomBytes(2 * MiB);
		const { location } = await store.put(randomUUID(), sourceOf(bytes), call);
		assert.equal(digestOf(await collect(driver, location, 'whole')), digestOf(bytes));
		await isGone(key);
	});

	it('says full when the pool is, and leaves nothing', async (t) => {
		const { ceph, open, isGone } = await partsFor(t);
		await using driver = await open();
		const store = testStore('ceph', driver);
		await store.put(randomUUID(), sourceOf(randomBytes(MiB)), call);
		await ceph.ceph('osd', 'pool', 'set-quota', 'images', 'max_bytes', '1000');
		try {
			await eventually(
				'the pool to be full',
				async () => /full_quota/.test(await ceph.ceph('osd', 'pool', 'ls', 'detail')) || undefined,
				{
					timeoutMs: 60_000,
					everyMs: 500,
				},
			);
			const key = randomUUID();
			await failsWith('full', store.put(key, sourceOf(randomBytes(8 * MiB)), call));
			await isGone(key);
		} finally {
			await ceph.ceph('osd', 'pool', 'set-quota', 'images', 'max_bytes', '0');
		}
	});
});
