import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { codeOf } from '#domain/errors.ts';
import { MiB } from '#lib/sizes.ts';
import { rbd } from '#store/drivers/rbd.ts';
import { OptionError } from '#store/options.ts';
import { leaveNote } from '../support/half-made.ts';
import { openRbdDriver, realCeph } from '../support/real-ceph.ts';
import { collect, describeStoreDriver, digestOf, rejectsWith, signal, sourceOf } from '../support/store-driver-suite.ts';
import { temporaryDir } from '../support/temporary-dir.ts';

const call = { signal };
const started = await realCeph();
const missing = started.missing;
if (started.missing === false) after(() => started[Symbol.asyncDispose]());

function cluster() {
	assert.ok(started.missing === false);
	return started;
}

describeStoreDriver('rbd', {
	manifest: rbd.manifest,
	open: (t) => openRbdDriver(t, { ...cluster().options, rbd_store_chunk_size: '1' }),
	missing,
});

describe('store driver: rbd, in particular', { skip: missing }, () => {
	const test = (claim: string, body: (parts: Awaited<ReturnType<typeof partsFor>>) => Promise<unknown>) =>
		it(claim, async (t) => {
			const parts = await partsFor(t);
			await using _ = parts.driver;
			await body(parts);
		});

	async function partsFor(t: TestContext, options = {}) {
		const dir = await temporaryDir();
		t.after(() => dir[Symbol.asyncDispose]());
		const { rbd, options: own, fsid } = cluster();
		const workDir = join(dir.path, 'store');
		const open = (more = {}) => openRbdDriver(t, { ...own, ...more }, workDir);
		return {
			rbd,
			fsid,
			dir: dir.path,
			workDir,
			open,
			driver: await open(options),
			names: async () => (await rbd('ls', 'images')).split('\n'),
		};
	}

	test('keeps an image as Glance does: named by the key, with a protected snapshot', async ({ driver, rbd, fsid, dir }) => {
		const key = randomUUID();
		const bytes = randomBytes(9 * MiB + 5);
		const { location } = await driver.put(key, sourceOf(bytes), call);
		assert.equal(location, `rbd://${fsid}/images/${key}/snap`);
		const info = JSON.parse(await rbd('info', '--format', 'json', `images/${key}@snap`));
		assert.equal(info.size, bytes.length);
		assert.equal(info.order, 23);
		assert.equal(info.protected, 'true');
		assert.deepEqual(info.features.toSorted(), ['deep-flatten', 'exclusive-lock', 'fast-diff', 'layering', 'object-map']);
		await rbd('export', '--no-progress', `images/${key}@snap`, join(dir, 'out'));
		assert.equal(digestOf(await readFile(join(dir, 'out'))), digestOf(bytes));
	});

	test('reads and removes an image that another tool made in that form', async ({ driver, rbd, fsid, dir, names }) => {
		const key = randomUUID();
		const bytes = randomBytes(5 * MiB + 1);
		await writeFile(join(dir, 'in'), bytes);
		await rbd('import', '--no-progress', '--object-size', '8M', join(dir, 'in'), `images/${key}`);
		assert.equal(digestOf(await collect(driver, `rbd://${key}`, 'whole')), digestOf(bytes));
		await rbd('snap', 'create', '--no-progress', `images/${key}@snap`);
		await rbd('snap', 'protect', `images/${key}@snap`);
		const location = `rbd://${fsid}/images/${key}/snap`;
		assert.equal(digestOf(await collect(driver, location, 'whole')), digestOf(bytes));
		await driver.remove(location, call);
		assert.ok(!(await names()).includes(key));
	});

	test('makes an image of unknown length exactly as long as its bytes', async ({ driver, rbd }) => {
		const key = randomUUID();
		const { size: _, ...source } = sourceOf(randomBytes(17 * MiB + 3));
		await driver.put(key, source, call);
		assert.equal(JSON.parse(await rbd('info', '--format', 'json', `images/${key}`)).size, 17 * MiB + 3);
	});

	test('refuses to remove what has clones, until they are flattened', async ({ driver, rbd, names }) => {
		const key = randomUUID();
		const bytes = randomBytes(MiB);
		const { location } = await driver.put(key, sourceOf(bytes), call);
		await rbd('clone', `images/${key}@snap`, `vms/${key}`);
		await rejectsWith('conflict', driver.remove(location, call));
		assert.equal(digestOf(await collect(driver, location, 'whole')), digestOf(bytes));
		await rbd('flatten', '--no-progress', `vms/${key}`);
		await driver.remove(location, call);
		assert.ok(!(await names()).includes(key));
	});

	test('moves an image with other snapshots to the trash', async ({ driver, rbd }) => {
		const key = randomUUID();
		const { location } = await driver.put(key, sourceOf(randomBytes(MiB)), call);
		await rbd('snap', 'create', '--no-progress', `images/${key}@mine`);
		await driver.remove(location, call);
		await rejectsWith('not-found', driver.stat(location, call));
		assert.match(await rbd('trash', 'ls', 'images'), new RegExp(key));
	});

	it('writes no zeros when it is told to be thin', async (t) => {
		const used = async (thin: string) => {
			const { driver, rbd } = await partsFor(t, { rbd_thin_provisioning: thin, rbd_store_chunk_size: '4' });
			await using _ = driver;
			const key = randomUUID();
			const bytes = Buffer.concat([randomBytes(4 * MiB), Buffer.alloc(12 * MiB), randomBytes(100)]);
			const { location } = await driver.put(key, sourceOf(bytes), call);
			assert.equal(digestOf(await collect(driver, location, 'whole')), digestOf(bytes));
			const { images } = JSON.parse(await rbd('du', '--format', 'json', `images/${key}@snap`));
			return images[0].used_size;
		};
		assert.equal(await used('false'), 16 * MiB + 100);
		assert.equal(await used('true'), 4 * MiB + 100);
	});

	test('removes what a crash has left half made, and nothing that is whole', async ({ driver, rbd, workDir, open, names }) => {
		const [half, unprotected, whole, never] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
		await rbd('create', '--size', '8M', `images/${half}`);
		await rbd('create', '--size', '8M', `images/${unprotected}`);
		await rbd('snap', 'create', '--no-progress', `images/${unprotected}@snap`);
		const { location } = await driver.put(whole, sourceOf(randomBytes(10)), call);
		await leaveNote(workDir, ...[half, unprotected, whole, never].map((image) => ({ image })));
		await using again = await open();
		const left = await names();
		assert.ok(!left.includes(half) && !left.includes(unprotected));
		assert.equal((await again.stat(location, call)).size, 10);
		assert.deepEqual(await readdir(workDir), []);
	});

	test('leaves no notes behind', async ({ driver, workDir }) => {
		const key = randomUUID();
		await driver.put(key, sourceOf(randomBytes(10)), call);
		await rejectsWith('conflict', driver.put(key, sourceOf(randomBytes(10)), call));
		await rejectsWith('invalid', driver.put(randomUUID(), { ...sourceOf(randomBytes(10)), size: 11 }, call));
		assert.deepEqual(await readdir(workDir), []);
	});

	test('takes nothing for a location of its own that is one of another cluster or pool', async ({ driver, fsid }) => {
		const key = randomUUID();
		await driver.put(key, sourceOf(randomBytes(10)), call);
		for (const location of [
			`rbd://${randomUUID()}/images/${key}/snap`,
			`rbd://${fsid}/vms/${key}/snap`,
			`rbd://${fsid}/images/${key}`,
			`rbd://${fsid}/images/${key}/snap/x`,
			`rbd://${fsid}/images//snap`,
			`rbd://${fsid}/images/%zz/snap`,
			`rbd://${fsid}/images/${key}%00x/snap`,
		])
			await rejectsWith('invalid', driver.stat(location, call));
	});

	test('takes image ids only for keys', async ({ driver }) => {
		for (const key of ['', '../x', 'a@b', 'a/b', 'a\0b', 'x'.repeat(65)])
			await rejectsWith('invalid', driver.put(key, sourceOf(randomBytes(1)), call));
	});

	test('closes only after its last reader has left', async ({ open, driver }) => {
		const { location } = await driver.put(randomUUID(), sourceOf(randomBytes(9 * MiB)), call);
		const closing = await open();
		const reader = closing.get(location, 'whole', call)[Symbol.asyncIterator]();
		await reader.next();
		let closed = false;
		const end = Promise.resolve(closing[Symbol.asyncDispose]()).then(() => {
			closed = true;
		});
		assert.equal((await reader.next()).done, false);
		assert.equal(closed, false);
		await reader.return?.();
		await end;
	});

	it('says what is wrong with its settings', async (t) => {
		const { confFile, options } = cluster();
		const dir = await temporaryDir();
		t.after(() => dir[Symbol.asyncDispose]());
		// of the form of a key: type, time, length, 16 bytes
		const secret = Buffer.concat([Buffer.from('010000000000000000001000', 'hex'), randomBytes(16)]);
		const key = secret.toString('base64');
		await writeFile(join(dir.path, 'keyring'), `[client.glance]\n\tkey = ${key}\n[client.nobody]\n\tkey = ${key}\n`);
		const confOf = async (name: string) => {
			const path = join(dir.path, `${name}.conf`);
			await writeFile(path, (await readFile(confFile, 'utf8')).replace(/^keyring = .*$/m, `keyring = ${join(dir.path, name)}`));
			return path;
		};
		const wrong = await confOf('keyring');
		const cases = [
			[{ rbd_store_ceph_conf: wrong }, 'forbidden', /client\.glance: E(ACCES|PERM)$/],
			[{ rbd_store_ceph_conf: wrong, rbd_store_user: 'nobody' }, 'forbidden', /client\.nobody/],
			[{ rbd_store_user: 'nokey' }, 'forbidden', /client\.nokey/],
			[{ rbd_store_ceph_conf: await confOf('absent') }, 'store-failed', /no keyring with a key of client\.glance/],
			[{ rbd_store_pool: 'nowhere' }, 'store-failed', /no pool nowhere/],
			[{ rbd_store_ceph_conf: join(dir.path, 'absent') }, 'store-failed', /ceph\.conf/],
		] as const;
		for (const [more, code, message] of cases)
			await assert.rejects(openRbdDriver(t, { ...options, ...more }), (error: Error) => {
				assert.equal(codeOf(error), code, error.message);
				assert.match(error.message, message);
				assert.ok(!error.message.includes(dir.path) && !error.message.includes(key));
				return true;
			});
	});
});

describe('store driver: rbd, without a cluster', () => {
	it("knows Glance's options and no others", () => {
		rbd.check({
			rbd_store_chunk_size: '8',
			rbd_store_pool: 'p',
			rbd_store_user: 'u',
			rados_connect_timeout: '-1',
			rbd_thin_provisioning: 'true',
		});
		for (const options of [
			{ rbd_store_chunk_size: '0' },
			{ rbd_store_chunk_size: '33' },
			{ rbd_thin_provisioning: 'maybe' },
			{ rbd_pool: 'x' },
		])
			assert.throws(() => rbd.check(options as Record<string, string>), OptionError);
		assert.deepEqual(rbd.properties({}), { chunk_size: 8 * MiB, pool: 'images', thin_provisioning: false });
	});

	it('says in words that koffi is not installed', async () => {
		const driver = fileURLToPath(new URL('../../src/store/drivers/rbd.ts', import.meta.url));
		const script = `
			import { registerHooks } from 'node:module';
			registerHooks({ resolve(name, context, next) { if (name === 'koffi') throw new Error('none'); return next(name, context); } });
			const { rbd } = await import(${JSON.stringify(driver)});
			await rbd.open({}, { workDir: '/nowhere' }).catch(({ code, message }) => console.log(code, message));`;
		const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
		assert.equal(stdout.trim(), 'store-failed the package koffi is not installed');
	});
});
