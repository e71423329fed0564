/** Places that clients give for an image's bytes: by the locations API and by a patch. */
import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { memoryKeyValue } from '#catalogue/memory.ts';
import { database } from '#domain/layers/database.ts';
import { locationsFor } from '#domain/locations.ts';
import { anyArrival } from '#domain/ports/arrivals.ts';
import { createScrubber } from '#domain/scrubber.ts';
import { silentLog } from '#lib/log.ts';
import { MiB } from '#lib/sizes.ts';
import { createImageObjects } from '#replication/image-objects.ts';
import { httpSettings } from '#store/drivers/http/options.ts';
import { openHttp } from '#store/drivers/http.ts';
import { openMemory } from '#store/drivers/memory.ts';
import { type ApiServer, startApi } from '../support/api-server.ts';
import { memoryImageData } from '../support/memory-image-data.ts';
import { missingNginx, startNginx } from '../support/nginx.ts';
import { testSite } from '../support/onion.ts';
import { sourceOf } from '../support/store-driver-suite.ts';
import { testStore, testStores } from '../support/test-store.ts';

const call = { signal: AbortSignal.timeout(60_000) };
const BYTES = randomBytes(70_000);
const SHA512 = createHash('sha512').update(BYTES).digest('hex');
const PATCH = { 'content-type': 'application/openstack-images-v2.1-json-patch' };

async function siteWithStores(over: Parameters<typeof testSite>[0] = {}) {
	const [fast, slow] = [testStore('fast', await openMemory()), testStore('slow', await openMemory())];
	const stores = testStores([fast, slow]);
	const site = await testSite({ stores, ...over });
	const put = async (bytes: Buffer = BYTES, store = fast) => (await store.put(randomUUID(), sourceOf(bytes), call)).location;
	return { stores, site, put, fast, slow };
}

async function scene(over: Parameters<typeof testSite>[0] = {}) {
	const parts = await siteWithStores(over);
	const locationsOf = locationsFor({ allows: () => true }, parts.stores);
	const options = { showMultipleLocations: true, storesShown: 'backends' } as const;
	return { ...parts, api: await startApi({ site: parts.site, locationsOf, api: options }) };
}

async function show(api: ApiServer, id: string) {
	return (await api.ask('GET', `/v2/images/${id}`)).json;
}

function patch(api: ApiServer, id: string, ...operations: object[]) {
	return api.ask('PATCH', `/v2/images/${id}`, { headers: PATCH, body: operations });
}

async function added(api: ApiServer, id: string, body: object) {
	const { status } = await api.ask('POST', `/v2/images/${id}/locations`, { body });
	await api.executor.idle();
	return { status, image: await show(api, id) };
}

describe('a location that a service adds', () => {
	it('makes a queued image active, and its bytes are read once', async () => {
		const { api, put } = await scene();
		await using _api = api;
		const [id, url] = [await api.queued(), await put()];
		const { status, image } = await added(api, id, { url });
		assert.equal(status, 202);
		assert.deepEqual([image.status, image.size, image.os_hash_value, image.stores], ['active', BYTES.length, SHA512, 'fast']);
		assert.equal(image.os_glance_import_task, undefined);
		assert.ok((await api.ask('GET', `/v2/images/${id}/file`)).bytes.equals(BYTES));
		const { json } = await api.ask('GET', `/v2/images/${id}/locations`);
		assert.deepEqual(json, [{ url, metadata: { store: 'fast' } }]);
	});
	it('with digests is checked before the image is active', async () => {
		const { api, put } = await scene();
		await using _api = api;
		const right = { os_hash_algo: 'sha512', os_hash_value: SHA512 };
		const { image } = await added(api, await api.queued(), { url: await put(), validation_data: right });
		assert.deepEqual([image.status, image.os_hash_value], ['active', SHA512]);
		const wrong = { ...right, os_hash_value: '0'.repeat(128) };
		const bad = await added(api, await api.queued(), { url: await put(), validation_data: wrong });
		assert.deepEqual(
			[bad.image.status, bad.image.size, bad.image.os_hash_value, bad.image.locations],
			['queued', null, null, []],
		);
	});
	it('where nothing is, or that nobody knows, leaves a queued image', async () => {
		const { api } = await scene();
		await using _api = api;
		const missing = await added(api, await api.queued(), { url: 'memory:///nothing' });
		assert.deepEqual([missing.status, missing.image.status], [202, 'queued']);
		for (const url of ['file:///etc/passwd', 'filesystem:///etc/passwd', 'swift+config://ref1/c/o', 'gopher://x/', 'memory', ''])
			assert.equal((await added(api, await api.queued(), { url })).status, 400, url);
	});
	it('loses the secret in it before it is kept, in whatever way it comes', async () => {
		const driver = await openMemory();
		const bare = (url: string) => url.replace('memory://secret@', 'memory://');
		const store = testStore('secretive', { ...driver, manifest: { ...driver.manifest, bare } });
		const stores = testStores([store]);
		const site = await testSite({ stores });
		const locationsOf = locationsFor({ allows: () => true }, stores);
		await using api = await startApi({ site, locationsOf, api: { showMultipleLocations: true } });
		const { location } = await store.put(randomUUID(), sourceOf(BYTES), call);
		const value = { url: location.replace('memory://', 'memory://secret@'), metadata: { store: 'secretive' } };
		const [byService, byAdd, byReplace] = [await api.queued(), await api.queued(), await api.queued()];
		await added(api, byService, { url: value.url });
		await patch(api, byAdd, { op: 'add', path: '/locations/-', value });
		for (const again of ['first', 'again']) {
			const { status, text } = await patch(api, byReplace, { op: 'replace', path: '/locations', value: [value] });
			assert.equal(status, 200, `${again}: ${text}`);
		}
		for (const id of [byService, byAdd, byReplace]) {
			const { status, locations } = await show(api, id);
			assert.deepEqual([status, locations], ['active', [{ url: location, metadata: { store: 'secretive' } }]]);
		}
		const { text } = await api.ask('GET', `/v2/images/${byService}/tasks`);
		assert.ok(text.includes(location) && !text.includes('secret@'), text);
	});
	it('must be well-formed', async () => {
		const { api, put } = await scene();
		await using _api = api;
		const [id, url] = [await api.queued(), await put()];
		const bad = [
			{},
			{ url: 7 },
			{ url: 'memory:///'.padEnd(300, 'x') },
			{ url, extra: 1 },
			{ url, validation_data: { os_hash_algo: 'sha512' } },
			{ url, validation_data: { os_hash_algo: 'sha512', os_hash_value: 'zz' } },
			{ url, validation_data: { os_hash_algo: 'whirl', os_hash_value: SHA512 } },
			{ url, validation_data: { os_hash_algo: 'sha256', os_hash_value: SHA512 } },
			{ url, validation_data: { os_hash_algo: 'sha512', os_hash_value: SHA512, more: 1 } },
		];
		for (const body of bad) assert.equal((await added(api, id, body)).status, 400, JSON.stringify(body));
		assert.equal((await added(api, await api.active(BYTES), { url })).status, 409);
		assert.equal((await added(api, randomUUID(), { url })).status, 404);
		const put405 = await api.ask('PUT', `/v2/images/${id}/locations`, { body: {} });
		assert.deepEqual([put405.status, put405.headers.allow], [405, 'GET, POST']);
	});
});

/** Places that nobody may name, however they are spelt. */
const HOSTILE_LOCATIONS = [
	...[
		'file:///etc/passwd',
		'FILE:///etc/passwd',
		'File:///etc/passwd',
		' file:///etc/passwd',
		'file:///etc/passwd ',
		'file:/etc/passwd',
	],
	...[
		'file://localhost/etc/passwd',
		'file:////etc/passwd',
		'file:///proc/self/environ',
		'file:///var/lib/glance/images/../../../etc/shadow',
	],
	...[
		'filesystem:///etc/passwd',
		'FILESYSTEM:///etc/passwd',
		'filesystem:/etc/passwd',
		'f\u0131le:///etc/passwd',
		'fi\tle:///etc/passwd',
	],
	...['swift+config://ref1/images/x', 'SWIFT+CONFIG://ref1/images/x', 'swift+config:ref1/images/x', 'swift://a:b:c@auth/v1/c/o'],
	...['swift+http://a:b@169.254.169.254/v1/c/o', 's3://key:secret@host/bucket/x', 's3+https://key:secret@host/bucket/x'],
	...[
		'rbd://x',
		'rbd://fsid/pool/image/snap',
		'rbd://../../etc/passwd',
		'cinder://volume',
		'cinder://store/volume',
		'vsphere://host/folder/x',
	],
	...[
		'sheepdog://127.0.0.1:7000:x',
		'http://user:password@127.0.0.1/x',
		'http://127.0.0.1/x',
		'https://169.254.169.254/latest/meta-data',
	],
	...[
		'ftp://host/x',
		'gopher://host/x',
		'data:text/plain,x',
		'javascript:alert(1)',
		'sundog+cid://bafy/x',
		'jar:file:///x!/y',
		'//host/x',
		'memory',
		'\\\\host\\x',
	],
];

describe('a place that nobody may name', () => {
	it('is refused by every way of naming one, is not echoed, and changes nothing', async () => {
		const { api } = await scene();
		await using _api = api;
		assert.ok(HOSTILE_LOCATIONS.length >= 40);
		const id = await api.queued();
		for (const url of HOSTILE_LOCATIONS) {
			const answers = [
				await api.ask('POST', `/v2/images/${id}/locations`, { body: { url } }),
				await patch(api, id, { op: 'add', path: '/locations/-', value: { url, metadata: {} } }),
				await patch(api, id, { op: 'replace', path: '/locations', value: [{ url, metadata: { store: 'fast' } }] }),
			];
			for (const { status, text } of answers) {
				assert.equal(status, 400, `${url}: ${text}`);
				assert.ok(!/passw|secret|shadow|environ/.test(text), text);
			}
		}
		const image = await show(api, id);
		assert.deepEqual([image.status, image.locations, image.os_glance_import_task], ['queued', [], undefined]);
	});
});

describe('locations by a patch', () => {
	it('make a queued image active, with what is said of its bytes', async () => {
		const { api, put } = await scene();
		await using _api = api;
		const [id, url] = [await api.queued(), await put()];
		const validation_data = { os_hash_algo: 'sha512', os_hash_value: SHA512, checksum: 'a'.repeat(32) };
		const answer = await patch(api, id, {
			op: 'add',
			path: '/locations/-',
			value: { url, metadata: { rack: '7' }, validation_data },
		});
		assert.equal(answer.status, 200, answer.text);
		const { status, size, checksum, os_hash_value, locations } = answer.json;
		assert.deepEqual([status, size, checksum, os_hash_value], ['active', BYTES.length, 'a'.repeat(32), SHA512]);
		assert.deepEqual(locations, [{ url, metadata: { rack: '7', store: 'fast' } }]);
		assert.ok((await api.ask('GET', `/v2/images/${id}/file`)).bytes.equals(BYTES));
		assert.ok(
			(await api.ask('GET', `/v2/images/${id}/file`, { headers: { range: 'bytes=5-9' } })).bytes.equals(BYTES.subarray(5, 10)),
		);
	});
	it('give any range of an image that lies on a server without ranges', { skip: missingNginx }, async () => {
		await using nginx = await startNginx('location /whole/ { rewrite ^/whole/(.*)$ /$1 break; max_ranges 0; }');
		const bytes = randomBytes(20 * MiB);
		await writeFile(join(nginx.files, 'image'), bytes);
		const settings = httpSettings({ http_allowed_hosts: '127.0.0.1', http_allowed_ports: String(nginx.port) });
		const stores = testStores([testStore('web', openHttp(settings))]);
		const locationsOf = locationsFor({ allows: () => true }, stores);
		const options = { showMultipleLocations: true, storesShown: 'backends' } as const;
		await using api = await startApi({ site: await testSite({ stores }), locationsOf, api: options });
		const id = await api.queued();
		const value = { url: `${nginx.url}/whole/image`, metadata: {} };
		assert.equal((await patch(api, id, { op: 'add', path: '/locations/-', value })).status, 200);
		for (const [first, last] of [
			[0, 9],
			[17 * MiB, 17 * MiB + 99_999],
			[bytes.length - 1, bytes.length - 1],
			[0, bytes.length - 1],
		] as const) {
			const answer = await api.ask('GET', `/v2/images/${id}/file`, { headers: { range: `bytes=${first}-${last}` } });
			assert.equal(answer.status, 206);
			assert.ok(answer.bytes.equals(bytes.subarray(first, last + 1)), `${first}-${last}`);
		}
		assert.ok((await api.ask('GET', `/v2/images/${id}/file`)).bytes.equals(bytes));
	});
	it('come and go while another one stays', async () => {
		const { api, put, slow, fast } = await scene();
		await using _api = api;
		const [first, second] = [await put(), await put(BYTES, slow)];
		const id = await api.queued();
		await patch(api, id, { op: 'add', path: '/locations/0', value: { url: first, metadata: {} } });
		const two = await patch(api, id, { op: 'add', path: '/locations/1', value: { url: second, metadata: { store: 'slow' } } });
		assert.deepEqual(
			two.json.locations.map(({ url }: { url: string }) => url),
			[first, second],
		);
		await fast.remove(first, call);
		assert.ok((await api.ask('GET', `/v2/images/${id}/file`)).bytes.equals(BYTES), 'the next place is read');
		const one = await patch(api, id, { op: 'remove', path: '/locations/0' });
		assert.deepEqual([one.status, one.json.stores], [200, 'slow']);
		assert.equal((await patch(api, id, { op: 'remove', path: '/locations/0' })).status, 403);
		assert.equal((await patch(api, id, { op: 'replace', path: '/locations', value: [] })).status, 403);
	});
	it('are refused as Glance refuses them, and nothing has changed then', async () => {
		const { api, put } = await scene();
		await using _api = api;
		const [id, url] = [await api.queued(), await put()];
		await patch(api, id, { op: 'add', path: '/locations/-', value: { url, metadata: {} } });
		const add = (value: object) => patch(api, id, { op: 'add', path: '/locations/-', value });
		assert.equal((await add({ url, metadata: {} })).status, 400, 'twice');
		assert.equal((await add({ url: 'memory:///none', metadata: {} })).status, 400, 'nothing there');
		assert.equal((await add({ url: await put(randomBytes(10)), metadata: {} })).status, 400, 'another size');
		assert.equal((await add({ url: 'file:///etc/shadow', metadata: {} })).status, 400);
		assert.equal((await add({ url })).status, 400, 'no metadata');
		assert.equal(
			(await patch(api, id, { op: 'add', path: '/locations/9', value: { url: await put(), metadata: {} } })).status,
			400,
		);
		const others = [{ url: await put(), metadata: {} }];
		assert.equal((await patch(api, id, { op: 'replace', path: '/locations', value: others })).status, 400);
		const same = await patch(api, id, { op: 'replace', path: '/locations', value: [{ url, metadata: { note: 'x' } }] });
		assert.deepEqual(same.json.locations, [{ url, metadata: { note: 'x', store: 'fast' } }]);
		assert.equal((await show(api, id)).locations.length, 1);
	});
	it('are as many as the quota allows, of as many bytes', async () => {
		const { api, put } = await scene({ limits: { imageLocations: 1, userStorage: BYTES.length } });
		await using _api = api;
		const id = await api.queued();
		const add = async (of: string) =>
			patch(api, of, { op: 'add', path: '/locations/-', value: { url: await put(), metadata: {} } });
		assert.equal((await add(id)).status, 200);
		assert.equal((await add(id)).status, 413);
		const other = await api.queued();
		assert.equal((await add(other)).status, 413);
		assert.equal((await show(api, other)).status, 'queued');
	});
	it('are not to be changed where they are not shown', async () => {
		const { site, put } = await siteWithStores();
		await using api = await startApi({ site });
		const answer = await patch(api, await api.queued(), {
			op: 'add',
			path: '/locations/-',
			value: { url: await put(), metadata: {} },
		});
		assert.equal(answer.status, 403);
	});
});

describe('an image that is deleted with delay', () => {
	it('is gone for everybody, keeps its data until it is scrubbed, and can be had back before', async () => {
		let now = Date.now();
		const data = memoryImageData();
		const objects = createImageObjects({
			kv: memoryKeyValue(),
			content: { ...data, file: () => undefined, pin: () => ({ [Symbol.dispose]() {} }) },
		});
		const { api, stores, site } = await scene({ delayedDelete: true, data, objects });
		await using _api = api;
		const { catalogue } = site;
		const scrubber = createScrubber({
			...{ catalogue, data, stores, objects, repository: database(catalogue), arrivals: anyArrival, log: silentLog },
			...{
				site: site.site,
				sitesShown: true,
				hashAlgorithm: 'sha512',
				delayedDelete: true,
				scrubAfterMs: 60_000,
				clock: () => now,
			},
		});
		const [kept, gone] = [await api.active(BYTES), await api.active(BYTES)];
		const [restored, scrubbed] = [kept, gone];
		for (const id of [kept, gone]) {
			assert.equal((await api.ask('DELETE', `/v2/images/${id}`)).status, 204);
			assert.equal((await api.ask('GET', `/v2/images/${id}`)).status, 404);
			assert.equal((await api.ask('GET', `/v2/images/${id}/file`)).status, 404);
		}
		assert.deepEqual((await api.ask('GET', '/v2/images')).json.images, []);
		assert.equal(await scrubber.scrub(call), 0);
		await scrubber.restore(restored);
		assert.ok((await api.ask('GET', `/v2/images/${restored}/file`)).bytes.equals(BYTES));
		now += 61_000;
		assert.equal(await scrubber.scrub(call), 1);
		await assert.rejects(scrubber.restore(scrubbed), /could not be found|does not exist|no image/i);
		assert.equal((await api.ask('POST', '/v2/images', { body: { id: scrubbed } })).status, 409);
		assert.equal(data.contents.size, 1);
	});

	it('cannot be had back while it is being taken out of its stores', async () => {
		const data = memoryImageData();
		const [entered, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
		const inner = testStore('slow', await openMemory());
		const remove: typeof inner.remove = async (location, options) => {
			entered.resolve();
			await gate.promise;
			return inner.remove(location, options);
		};
		const stores = testStores([{ ...inner, remove }]);
		const content = { ...data, file: () => undefined, pin: () => ({ [Symbol.dispose]() {} }) };
		const objects = createImageObjects({ kv: memoryKeyValue(), content });
		const site = await testSite({ stores, data, objects, delayedDelete: true });
		await using api = await startApi({ site, api: { storesShown: 'backends' } });
		const { catalogue } = site;
		const scrubber = createScrubber({
			...{ catalogue, data, stores, objects, repository: database(catalogue), arrivals: anyArrival, log: silentLog },
			...{
				site: site.site,
				sitesShown: true,
				hashAlgorithm: 'sha512',
				delayedDelete: true,
				scrubAfterMs: 0,
				clock: () => Date.now() + 1000,
			},
		});
		const id = await api.queued();
		const headers = { 'content-type': 'application/octet-stream', 'x-image-meta-store': 'slow' };
		assert.equal((await api.ask('PUT', `/v2/images/${id}/file`, { headers, body: BYTES })).status, 204);
		assert.equal((await api.ask('DELETE', `/v2/images/${id}`)).status, 204);
		const scrubbed = scrubber.scrub(call);
		await entered.promise;
		const restored = scrubber.restore(id).then(
			() => 'restored',
			(error: Error) => error.message,
		);
		gate.resolve();
		assert.equal(await scrubbed, 1);
		assert.match(await restored, /No image found|no image|could not be found/i);
	});
});
