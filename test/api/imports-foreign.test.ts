/** Imports of bytes that lie elsewhere: on the web, and in the Glance of another region. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import type { Identity } from '#identity/ports.ts';
import { createRegions } from '#imports/methods/regions.ts';
import { createWebSource } from '#imports/web-source.ts';
import { type ApiServer, startApi } from '../support/api-server.ts';
import { eventually } from '../support/eventually.ts';
import { HOSTILE_HOSTS, hostileUrls } from '../support/hostile-urls.ts';
import { memoryImageData } from '../support/memory-image-data.ts';
import { testSite } from '../support/onion.ts';
import { startWebServer, type WebAnswer } from '../support/web-server.ts';

const BYTES = randomBytes(70_000);
const SHA512 = createHash('sha512').update(BYTES).digest('hex');

async function start(api: ApiServer, id: string, method: object, more: object = {}, headers = {}) {
	return api.ask('POST', `/v2/images/${id}/import`, { body: { method, ...more }, headers });
}

async function ended(api: ApiServer, id: string) {
	await api.executor.idle();
	const { json: image } = await api.ask('GET', `/v2/images/${id}`);
	const { json } = await api.ask('GET', `/v2/images/${id}/tasks`);
	return { image, task: json.tasks.at(-1) };
}

/** A server that answers so, and a site that may fetch from it. */
async function webScene(answer: WebAnswer, over: Parameters<typeof testSite>[0] = {}, stallMs = 60_000) {
	const server = await startWebServer(answer);
	const data = memoryImageData();
	const filtering = { allowedHosts: ['127.0.0.1'], allowedPorts: [server.port] };
	const site = await testSite({ data, web: createWebSource({ filtering, stallMs }), ...over });
	const api = await startApi({ site });
	return {
		...{ server, data, api },
		async [Symbol.asyncDispose]() {
			await site.executor[Symbol.asyncDispose]();
			await api[Symbol.asyncDispose]();
			await server[Symbol.asyncDispose]();
		},
	};
}

describe('web-download', () => {
	it('brings an image, with its size declared or not', async () => {
		let sized = true;
		await using scene = await webScene((_request, response) => {
			if (sized) response.setHeader('content-length', BYTES.length);
			response.end(BYTES);
		});
		const { api, server } = scene;
		for (sized of [true, false]) {
			const id = await api.queued();
			const answer = await start(api, id, { name: 'web-download', uri: `${server.url}/x` });
			assert.equal(answer.status, 202, answer.text);
			const { image, task } = await ended(api, id);
			assert.deepEqual([image.status, image.size, image.os_hash_value], ['active', BYTES.length, SHA512]);
			assert.deepEqual([task.status, task.message], ['success', 'Copied 0 MiB']);
		}
	});
	it('that cannot be finished leaves a queued image, no byte, and the reason', async () => {
		let answer: WebAnswer = () => {};
		await using scene = await webScene((...args) => answer(...args), {}, 300);
		const { api, server, data } = scene;
		const cases: readonly [WebAnswer, RegExp][] = [
			[(_request, response) => void response.writeHead(404).end(), /answered 404/],
			[(_request, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(BYTES), /encoded/],
			[
				(_request, response) => void response.writeHead(200, { 'content-length': 9 }).write('short', () => response.destroy()),
				/broke off/,
			],
			[(_request, response) => void response.writeHead(200, { 'content-length': 9 }).write('x'), /nothing for too long/],
			[(request) => void request.socket.destroy(), /cannot be reached/],
		];
		for (const [next, why] of cases) {
			answer = next;
			const id = await api.queued();
			assert.equal((await start(api, id, { name: 'web-download', uri: `${server.url}/` })).status, 202);
			const { image, task } = await ended(api, id);
			assert.deepEqual([image.status, image.size, task.status], ['queued', null, 'failure']);
			assert.match(task.message, why);
			assert.equal(image.os_glance_import_task, undefined);
		}
		assert.equal(data.contents.size, 0);
	});
	it('needs a queued image with formats', async () => {
		await using scene = await webScene((_request, response) => void response.end(BYTES));
		const { api, server } = scene;
		const method = { name: 'web-download', uri: `${server.url}/` };
		for (const id of [await api.active(BYTES), await api.queued({ disk_format: null })])
			assert.equal((await start(api, id, method)).status, 409);
		assert.equal((await start(api, await api.queued(), { name: 'web-download' })).status, 400);
		assert.equal(server.requests.length, 0);
	});
	it('keeps to the quota of the one who imports', async () => {
		await using scene = await webScene((_request, response) => void response.end(BYTES), { limits: { userStorage: 1000 } });
		const { api, server } = scene;
		const id = await api.queued();
		await start(api, id, { name: 'web-download', uri: `${server.url}/` });
		const { image, task } = await ended(api, id);
		assert.deepEqual([image.status, task.status], ['queued', 'failure']);
	});
	it('ends when its image is deleted', async () => {
		await using scene = await webScene((_request, response) => void response.writeHead(200, { 'content-length': 9 }).write('x'));
		const { api, server, data } = scene;
		const id = await api.queued();
		await start(api, id, { name: 'web-download', uri: `${server.url}/` });
		await eventually('the fetch to begin', () => (server.requests.length === 1 ? true : undefined));
		assert.equal((await api.ask('DELETE', `/v2/images/${id}`)).status, 204);
		await api.executor.idle();
		const [task] = (await api.ask('GET', '/v2/tasks')).json.tasks;
		const shown = (await api.ask('GET', `/v2/tasks/${task.id}`)).json;
		assert.deepEqual([shown.status, shown.message], ['failure', `image ${id} was deleted during its import`]);
		assert.equal(data.contents.size, 0);
	});
	it('is held by one import only', async () => {
		await using scene = await webScene((_request, response) => void response.writeHead(200, { 'content-length': 9 }).write('x'));
		const { api, server } = scene;
		const id = await api.queued();
		const method = { name: 'web-download', uri: `${server.url}/` };
		assert.equal((await start(api, id, method)).status, 202);
		assert.equal((await start(api, id, method)).status, 409);
	});
	it('keeps the formats that its bytes are checked by', async () => {
		await using scene = await webScene((_request, response) => void response.writeHead(200, { 'content-length': 9 }).write('x'));
		const { api, server } = scene;
		const id = await api.queued();
		await start(api, id, { name: 'web-download', uri: `${server.url}/` });
		const patch = await api.ask('PATCH', `/v2/images/${id}`, {
			headers: { 'content-type': 'application/openstack-images-v2.1-json-patch' },
			body: [{ op: 'replace', path: '/disk_format', value: 'qcow2' }],
		});
		assert.equal(patch.status, 403);
	});
});

describe('a URL that leads to this machine', () => {
	it('is refused before there is a task, on every way that a client may name one', async () => {
		await using sink = await startWebServer((_request, response) => void response.end('reached'));
		const lures = [...HOSTILE_HOSTS.map((host) => `http://${host}:${sink.port}/`), ...hostileUrls(sink.port)];
		assert.ok(lures.length >= 120);
		const options = { filtering: { allowedPorts: [sink.port] }, resolve: async () => ['127.0.0.1'] };
		const web = createWebSource(options);
		let endpoint = '';
		// a region is the operator's own word; where the bytes are fetched from, is the filter's
		const regions = { endpoint: async () => endpoint, show: async () => REMOTE, token: async () => 'own' };
		const site = await testSite({ web, plainWeb: createWebSource({ ...options, redirects: false }), regions });
		await using api = await startApi({ site });
		const id = await api.queued();
		const elsewhere = { name: 'glance-download', glance_region: 'R', glance_image_id: crypto.randomUUID() };
		const task = { import_from_format: 'raw', image_properties: {} };
		for (const url of lures) {
			assert.equal((await start(api, id, { name: 'web-download', uri: url })).status, 400, url);
			endpoint = url;
			assert.equal((await start(api, id, elsewhere)).status, 400, `glance at ${url}`);
			const legacy = await api.ask('POST', '/v2/tasks', { body: { type: 'import', input: { ...task, import_from: url } } });
			assert.equal(legacy.status, 400, `task: ${url}`);
			const located = await api.ask('POST', `/v2/images/${id}/locations`, { body: { url } });
			assert.equal(located.status, 400, `location: ${url}`);
		}
		assert.deepEqual((await api.ask('GET', '/v2/tasks')).json.tasks, []);
		assert.equal((await api.ask('GET', `/v2/images/${id}`)).json.status, 'queued');
		assert.equal(sink.connections(), 0);
	});
});

const REMOTE = {
	...{ id: crypto.randomUUID(), status: 'active', size: BYTES.length, disk_format: 'raw', container_format: 'bare' },
	...{ os_hash_algo: 'sha512', os_hash_value: SHA512, name: 'theirs', owner: 'them', visibility: 'public' },
	...{ hw_disk_bus: 'virtio', 'trait:X': 'required', os_distro: 'debian', os_type: 'linux', secret: 'stays', os_glance_x: 'y' },
};
const DOWNLOAD = { name: 'glance-download', glance_region: 'Two', glance_image_id: REMOTE.id };
const withToken: Identity = {
	challenge: 'Test',
	async identify({ header }) {
		const token = header('x-auth-token') ?? 'none';
		return { user: 'u', project: 'p', roles: ['member', 'reader'], credential: { token: () => token } };
	},
};

interface RemoteGlance {
	record: object;
	bytes: Buffer;
	serve?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

async function regions(remote: RemoteGlance, over: Parameters<typeof testSite>[0] = {}) {
	const tokens: unknown[] = [];
	const server = await startWebServer((request, response) => {
		tokens.push(request.headers['x-auth-token']);
		if (remote.serve?.(request, response)) return;
		if (request.url === `/v2/images/${REMOTE.id}`) return void response.end(JSON.stringify(remote.record));
		if (request.url === `/v2/images/${REMOTE.id}/file`) return void response.end(remote.bytes);
		response.writeHead(404).end();
	});
	const filtering = { allowedHosts: ['127.0.0.1'], allowedPorts: [server.port] };
	const endpoints = [{ interface: 'public', region_id: 'Two', url: `${server.url}/v2/` }];
	const regions = createRegions({ catalogue: async () => [{ type: 'image', endpoints }], token: async () => 'own' });
	const plainWeb = createWebSource({ filtering, redirects: false, stallMs: 500 });
	const data = memoryImageData();
	const site = await testSite({ regions, plainWeb, data, ...over });
	const api = await startApi({ site, identity: withToken });
	return {
		...{ server, tokens, api, data, site },
		async [Symbol.asyncDispose]() {
			await site.executor[Symbol.asyncDispose]();
			await api[Symbol.asyncDispose]();
			await server[Symbol.asyncDispose]();
		},
	};
}

describe('glance-download', () => {
	it("brings an image of another region by the caller's own token, with its formats and some of its properties", async () => {
		await using scene = await regions({ record: REMOTE, bytes: BYTES });
		const { api, tokens } = scene;
		const id = await api.queued({ disk_format: null, container_format: null, name: 'mine' });
		const answer = await start(api, id, DOWNLOAD, {}, { 'x-auth-token': 'callers' });
		assert.equal(answer.status, 202, answer.text);
		const { image, task } = await ended(api, id);
		assert.equal(task.status, 'success', task.message);
		assert.partialDeepStrictEqual(image, {
			...{ status: 'active', size: BYTES.length, os_hash_value: SHA512, disk_format: 'raw', container_format: 'bare' },
			...{ hw_disk_bus: 'virtio', 'trait:X': 'required', os_distro: 'debian', os_type: 'linux', name: 'mine', owner: 'p' },
		});
		assert.deepEqual([image.visibility, image.secret, image.os_glance_x], ['shared', undefined, undefined]);
		assert.deepEqual(tokens, ['callers', 'callers', 'callers']);
		assert.doesNotMatch(JSON.stringify(task), /callers/);
	});
	it('refuses a region that is not there', async () => {
		await using scene = await regions({ record: REMOTE, bytes: BYTES });
		const { api, tokens } = scene;
		const id = await api.queued();
		assert.equal((await start(api, id, { ...DOWNLOAD, glance_image_id: 'x' })).status, 400);
		for (const wrong of [{ glance_region: 'Three' }, { glance_service_interface: 'admin' }]) {
			assert.equal((await start(api, id, { ...DOWNLOAD, ...wrong })).status, 202, JSON.stringify(wrong));
			const { image, task } = await ended(api, id);
			assert.deepEqual([image.status, task.status], ['queued', 'failure']);
		}
		assert.deepEqual(tokens, []);
	});
	it('takes only an active image, whole, and as it was announced', async () => {
		const remote: RemoteGlance = { record: REMOTE, bytes: BYTES };
		await using scene = await regions(remote);
		const { api, data } = scene;
		const cases: readonly [Partial<RemoteGlance>, RegExp][] = [
			[{ record: { ...REMOTE, status: 'queued' } }, /is not active/],
			[{ record: { ...REMOTE, size: null } }, /what size/],
			[{ record: { ...REMOTE, size: BYTES.length + 1 } }, /70000|bytes/],
			[{ record: { ...REMOTE, os_hash_value: '0'.repeat(128) } }, /not those of the image/],
			[{ record: { ...REMOTE, disk_format: 'exe' } }, /./],
			[{ record: { ...REMOTE, disk_format: null } }, /what formats/],
			[{ record: [] }, /did not answer with an image/],
			[{ record: { ...REMOTE, filler: 'x'.repeat(2 ** 21) } }, /said too much/],
			[
				{
					serve(_request, response) {
						response.writeHead(302, { location: '/elsewhere' }).end();
						return true;
					},
				},
				/answered 302/,
			],
		];
		for (const [over, why] of cases) {
			Object.assign(remote, { record: REMOTE, bytes: BYTES, serve: undefined }, over);
			const id = await api.queued();
			const answer = await start(api, id, DOWNLOAD, {}, { 'x-auth-token': 'callers' });
			const { image, task } = await ended(api, id);
			assert.equal(image.status, 'queued');
			assert.equal(answer.status, 202);
			assert.match(task.message, why);
		}
		assert.equal(data.contents.size, 0);
		Object.assign(remote, { record: { ...REMOTE, os_hash_algo: 'whirl9', os_hash_value: 'x' }, serve: undefined });
		const id = await api.queued();
		await start(api, id, DOWNLOAD);
		assert.equal((await ended(api, id)).image.status, 'active', 'a digest that nobody knows is none');
	});
});
