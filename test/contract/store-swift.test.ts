/** The Swift driver on a real Swift. With Keystone: store-swift-keystone.test.ts. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { codeOf } from '#domain/errors.ts';
import type { ObjectSource } from '#domain/ports/stores.ts';
import { swift } from '#store/drivers/swift.ts';
import type { StoreOptions } from '#store/options.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { missingNginx, startNginx } from '../support/nginx.ts';
import { openSwiftDriver, SEGMENT, startSwift } from '../support/real-swift.ts';
import { collect, describeStoreDriver, digestOf, rejectsWith, signal, sourceOf } from '../support/store-driver-suite.ts';
import { temporaryDir } from '../support/temporary-dir.ts';

const server = await startSwift();
after(async () => {
	if (server.missing === false) await server[Symbol.asyncDispose]();
});

const call = { signal };
const skip = server.missing === false ? false : `Swift: ${server.missing}`;
const real = server.missing === false ? server : (undefined as never);

const SMALL = { swift_store_large_object_size: '2', swift_store_large_object_chunk_size: '1' };
const SECRET = 'testing';

function tempauthOptions(more: StoreOptions = {}): StoreOptions & { readonly swift_store_container: string } {
	return {
		...SMALL,
		swift_store_auth_version: '1',
		swift_store_auth_address: real.authUrl,
		swift_store_user: 'test:tester',
		swift_store_key: SECRET,
		swift_store_container: `c-${randomUUID()}`,
		swift_store_create_container_on_put: 'true',
		...more,
	} as StoreOptions & { readonly swift_store_container: string };
}

describeStoreDriver('swift by tempauth', {
	manifest: swift.manifest,
	open: (t) => openSwiftDriver(t, tempauthOptions()),
	missing: server.missing,
	edgeBytes: SEGMENT,
});

describe('swift driver on a Swift of its own', { skip }, () => {
	const test = (claim: string, body: (t: TestContext) => Promise<void>) => it(claim, { skip }, body);

	test('writes a large object as Glance does', async (t) => {
		const options = tempauthOptions();
		await using driver = await openSwiftDriver(t, options);
		const [key, container] = [randomUUID(), options.swift_store_container];
		const bytes = randomBytes(2 * SEGMENT + 77);
		const { location } = await driver.put(key, { read: sourceOf(bytes).read }, call);
		assert.equal(location, `swift+config://ref1/${container}/${key}`);
		assert.deepEqual(await real.account.names(container), [key, `${key}-00001`, `${key}-00002`, `${key}-00003`]);
		const head = await real.account.request('HEAD', `${container}/${key}`);
		assert.equal(head.headers.get('x-object-manifest'), `${container}/${key}-`);
		const last = await real.account.request('HEAD', `${container}/${key}-00003`);
		assert.equal(last.headers.get('content-length'), '77');
		await driver.remove(location, call);
		assert.deepEqual(await real.account.names(container), []);
	});

	test('writes what is shorter than a large object in one', async (t) => {
		const options = tempauthOptions();
		await using driver = await openSwiftDriver(t, options);
		const key = randomUUID();
		await driver.put(key, sourceOf(randomBytes(2 * SEGMENT - 1)), call);
		assert.deepEqual(await real.account.names(options.swift_store_container), [key]);
		const long = randomUUID();
		await driver.put(long, sourceOf(randomBytes(2 * SEGMENT)), call);
		assert.equal((await real.account.names(options.swift_store_container))?.length, 4);
	});

	test('leaves an empty container when an upload breaks off', async (t) => {
		const options = tempauthOptions();
		await using driver = await openSwiftDriver(t, options);
		for (const size of [undefined, 3 * SEGMENT, SEGMENT])
			for (const after of [100, SEGMENT - 1, SEGMENT, SEGMENT + 1, 2 * SEGMENT + 9].filter((each) => each < (size ?? Infinity)))
				await assert.rejects(driver.put(randomUUID(), breaking(after, size), call), /cable cut/);
		assert.deepEqual(await real.account.names(options.swift_store_container), []);
	});

	test('logs in again when its token is not taken any more', async (t) => {
		await using driver = await openSwiftDriver(t, tempauthOptions());
		const bytes = randomBytes(3 * SEGMENT);
		const forgetful: ObjectSource = {
			async *read() {
				for (let at = 0; at < bytes.length; at += SEGMENT / 2) {
					if (at % SEGMENT === 0) await real.forgetTokens();
					yield bytes.subarray(at, at + SEGMENT / 2);
				}
			},
		};
		const { location } = await driver.put(randomUUID(), forgetful, call);
		await real.forgetTokens();
		assert.equal(digestOf(await collect(driver, location, 'whole')), digestOf(bytes));
		await real.forgetTokens();
		await driver.put(randomUUID(), sourceOf(bytes.subarray(0, 1000)), call);
	});

	test('makes a container only when it may', async (t) => {
		const options = tempauthOptions({ swift_store_create_container_on_put: 'false' });
		await using driver = await openSwiftDriver(t, options);
		await assert.rejects(driver.put(randomUUID(), sourceOf(randomBytes(9)), call), /swift_store_create_container_on_put/);
		await rejectsWith('store-failed', driver.check(call));
		assert.equal(await real.account.names(options.swift_store_container), undefined);
		await real.account.request('PUT', options.swift_store_container);
		await driver.check(call);
		await driver.put(randomUUID(), sourceOf(randomBytes(9)), call);
	});

	test('spreads objects over containers as glance_store names them', async (t) => {
		const key = 'fdae39a1-bac5-4238-aba4-69bcc726e848';
		const names = {
			1: 'f',
			3: 'fda',
			8: 'fdae39a1',
			10: 'fdae39a1-ba',
			13: 'fdae39a1-bac5-',
			32: 'fdae39a1-bac5-4238-aba4-69bcc726e848',
		};
		for (const [seed, suffix] of Object.entries(names)) {
			const options = tempauthOptions({ swift_store_multiple_containers_seed: seed });
			await using driver = await openSwiftDriver(t, options);
			const { location } = await driver.put(key, sourceOf(randomBytes(9)), call);
			assert.equal(location, `swift+config://ref1/${options.swift_store_container}_${suffix}/${key}`);
			assert.deepEqual(await real.account.names(`${options.swift_store_container}_${suffix}`), [key]);
		}
	});

	test('says full for what Swift does not take, and corrupt for other bytes than promised', async (t) => {
		const options = tempauthOptions({ swift_store_large_object_size: '5' });
		await using driver = await openSwiftDriver(t, options);
		await rejectsWith('full', driver.put(randomUUID(), sourceOf(randomBytes(3 * SEGMENT)), call));
		const promised = { ...sourceOf(randomBytes(5000)), checksum: '0'.repeat(32) };
		await rejectsWith('corrupt', driver.put(randomUUID(), promised, call));
		assert.deepEqual(await real.account.names(options.swift_store_container), []);
	});

	test('never writes over segments of somebody else', async (t) => {
		const options = tempauthOptions();
		await using driver = await openSwiftDriver(t, options);
		const container = options.swift_store_container;
		await real.account.request('PUT', container);
		for (const number of ['00001', '00002', '00007']) {
			const key = randomUUID();
			await real.account.request('PUT', `${container}/${key}-${number}`, { body: 'theirs' });
			await rejectsWith('conflict', driver.put(key, sourceOf(randomBytes(3 * SEGMENT)), call));
			assert.deepEqual(await real.account.names(container), [`${key}-${number}`]);
			assert.equal(await (await real.account.request('GET', `${container}/${key}-${number}`)).text(), 'theirs');
			await real.account.request('DELETE', `${container}/${key}-${number}`);
		}
	});

	test('lets one of two writers of a key through', async (t) => {
		const options = tempauthOptions();
		await using one = await openSwiftDriver(t, options);
		await using other = await openSwiftDriver(t, options);
		const key = randomUUID();
		const bytes = [randomBytes(3 * SEGMENT), randomBytes(3 * SEGMENT)] as const;
		const tries = await Promise.allSettled([one.put(key, sourceOf(bytes[0]), call), other.put(key, sourceOf(bytes[1]), call)]);
		const stored = tries.flatMap((each, index) =>
			each.status === 'fulfilled' ? [{ index, location: each.value.location }] : [],
		);
		for (const each of tries) if (each.status === 'rejected') assert.equal(codeOf(each.reason), 'conflict', String(each.reason));
		assert.ok(stored.length <= 1);
		for (const { index, location } of stored) {
			assert.equal(digestOf(await collect(one, location, 'whole')), digestOf(bytes[index as 0 | 1]));
		}
	});

	test('removes what a crash has left, and nothing else', async (t) => {
		const options = tempauthOptions();
		const container = options.swift_store_container;
		const dir = await temporaryDir();
		t.after(() => dir[Symbol.asyncDispose]());
		await using crashed = await openSwiftDriver(t, options, dir.path);
		const finished = randomUUID();
		await crashed.put(finished, sourceOf(randomBytes(2 * SEGMENT)), call);
		const key = randomUUID();
		const leaving = new AbortController();
		const stuck = crashed.put(key, hanging(2 * SEGMENT + 5), { signal: leaving.signal }).catch(() => undefined);
		await eventually('two segments', async () => ((await real.account.names(container))?.length === 6 ? true : undefined));
		await real.account.request('PUT', `${container}/${key}-00009`, { body: 'theirs' });
		await using _next = await openSwiftDriver(t, options, dir.path);
		assert.deepEqual(
			await real.account.names(container),
			[finished, `${finished}-00001`, `${finished}-00002`, `${key}-00009`].toSorted(),
		);
		leaving.abort(new Error('over'));
		await stuck;
	});

	test('is unavailable while nobody listens, at the door or behind it', async (t) => {
		const port = await freePort();
		await rejectsWith(
			'unavailable',
			openSwiftDriver(t, tempauthOptions({ swift_store_auth_address: `http://127.0.0.1:${port}/auth/v1.0` })),
		);
		await rejectsWith(
			'unavailable',
			openSwiftDriver(t, tempauthOptions({ swift_store_endpoint: `http://127.0.0.1:${port}/v1/AUTH_test` })),
		);
	});

	test('tells no secret, whatever goes wrong', async (t) => {
		const secret = `s3cret-${randomUUID()}`;
		const errors: unknown[] = [];
		const keep = (work: Promise<unknown>) =>
			work.then(
				() => assert.fail('it went well'),
				(error: unknown) => errors.push(error),
			);
		await keep(openSwiftDriver(t, tempauthOptions({ swift_store_key: secret })));
		await keep(openSwiftDriver(t, tempauthOptions({ swift_store_key: secret, swift_store_auth_address: 'http://127.0.0.1:1/' })));
		assert.throws(
			() => swift.check({ swift_store_user: 'nobody', swift_store_key: secret, swift_store_auth_address: 'http://x' }),
			(error) => errors.push(error) > 0,
		);
		await using driver = await openSwiftDriver(t, tempauthOptions());
		for (const location of [
			`swift+http://test:tester:${secret}@127.0.0.1:${real.port}/v1/c/o`,
			`swift+http://test2:tester:${secret}@127.0.0.1:${real.port}/v1/c/o`,
			`swift://a:b:${secret}@http://elsewhere/v1/c/o`,
			`swift://a:${secret}%zz@elsewhere/v1/c/o`,
		])
			await keep(driver.stat(location, call));
		assert.equal(errors.length, 7);
		for (const error of errors) {
			const shown = `${error} ${JSON.stringify(error)} ${(error as Error).stack} ${(error as Error).cause}`;
			assert.ok(!shown.includes(secret) && !shown.includes(SECRET), shown);
		}
	});

	test('reads locations with credentials in them, by its own', async (t) => {
		const options = tempauthOptions();
		await using driver = await openSwiftDriver(t, options);
		const [key, container] = [randomUUID(), options.swift_store_container];
		const bytes = randomBytes(300);
		await driver.put(key, sourceOf(bytes), call);
		const host = `127.0.0.1:${real.port}`;
		for (const begin of [
			`swift+http://test:tester:old-key@${host}/auth/v1.0`,
			`swift+http://test%3Atester:old-key@${host}/v1`,
			`swift+http://${host}/auth/v1.0`,
			`swift+http://${host}/v1/AUTH_test`,
		])
			assert.ok((await collect(driver, `${begin}/${container}/${key}`, 'whole')).equals(bytes), begin);
	});

	test('speaks to no host that is not its own, nor for accounts that are not', async (t) => {
		let visits = 0;
		const trap = createServer((socket) => {
			visits += 1;
			socket.destroy();
		}).listen(0, '127.0.0.1');
		t.after(() => void trap.close());
		await eventually('the trap', () => trap.address() ?? undefined);
		const { port } = trap.address() as { port: number };
		await using driver = await openSwiftDriver(t, tempauthOptions());
		for (const location of [
			`swift+http://test:tester:testing@127.0.0.1:${port}/v1/c/o`,
			`swift+http://127.0.0.1:${port}/v1/AUTH_test/c/o`,
			`swift+http://127.0.0.1:${real.port}@127.0.0.1:${port}/v1/AUTH_test/c/o`,
			`swift+http://other:tester:testing@127.0.0.1:${real.port}/v1/c/o`,
			'swift+config://ref2/c/o',
		])
			for (const ask of [
				() => driver.stat(location, call),
				() => driver.remove(location, call),
				() => collect(driver, location, 'whole'),
			])
				await rejectsWith('not-found', ask());
		for (const location of [
			`swift://u:k@http://127.0.0.1:${real.port}/v1/c/o`,
			'swift+config://ref1/c/..',
			'swift+config://ref1/../o',
			'swift+config://ref1/o',
			'swift+config://ref1/c/o?a=b',
			'swift+config://ref1//o',
			`swift+config://ref1/c/${'o'.repeat(3000)}`,
		])
			await rejectsWith('invalid', driver.stat(location, call));
		assert.equal(visits, 0);
	});

	test("removes what swift's own client wrote, with its segments, and reads it", async (t) => {
		const options = tempauthOptions();
		const container = options.swift_store_container;
		await using driver = await openSwiftDriver(t, options);
		const dir = await temporaryDir();
		t.after(() => dir[Symbol.asyncDispose]());
		const bytes = randomBytes(2 * SEGMENT + 1001);
		await writeFile(join(dir.path, 'in'), bytes);
		for (const kind of [['--use-slo'], []]) {
			const key = randomUUID();
			await client('upload', '-S', String(SEGMENT), ...kind, '--object-name', key, container, join(dir.path, 'in'));
			const location = driver.locate(key) ?? '';
			assert.equal((await driver.stat(location, call)).size, bytes.length);
			assert.equal(digestOf(await collect(driver, location, 'whole')), digestOf(bytes));
			const cut = { start: SEGMENT - 3, end: 2 * SEGMENT + 3 };
			assert.equal(digestOf(await collect(driver, location, cut)), digestOf(bytes.subarray(cut.start, cut.end)));
			assert.equal((await real.account.names(`${container}_segments`))?.length, 3);
			await driver.remove(location, call);
			assert.deepEqual(await real.account.names(`${container}_segments`), []);
			assert.deepEqual(await real.account.names(container), []);
		}
	});

	test("is read by swift's own client", async (t) => {
		const options = tempauthOptions();
		await using driver = await openSwiftDriver(t, options);
		const dir = await temporaryDir();
		t.after(() => dir[Symbol.asyncDispose]());
		for (const length of [0, 1000, 2 * SEGMENT, 3 * SEGMENT + 5]) {
			const bytes = randomBytes(length);
			const key = randomUUID();
			await driver.put(key, sourceOf(bytes), call);
			const file = join(dir.path, key);
			await client('download', options.swift_store_container, key, '--output', file);
			assert.equal(digestOf(await readFile(file)), digestOf(bytes));
		}
	});

	test('leaves segments that an object merely claims', async (t) => {
		const options = tempauthOptions();
		const container = options.swift_store_container;
		await using driver = await openSwiftDriver(t, options);
		const victim = randomUUID();
		await driver.put(victim, sourceOf(randomBytes(10)), call);
		const liar = randomUUID();
		for (const manifest of [`${container}/${victim.slice(0, 8)}`, `${container}/${victim}`]) {
			await real.account.request('PUT', `${container}/${liar}`, { headers: { 'x-object-manifest': manifest }, body: '' });
			await driver.remove(driver.locate(liar) ?? '', call);
			assert.deepEqual(await real.account.names(container), [victim]);
		}
	});

	async function client(...args: readonly string[]) {
		await real.server.run('swift', ['-A', real.authUrl, '-U', 'test:tester', '-K', SECRET, ...args]);
	}
});

function breaking(after: number, size?: number): ObjectSource {
	return {
		...(size !== undefined && { size }),
		async *read() {
			for (let sent = 0; sent < after; sent += 50_000) yield randomBytes(Math.min(50_000, after - sent));
			throw new Error('cable cut');
		},
	};
}

/** Gives so many bytes and then nothing, for ever. */
function hanging(after: number): ObjectSource {
	return {
		async *read() {
			for (let sent = 0; sent < after; sent += 50_000) yield randomBytes(Math.min(50_000, after - sent));
			await new Promise(() => undefined);
		},
	};
}

describe('swift driver on a Swift behind TLS', { skip: skip || missingNginx }, () => {
	it('trusts whom swift_store_cacert vouches for, nobody else, and everybody when told to', {
		skip: skip || missingNginx,
	}, async (t) => {
		await using nginx = await startNginx(`location / {
			proxy_pass http://127.0.0.1:${real.port}; proxy_http_version 1.1;
			proxy_request_buffering off; proxy_buffering off; client_max_body_size 0;
		}`);
		const secure = {
			swift_store_auth_address: `${nginx.tlsUrl}/auth/v1.0`,
			swift_store_endpoint: `${nginx.tlsUrl}/v1/AUTH_test`,
		};
		const bytes = randomBytes(2 * SEGMENT + 1);
		for (const trust of [{ swift_store_cacert: nginx.caFile }, { swift_store_auth_insecure: 'true' }]) {
			await using driver = await openSwiftDriver(t, tempauthOptions({ ...secure, ...trust }));
			const { location } = await driver.put(randomUUID(), sourceOf(bytes), call);
			assert.equal(digestOf(await collect(driver, location, 'whole')), digestOf(bytes));
			await driver.remove(location, call);
		}
		await using other = await startNginx();
		for (const distrust of [{}, { swift_store_cacert: other.caFile }])
			await assert.rejects(openSwiftDriver(t, tempauthOptions({ ...secure, ...distrust })), (error: Error) => {
				assert.equal(codeOf(error), 'store-failed', error.message);
				assert.match(error.message, /no trusted connection to swift/);
				return true;
			});
		// the token alone goes by TLS, the bytes would go to whom nobody vouches for
		const half = { swift_store_auth_address: real.authUrl, swift_store_endpoint: secure.swift_store_endpoint };
		await assert.rejects(openSwiftDriver(t, tempauthOptions(half)), (error) => codeOf(error) === 'store-failed');
		await assert.rejects(
			openSwiftDriver(t, tempauthOptions({ ...secure, swift_store_cacert: '/nowhere' })),
			/swift_store_cacert/,
		);
	});
});
