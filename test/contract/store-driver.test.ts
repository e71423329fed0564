import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { link, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { StoreDriver } from '#store/driver.ts';
import { filesystem, openFilesystem } from '#store/drivers/filesystem.ts';
import { memory, openMemory } from '#store/drivers/memory.ts';
import { collect, describeStoreDriver, rejectsWith, signal, sourceOf } from '../support/store-driver-suite.ts';
import { temporaryDir } from '../support/temporary-dir.ts';

const call = { signal };

describeStoreDriver('memory', { manifest: memory.manifest, open: openMemory, missing: false });
describeStoreDriver('file', {
	manifest: filesystem.manifest,
	async open(t) {
		const dir = await temporaryDir();
		t.after(() => dir[Symbol.asyncDispose]());
		return openFilesystem({ dir: join(dir.path, 'images') });
	},
	missing: false,
});

describe('store driver: filesystem, in particular', () => {
	it('takes a finished file of the same file system by hard link, so that there is no second copy', () =>
		withDriver(async (driver, dir) => {
			const file = join(dir, 'content');
			await writeFile(file, randomBytes(5000));
			const key = randomUUID();
			const stored = await driver.put(key, { ...sourceOf(await readFile(file)), file }, call);
			assert.equal(stored.how, 'link');
			assert.equal((await stat(join(dir, 'images', key))).ino, (await stat(file)).ino);
		}));

	it("keeps Glance's layout: a file named by the image id, and nothing else", () =>
		withDriver(async (driver, dir) => {
			const key = randomUUID();
			await driver.put(key, sourceOf(randomBytes(10)), call);
			assert.deepEqual(await readdir(join(dir, 'images')), [key]);
			assert.equal(driver.locate(key)!, pathToFileURL(join(dir, 'images', key)).href);
		}));

	it('removes at start what a crash left of a copy', () =>
		withDriver(async (_, dir) => {
			await writeFile(join(dir, 'images', `${randomUUID()}.part`), 'half');
			await openFilesystem({ dir: join(dir, 'images') });
			assert.deepEqual(await readdir(join(dir, 'images')), []);
		}));

	it('never leaves its directory, whatever the key or the location says', () =>
		withDriver(async (driver, dir) => {
			await writeFile(join(dir, 'secret'), 'secret');
			for (const key of ['..', '.', '../secret', 'a/b', '', '.part', 'a\0b', 'x'.repeat(4096), 'é', '%2e%2e'])
				await rejectsWith('invalid', driver.put(key, sourceOf(randomBytes(1)), call));
			const secret = pathToFileURL(join(dir, 'secret')).href;
			for (const location of [
				secret,
				`${pathToFileURL(join(dir, 'images')).href}/../secret`,
				'file:///etc/passwd',
				'/etc/passwd',
				'http://x/',
			])
				await rejectsWith('not-found', collect(driver, location, { start: 0, end: 1 }));
		}));

	it('does not follow a symbolic link planted among its objects', () =>
		withDriver(async (driver, dir) => {
			const key = randomUUID();
			await writeFile(join(dir, 'secret'), 'secret');
			await symlink(join(dir, 'secret'), join(dir, 'images', key));
			await assert.rejects(collect(driver, driver.locate(key)!, { start: 0, end: 6 }), /ELOOP/);
		}));

	it('refuses to adopt a file of another length', () =>
		withDriver(async (driver, dir) => {
			const file = join(dir, 'content');
			await writeFile(file, randomBytes(10));
			await rejectsWith('invalid', driver.put(randomUUID(), { ...sourceOf(randomBytes(11)), file }, call));
		}));

	it('leaves an object readable when the file it was linked from goes', () =>
		withDriver(async (driver, dir) => {
			const bytes = randomBytes(100);
			const file = join(dir, 'content');
			await writeFile(file, bytes);
			await link(file, join(dir, 'other'));
			const { location } = await driver.put(randomUUID(), { ...sourceOf(bytes), file }, call);
			await rm(file);
			assert.ok((await collect(driver, location, { start: 0, end: 100 })).equals(bytes));
		}));
});

async function withDriver(body: (driver: StoreDriver, dir: string) => Promise<unknown>): Promise<void> {
	const dir = await mkdtemp(join(tmpdir(), 'sundog-store-'));
	try {
		await using driver = await openFilesystem({ dir: join(dir, 'images') });
		await body(driver, dir);
	} finally {
		await rm(dir, { recursive: true, force: true });
	}
}
