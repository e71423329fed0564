/** The file store on real disks: some full, some not writable, some taken away. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, link, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { codeOf } from '#domain/errors.ts';
import type { StoreDriver } from '#store/driver.ts';
import { filesystemSettings } from '#store/drivers/filesystem/options.ts';
import { filesystem, openFilesystem } from '#store/drivers/filesystem.ts';
import type { StoreOptions } from '#store/options.ts';
import { createLoopDisk, whyNoLoopDisks } from '../support/loop-disk.ts';
import { collect, describeStoreDriver, digestOf, rejectsWith, signal, sourceOf } from '../support/store-driver-suite.ts';
import { temporaryDir } from '../support/temporary-dir.ts';
import { testStore } from '../support/test-store.ts';

const run = promisify(execFile);
const call = { signal };
const MiB = 1024 * 1024;
const open = (options: StoreOptions) => openFilesystem(filesystemSettings(options));

const KINDS: Readonly<Record<string, (dir: string) => StoreOptions>> = {
	file: (dir) => ({ filesystem_store_datadir: join(dir, 'images') }),
	'file with holes': (dir) => ({ filesystem_store_datadir: dir, filesystem_thin_provisioning: 'true' }),
	'file in several folders': (dir) => ({ filesystem_store_datadirs: [`${dir}/a:1`, `${dir}/b:2`, `${dir}/c b:2`] }),
};
for (const [name, options] of Object.entries(KINDS))
	describeStoreDriver(name, {
		manifest: filesystem.manifest,
		async open(t) {
			const dir = await temporaryDir();
			t.after(() => dir[Symbol.asyncDispose]());
			return open(options(dir.path));
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
			const images = join(dir, 'images');
			const [mine, foreign] = [`${randomUUID()}.0123abcd.part`, 'notes.part'];
			for (const name of [mine, foreign]) {
				await writeFile(join(images, name), 'half');
				await utimes(join(images, name), 0, 0);
			}
			// somebody who shares the folder is writing it
			await writeFile(join(images, `${randomUUID()}.89abcdef.part`), 'half');
			await using again = await open({ filesystem_store_datadir: images });
			await again.check(call);
			const left = await readdir(images);
			assert.deepEqual([left.length, left.includes(mine), left.includes(foreign)], [2, false, true]);
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
				`${pathToFileURL(join(dir, 'images')).href}//secret`,
				'file:///etc/passwd',
				'/etc/passwd',
				'http://x/',
			])
				await rejectsWith('not-found', collect(driver, location, { start: 0, end: 1 }));
		}));

	it('gives, overwrites and lists nothing that was planted among its objects, and waits for nobody', () =>
		withDriver(async (driver, dir) => {
			await writeFile(join(dir, 'secret'), 'secret');
			const at = (key: string) => join(dir, 'images', key);
			const plants: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
				link: (path) => symlink(join(dir, 'secret'), path),
				dangling: (path) => symlink(join(dir, 'nothing'), path),
				folder: (path) => mkdir(path),
				pipe: (path) => run('mkfifo', [path]),
				device: (path) => (process.getuid?.() === 0 ? run('mknod', [path, 'c', '1', '5']) : mkdir(path)),
			};
			for (const [kind, plant] of Object.entries(plants)) {
				const key = randomUUID();
				await plant(at(key));
				const location = driver.locate(key)!;
				for (const range of ['whole', { start: 0, end: 6 }] as const)
					await assert.rejects(collect(driver, location, range), (error) => codeOf(error) === 'store-failed', kind);
				await rejectsWith('store-failed', driver.stat(location, call));
				await rejectsWith('conflict', driver.put(key, sourceOf(randomBytes(6)), call));
				if (kind === 'folder') await rejectsWith('store-failed', driver.remove(location, call));
				else await driver.remove(location, call);
			}
			assert.equal(await readFile(join(dir, 'secret'), 'utf8'), 'secret');
			await assert.rejects(stat(join(dir, 'nothing')));
			assert.deepEqual(await Array.fromAsync(driver.list!(call)), []);
		}));

	it('leaves its directory by no id and no location out of thousands', () =>
		withDriver(async (driver, dir) => {
			const images = join(dir, 'images');
			await writeFile(join(dir, 'secret'), 'secret');
			const hostile = fc.constantFrom(
				...[
					'..',
					'.',
					'/',
					'\\',
					'%2e',
					'%2E%2e',
					'%2f',
					'%5c',
					'%00',
					'\0',
					'\n',
					'~',
					'con',
					'nul',
					'secret',
					'images',
					'{',
					'}',
					'file://',
				],
				...[
					'．．',
					'。',
					'／',
					'﹒',
					'‥',
					'ﬀ',
					'①',
					'é',
					'e\u0301',
					'\u202e',
					'\ud800',
					':',
					'*',
					'?',
					'#',
					' ',
					'.part',
					'-',
					'a',
					'A',
					'0',
				],
			);
			const ids = fc.oneof(
				fc.array(hostile, { maxLength: 8 }).map((parts) => parts.join('')),
				fc.string({ unit: 'binary', maxLength: 80 }),
				fc.uuid().map((id) => id.toUpperCase()),
				fc.tuple(fc.uuid(), hostile).map(([id, tail]) => `${id}${tail}`),
				fc.tuple(hostile, fc.uuid()).map(([head, id]) => `${head}${id}`),
				fc.integer({ min: 65, max: 4096 }).map((length) => 'a'.repeat(length)),
			);
			const kept = new Set<string>();
			const isRefused = (error: unknown) => ['invalid', 'not-found'].includes(codeOf(error) ?? '');
			await fc.assert(
				fc.asyncProperty(ids, async (id) => {
					await driver.put(id, sourceOf(Buffer.from('x')), call).then(
						({ location }) => {
							assert.equal(location, pathToFileURL(join(images, id)).href);
							kept.add(id);
						},
						(error: unknown) => assert.match(codeOf(error) ?? String(error), kept.has(id) ? /^conflict$/ : /^invalid$/),
					);
					for (const location of [
						`file://${images}/${id}`,
						`file://${images}/../${id}`,
						`${pathToFileURL(images).href}/%2e%2e/${id}`,
					])
						await collect(driver, location, 'whole').then(
							(bytes) => assert.equal(bytes.toString(), 'x'),
							(error: unknown) => assert.ok(isRefused(error), String(error)),
						);
				}),
				{ numRuns: 5000 },
			);
			assert.ok(kept.size > 500, `only ${kept.size} ids were taken`);
			assert.deepEqual((await readdir(images)).sort(), [...kept].sort());
			assert.deepEqual((await readdir(dir)).sort(), ['images', 'secret']);
			assert.equal(await readFile(join(dir, 'secret'), 'utf8'), 'secret');
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

	it('lets one of two who write the same key win, whole', () =>
		withDriver(async (driver, dir) => {
			for (let round = 0; round < 20; round += 1) {
				const key = randomUUID();
				const both = [randomBytes(200_000), randomBytes(200_000)];
				const done = await Promise.allSettled(both.map((bytes) => driver.put(key, sourceOf(bytes), call)));
				const winners = both.filter((_, n) => done[n]?.status === 'fulfilled');
				assert.equal(winners.length, 1);
				assert.equal(digestOf(await readFile(join(dir, 'images', key))), digestOf(winners[0]!));
			}
			assert.equal((await readdir(join(dir, 'images'))).length, 20);
		}));

	it('reads locations as Glance writes them, with paths as they are', () =>
		withDriver(async (driver, dir) => {
			const [folder, key] = [join(dir, 'über 100% images'), randomUUID()];
			await using odd = await open({ filesystem_store_datadir: `${folder}/` });
			const { location } = await odd.put(key, sourceOf(Buffer.from('four')), call);
			assert.equal(location, pathToFileURL(join(folder, key)).href);
			for (const form of [location, `file://${folder}/${key}`, `filesystem://${folder}/${key}`])
				assert.equal((await collect(odd, form, 'whole')).toString(), 'four');
			await rejectsWith('not-found', driver.stat(location, call));
		}));

	it('lists what looks like an image, and nothing else', () =>
		withDriver(async (driver, dir) => {
			const keys = [randomUUID(), randomUUID().toUpperCase(), randomUUID()];
			for (const [n, key] of keys.entries()) await driver.put(key, sourceOf(randomBytes(n)), call);
			for (const name of ['notes', `${randomUUID()}.0123abcd.part`, `${randomUUID()}x`])
				await writeFile(join(dir, 'images', name), 'x');
			const listed = await Array.fromAsync(testStore('file', driver).list!(call));
			const expected = keys.map((key, size) => ({ key, location: driver.locate(key)!, size }));
			const byKey = (a: { key: string }, b: { key: string }) => (a.key < b.key ? -1 : 1);
			assert.deepEqual(listed.sort(byKey), expected.sort(byKey));
		}));
});

describe('options of the file store', () => {
	const settings = (options: StoreOptions) => filesystemSettings(options);
	const refused = (options: StoreOptions) => {
		try {
			filesystem.check(options);
		} catch (error) {
			return (error as Error).message;
		}
		return assert.fail(`taken: ${JSON.stringify(options)}`);
	};

	it("have Glance's defaults", () => {
		assert.deepEqual(settings({}), {
			folders: [{ path: '/var/lib/glance/images', priority: 0 }],
			chunkBytes: 65_536,
			thin: false,
		});
		assert.deepEqual(filesystem.properties({}), {
			data_dir: '/var/lib/glance/images',
			chunk_size: 65_536,
			thin_provisioning: false,
		});
		const waiting = {
			filesystem_store_timeout: '5',
			filesystem_store_thread_pool_size: '3',
			filesystem_store_threadpool_threshold: '60',
		};
		assert.deepEqual(settings(waiting), settings({}));
	});

	it('name folders with their priorities, each once', () => {
		const said = ['/a:1', '/b', '/c/:200', '/d:1', '/a/:1', '/e:f'];
		assert.deepEqual(
			settings({ filesystem_store_datadirs: said }).folders.map(({ path, priority }) => `${path} ${priority}`),
			['/c 200', '/a 1', '/d 1', '/b 0', '/e:f 0'],
		);
		assert.match(refused({ filesystem_store_datadirs: ['/a:1', '/a:2'] }), /filesystem_store_datadirs: \/a has two priorities/);
		assert.match(refused({ filesystem_store_datadirs: ['/a'], filesystem_store_datadir: '/b' }), /cannot stand beside/);
		const { data_dir } = filesystem.properties({ filesystem_store_datadirs: ['/a', '/b:1'] });
		assert.equal(data_dir, '/b,/a');
	});

	it('give modes in octal, under which the owner can read', () => {
		for (const [said, mode] of [
			['640', 0o640],
			['0444', 0o444],
			['0', undefined],
			['', undefined],
			['00', undefined],
		] as const)
			assert.equal(settings({ filesystem_store_file_perm: said }).mode, mode, said);
		for (const said of ['44', '040', '377', '1777', '8', '-1', '0o640', 'rw'])
			assert.match(refused({ filesystem_store_file_perm: said }), /option filesystem_store_file_perm/, said);
	});

	it('bound the chunk', () => {
		for (const said of ['0', '-1', '1e3', String(2 ** 30)])
			assert.match(refused({ filesystem_store_chunk_size: said }), /option filesystem_store_chunk_size/);
	});

	it('name a file of metadata that can stand in a location', async () => {
		await using dir = await temporaryDir();
		const file = join(dir.path, 'metadata.json');
		const options = { filesystem_store_metadata_file: file };
		assert.match(refused(options), /cannot be read/);
		for (const [text, why] of [
			['{', /is not JSON/],
			['[1]', /an id and an absolute mountpoint/],
			['{"id":"x"}', /an id and an absolute mountpoint/],
			['{"id":"x","mountpoint":"srv"}', /an id and an absolute mountpoint/],
			['{"id":"x","mountpoint":"/srv","n":1}', /texts, lists and objects only/],
			['{"id":"x","mountpoint":"/srv","n":[null]}', /texts, lists and objects only/],
		] as const) {
			await writeFile(file, text);
			assert.match(refused(options), why);
		}
	});
});

describe('the file store: what an operator chooses', () => {
	it('tells where a disk is mounted to those who would mount it, too', () =>
		withDriver(async (_, dir) => {
			const file = join(dir, 'metadata.json');
			const entry = (mountpoint: string) => ({ id: mountpoint, mountpoint, type: 'nfs', share: { path: '/x', hosts: ['a'] } });
			const at = async (metadata: unknown) => {
				await writeFile(file, JSON.stringify(metadata));
				const options = { filesystem_store_datadir: join(dir, 'images'), filesystem_store_metadata_file: file };
				await using driver = await open(options);
				return (await driver.put(randomUUID(), sourceOf(randomBytes(1)), call)).metadata;
			};
			assert.deepEqual(await at(entry(dir)), entry(dir));
			assert.deepEqual(await at([entry('/nowhere'), entry(join(dir, 'images')), entry(dir)]), entry(join(dir, 'images')));
			assert.equal(await at(entry(join(dir, 'ima'))), undefined);
			assert.equal(await at([]), undefined);
		}));

	it('gives files the mode asked for, and never changes that of a file it was lent', () =>
		withDriver(async (driver, dir) => {
			const file = join(dir, 'content');
			await writeFile(file, randomBytes(10));
			await chmod(file, 0o440);
			const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
			const put = async (to: StoreDriver, lent?: string) => {
				const { location, how } = await to.put(
					randomUUID(),
					{ ...sourceOf(await readFile(file)), ...(lent && { file: lent }) },
					call,
				);
				return { how, mode: await modeOf(new URL(location).pathname) };
			};
			assert.equal((await put(driver)).mode, (0o640 & ~process.umask()).toString(8));
			for (const [said, linked] of [
				['644', false],
				['440', true],
			] as const) {
				await using chosen = await open({ filesystem_store_datadir: join(dir, 'images'), filesystem_store_file_perm: said });
				assert.equal((await put(chosen)).mode, said);
				const adopted = await put(chosen, file);
				assert.deepEqual([adopted.mode, adopted.how === 'link'], [said, linked]);
			}
			assert.equal(await modeOf(file), '440');
		}));

	it('makes holes of zeros, and loses none of them', () =>
		withDriver(
			async (driver, dir) => {
				await using plain = await open({ filesystem_store_datadir: join(dir, 'plain') });
				const data = randomBytes(4096);
				const bytes = Buffer.concat([Buffer.alloc(MiB), data, Buffer.alloc(3 * MiB), data, Buffer.alloc(MiB + 17)]);
				const used = async (to: StoreDriver, value: Buffer) => {
					const { location, size } = await to.put(randomUUID(), sourceOf(value), call);
					assert.equal(size, value.length);
					assert.equal(digestOf(await collect(to, location, 'whole')), digestOf(value));
					return (await stat(new URL(location).pathname)).blocks * 512;
				};
				const [thin, thick] = [await used(driver, bytes), await used(plain, bytes)];
				assert.ok(thin <= 4 * 65_536, `${thin} bytes are used with holes`);
				assert.ok(thick >= bytes.length, `${thick} bytes are used without`);
				assert.equal(await used(driver, Buffer.alloc(5 * MiB + 1)), 0);
				assert.equal(await used(driver, Buffer.alloc(0)), 0);
			},
			{ filesystem_thin_provisioning: 'true' },
		));
});

const scratch = await temporaryDir();
const noDisks = await whyNoLoopDisks(scratch.path);
await scratch[Symbol.asyncDispose]();

describe('the file store: disks', { skip: noDisks }, () => {
	/** Disks of so many MiB. */
	async function withDisks(sizes: readonly number[], body: (paths: readonly string[], dir: string) => Promise<unknown>) {
		await using stack = new AsyncDisposableStack();
		const { path } = stack.use(await temporaryDir());
		const disks: string[] = [];
		for (const [n, size] of sizes.entries()) disks.push(stack.use(await createLoopDisk(path, `disk${n}`, size)).path);
		await body(disks, path);
	}
	const folderOf = (location: string) => dirname(new URL(location).pathname);

	it('of highest priority are filled first, of those the one with most room, and the next when it does not fit', () =>
		withDisks([16, 40, 96], async ([small, middle, big]) => {
			const at = (...said: readonly string[]) => open({ filesystem_store_datadirs: said });
			const where = async (driver: StoreDriver, size?: number) =>
				folderOf(
					(await driver.put(randomUUID(), { ...sourceOf(Buffer.alloc(size ?? 9)), ...(size && { size }) }, call)).location,
				);
			await using first = await at(`${small}:9`, `${middle}:1`, `${big}:1`);
			assert.equal(await where(first, 9), small);
			assert.equal(await where(first, 20 * MiB), big);
			assert.equal(await where(first, 40 * MiB), big);
			// now the middle one has more room
			assert.equal(await where(first, 20 * MiB), middle);
			const key = randomUUID();
			await rejectsWith('full', first.put(key, { size: 60 * MiB, read: () => assert.fail('it was read') }, call));
			assert.equal(first.locate(key), undefined);
		}));

	it('take a key once, wherever it lies', () =>
		withDisks([16, 24], async ([a, b]) => {
			await using before = await open({ filesystem_store_datadir: a! });
			const key = randomUUID();
			await before.put(key, sourceOf(randomBytes(9)), call);
			await using both = await open({ filesystem_store_datadirs: [`${a}:1`, `${b}:2`] });
			await rejectsWith('conflict', both.put(key, sourceOf(randomBytes(9)), call));
			assert.equal(both.locate(key), pathToFileURL(join(a!, key)).href);
			await both.remove(both.locate(key)!, call);
			assert.equal(folderOf((await both.put(key, sourceOf(randomBytes(9)), call)).location), b);
		}));

	it('take by link what is on them already, however full they are', () =>
		withDisks([16, 64], async ([a, b]) => {
			const file = join(a!, 'content');
			await writeFile(file, Buffer.alloc(9 * MiB, 1));
			await using both = await open({ filesystem_store_datadirs: [`${a}/images:2`, `${b}:1`] });
			const { how, location } = await both.put(randomUUID(), { ...sourceOf(await readFile(file)), file }, call);
			assert.deepEqual([how, folderOf(location)], ['link', join(a!, 'images')]);
		}));

	it('that are full say so, and keep nothing of what did not fit', () =>
		withDisks([16], async ([disk]) => {
			await using driver = await open({ filesystem_store_datadir: disk! });
			await rejectsWith('full', driver.put(randomUUID(), sourceOf(Buffer.alloc(20 * MiB, 1)), call));
			assert.deepEqual(await readdir(disk!), ['lost+found']);
			await driver.put(randomUUID(), sourceOf(Buffer.alloc(5 * MiB, 1)), call);
		}));

	it('that take no writes deny them, and go on giving', () =>
		withDisks([16], async ([disk]) => {
			await using driver = await open({ filesystem_store_datadir: disk! });
			const { location } = await driver.put(randomUUID(), sourceOf(Buffer.from('four')), call);
			await run('mount', ['-o', 'remount,ro', disk!]);
			await rejectsWith('write-denied', driver.put(randomUUID(), sourceOf(randomBytes(9)), call));
			await rejectsWith('write-denied', driver.check(call));
			await rejectsWith('forbidden', driver.remove(location, call));
			assert.equal((await collect(driver, location, 'whole')).toString(), 'four');
		}));

	it('that are taken away are missed, and nothing is written underneath; they are taken back as they come', () =>
		withDisks([16], async ([disk], dir) => {
			const images = join(disk!, 'images');
			for (const folder of [disk!, images]) {
				await using driver = await open({ filesystem_store_datadir: folder });
				const { location } = await driver.put(randomUUID(), sourceOf(Buffer.from('four')), call);
				await run('umount', [disk!]);
				await mkdir(folder, { recursive: true });
				try {
					await rejectsWith('unavailable', driver.check(call));
					await rejectsWith('unavailable', driver.put(randomUUID(), sourceOf(randomBytes(9)), call));
					await rejectsWith('unavailable', driver.stat(location, call));
					await rejectsWith('unavailable', collect(driver, location, 'whole'));
					await rejectsWith('unavailable', driver.remove(location, call));
					await using both = await open({ filesystem_store_datadirs: [`${folder}:2`, join(dir, 'other')] });
					assert.deepEqual(await readdir(folder), []);
					await both.check(call);
				} finally {
					await rm(images, { recursive: true, force: true });
					await run('mount', ['-o', 'loop', join(dir, 'disk0.ext4'), disk!]);
				}
				await driver.check(call);
				assert.equal((await collect(driver, location, 'whole')).toString(), 'four');
				await driver.put(randomUUID(), sourceOf(randomBytes(9)), call);
			}
		}));
});

describe('the file store: refusals of the system', () => {
	it('is denied what its user may not', { skip: process.getuid?.() !== 0 && 'needs root to become somebody else' }, () =>
		withDriver(async (driver, dir) => {
			const images = join(dir, 'images');
			const { location } = await driver.put(randomUUID(), sourceOf(randomBytes(9)), call);
			await chmod(dir, 0o755);
			await chmod(images, 0o555);
			await chmod(new URL(location), 0o400);
			const nobody = 65_534;
			process.seteuid?.(nobody);
			try {
				await rejectsWith('write-denied', driver.put(randomUUID(), sourceOf(randomBytes(9)), call));
				await rejectsWith('forbidden', driver.remove(location, call));
				await rejectsWith('store-failed', collect(driver, location, 'whole'));
			} finally {
				process.seteuid?.(0);
			}
			assert.equal((await readdir(images)).length, 1);
		}),
	);

	it('counts a file that may not grow so long as a full disk', () =>
		withDriver(async (driver, dir) => {
			const limit = (soft: string) => run('prlimit', ['--pid', String(process.pid), `--fsize=${soft}:`]);
			await limit(String(MiB));
			try {
				await rejectsWith('full', driver.put(randomUUID(), sourceOf(randomBytes(2 * MiB)), call));
			} finally {
				await limit('unlimited');
			}
			assert.deepEqual(await readdir(join(dir, 'images')), []);
		}));

	it('misses a folder that has gone', () =>
		withDriver(async (driver, dir) => {
			const { location } = await driver.put(randomUUID(), sourceOf(randomBytes(9)), call);
			await rm(join(dir, 'images'), { recursive: true });
			await rejectsWith('unavailable', driver.check(call));
			await rejectsWith('unavailable', driver.put(randomUUID(), sourceOf(randomBytes(9)), call));
			await rejectsWith('unavailable', driver.stat(location, call));
			await assert.rejects(stat(join(dir, 'images')));
		}));
});

async function withDriver(body: (driver: StoreDriver, dir: string) => Promise<unknown>, more: StoreOptions = {}): Promise<void> {
	const dir = await mkdtemp(join(tmpdir(), 'sundog-store-'));
	try {
		await using driver = await open({ filesystem_store_datadir: join(dir, 'images'), ...more });
		await body(driver, dir);
	} finally {
		await rm(dir, { recursive: true, force: true });
	}
}
