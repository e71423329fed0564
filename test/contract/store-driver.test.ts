import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { link, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { codeOf, type ErrorCode } from '#domain/errors.ts';
import type { ObjectSource, StoreDriver } from '#store/driver.ts';
import { openFilesystem } from '#store/drivers/filesystem.ts';
import { openMemory } from '#store/drivers/memory.ts';

const signal = new AbortController().signal;
const subjects: Readonly<Record<string, (dir: string) => Promise<StoreDriver>>> = {
	filesystem: (dir) => openFilesystem({ dir: join(dir, 'images') }),
	memory: openMemory,
};

for (const [name, open] of Object.entries(subjects)) {
	describe(`store driver: ${name}`, () => {
		it('gives back what it was given, whole and by range', () =>
			withDriver(open, async (driver) => {
				const bytes = randomBytes(3_000_001);
				const { location } = await driver.put(randomUUID(), sourceOf(bytes), { signal });
				assert.equal((await driver.stat(location)).size, bytes.length);
				assert.ok((await collect(driver, location, 0, bytes.length)).equals(bytes));
				assert.ok((await collect(driver, location, 1_048_575, 2_100_000)).equals(bytes.subarray(1_048_575, 2_100_000)));
				assert.ok((await collect(driver, location, 7, 7)).equals(Buffer.alloc(0)));
			}));

		it('stores an object of no bytes', () =>
			withDriver(open, async (driver) => {
				const { location } = await driver.put(randomUUID(), sourceOf(Buffer.alloc(0)), { signal });
				assert.equal((await driver.stat(location)).size, 0);
			}));

		it('locates a key where put stored it', () =>
			withDriver(open, async (driver) => {
				const key = randomUUID();
				assert.equal((await driver.put(key, sourceOf(randomBytes(9)), { signal })).location, driver.locate(key));
			}));

		it('refuses a second object of one key and keeps the first', () =>
			withDriver(open, async (driver) => {
				const key = randomUUID();
				const first = randomBytes(100);
				const { location } = await driver.put(key, sourceOf(first), { signal });
				await rejectsWith('conflict', driver.put(key, sourceOf(randomBytes(100)), { signal }));
				assert.ok((await collect(driver, location, 0, 100)).equals(first));
			}));

		it('keeps nothing of an object whose bytes are not as many as announced', () =>
			withDriver(open, async (driver) => {
				for (const size of [99, 101]) {
					const key = randomUUID();
					await rejectsWith('invalid', driver.put(key, { ...sourceOf(randomBytes(100)), size }, { signal }));
					await rejectsWith('not-found', driver.stat(driver.locate(key)));
				}
			}));

		it('keeps nothing when the source fails', () =>
			withDriver(open, async (driver) => {
				const key = randomUUID();
				const failing: ObjectSource = {
					size: 10,
					async *read() {
						yield randomBytes(5);
						throw new Error('cable cut');
					},
				};
				await assert.rejects(driver.put(key, failing, { signal }), /cable cut/);
				await rejectsWith('not-found', driver.stat(driver.locate(key)));
			}));

		it('says not-found for what it does not hold', () =>
			withDriver(open, async (driver) => {
				const location = driver.locate(randomUUID());
				await rejectsWith('not-found', driver.stat(location));
				await rejectsWith('not-found', driver.remove(location));
				await rejectsWith('not-found', collect(driver, location, 0, 1));
			}));

		it('forgets what is removed', () =>
			withDriver(open, async (driver) => {
				const { location } = await driver.put(randomUUID(), sourceOf(randomBytes(10)), { signal });
				await driver.remove(location);
				await rejectsWith('not-found', driver.stat(location));
			}));

		it('passes its own check', () => withDriver(open, (driver) => driver.check({ signal })));
	});
}

describe('store driver: filesystem, in particular', () => {
	it('takes a finished file of the same file system by hard link, so that there is no second copy', () =>
		withDriver(subjects.filesystem!, async (driver, dir) => {
			const file = join(dir, 'content');
			await writeFile(file, randomBytes(5000));
			const key = randomUUID();
			const stored = await driver.put(key, { ...sourceOf(await readFile(file)), file }, { signal });
			assert.equal(stored.how, 'link');
			assert.equal((await stat(join(dir, 'images', key))).ino, (await stat(file)).ino);
		}));

	it("keeps Glance's layout: a file named by the image id, and nothing else", () =>
		withDriver(subjects.filesystem!, async (driver, dir) => {
			const key = randomUUID();
			await driver.put(key, sourceOf(randomBytes(10)), { signal });
			assert.deepEqual(await readdir(join(dir, 'images')), [key]);
			assert.equal(driver.locate(key), pathToFileURL(join(dir, 'images', key)).href);
		}));

	it('removes at start what a crash left of a copy', () =>
		withDriver(subjects.filesystem!, async (_, dir) => {
			await writeFile(join(dir, 'images', `${randomUUID()}.part`), 'half');
			await openFilesystem({ dir: join(dir, 'images') });
			assert.deepEqual(await readdir(join(dir, 'images')), []);
		}));

	it('never leaves its directory, whatever the key or the location says', () =>
		withDriver(subjects.filesystem!, async (driver, dir) => {
			await writeFile(join(dir, 'secret'), 'secret');
			for (const key of ['..', '.', '../secret', 'a/b', '', '.part', 'a\0b', 'x'.repeat(4096), 'é', '%2e%2e'])
				await rejectsWith('invalid', driver.put(key, sourceOf(randomBytes(1)), { signal }));
			const secret = pathToFileURL(join(dir, 'secret')).href;
			for (const location of [
				secret,
				`${pathToFileURL(join(dir, 'images')).href}/../secret`,
				'file:///etc/passwd',
				'/etc/passwd',
				'http://x/',
			])
				await rejectsWith('not-found', collect(driver, location, 0, 1));
		}));

	it('does not follow a symbolic link planted among its objects', () =>
		withDriver(subjects.filesystem!, async (driver, dir) => {
			const key = randomUUID();
			await writeFile(join(dir, 'secret'), 'secret');
			await symlink(join(dir, 'secret'), join(dir, 'images', key));
			await assert.rejects(collect(driver, driver.locate(key), 0, 6), /ELOOP/);
		}));

	it('refuses to adopt a file of another length', () =>
		withDriver(subjects.filesystem!, async (driver, dir) => {
			const file = join(dir, 'content');
			await writeFile(file, randomBytes(10));
			await rejectsWith('invalid', driver.put(randomUUID(), { ...sourceOf(randomBytes(11)), file }, { signal }));
		}));

	it('leaves an object readable when the file it was linked from goes', () =>
		withDriver(subjects.filesystem!, async (driver, dir) => {
			const bytes = randomBytes(100);
			const file = join(dir, 'content');
			await writeFile(file, bytes);
			await link(file, join(dir, 'other'));
			const { location } = await driver.put(randomUUID(), { ...sourceOf(bytes), file }, { signal });
			await rm(file);
			assert.ok((await collect(driver, location, 0, 100)).equals(bytes));
		}));
});

async function withDriver(
	open: (dir: string) => Promise<StoreDriver>,
	body: (driver: StoreDriver, dir: string) => Promise<unknown>,
): Promise<void> {
	const dir = await mkdtemp(join(tmpdir(), 'sundog-store-'));
	try {
		await using driver = await open(dir);
		await body(driver, dir);
	} finally {
		await rm(dir, { recursive: true, force: true });
	}
}

function sourceOf(bytes: Uint8Array): ObjectSource {
	return {
		size: bytes.length,
		async *read() {
			for (let start = 0; start < bytes.length; start += 65_536) yield bytes.subarray(start, start + 65_536);
		},
	};
}

async function collect(driver: StoreDriver, location: string, start: number, end: number): Promise<Buffer> {
	const chunks: Uint8Array[] = [];
	for await (const chunk of driver.get(location, { start, end }, { signal })) chunks.push(Buffer.from(chunk));
	return Buffer.concat(chunks);
}

async function rejectsWith(code: ErrorCode, work: Promise<unknown>): Promise<void> {
	await assert.rejects(work, (error: unknown) => {
		assert.equal(codeOf(error), code, String(error));
		return true;
	});
}
