/** The cache API through the clients' door, in both of its forms, over a real cache. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Identity } from '#identity/ports.ts';
import { type ApiServer, startApi } from '../support/api-server.ts';
import { type CacheNode, cacheFleet } from '../support/cache-fleet.ts';
import { eventually } from '../support/eventually.ts';
import { testSite } from '../support/onion.ts';

/** The token is the role. */
const byRole: Identity = {
	challenge: 'Test',
	identify: async ({ header }) => ({ user: 'user', project: 'project', roles: [header('x-auth-token') ?? 'admin', 'reader'] }),
};
const member = { headers: { 'x-auth-token': 'member' } };

async function withApi(body: (api: ApiServer, node: CacheNode) => Promise<void>): Promise<void> {
	await using stack = new AsyncDisposableStack();
	const node = await cacheFleet(stack).add('centre');
	const site = await testSite({ catalogue: node.catalogue, data: node.store, imageCache: node.cache });
	await body(stack.use(await startApi({ identity: byRole, site, api: { caching: true } })), node);
}

const state = async (api: ApiServer) => {
	const { cached_images: cached, queued_images: queued } = (await api.ask('GET', '/v2/cache')).json;
	return { cached: cached.map((entry: { image_id: string }) => entry.image_id), queued };
};
const untilCached = (api: ApiServer, id: string) =>
	eventually(`${id} to be cached`, async () => ((await state(api)).cached.includes(id) ? true : undefined));

describe('the cache API', () => {
	it('shows what is cached with its use, and what is in line', () =>
		withApi(async (api, node) => {
			const id = await api.active(Buffer.from('bytes'));
			assert.deepEqual(await state(api), { cached: [], queued: [] });
			for (let n = 0; n < 3; n += 1) assert.equal((await api.ask('GET', `/v2/images/${id}/file`)).text, 'bytes');
			const at = node.now / 1000;
			const { status, json } = await api.ask('GET', '/v2/cache');
			assert.equal(status, 200);
			assert.deepEqual(json, {
				cached_images: [{ image_id: id, hits: 2, last_accessed: at, last_modified: at, size: 5 }],
				queued_images: [],
			});
		}));
	it('counts neither parts nor heads', () =>
		withApi(async (api) => {
			const id = await api.active(Buffer.from('bytes'));
			assert.equal((await api.ask('GET', `/v2/images/${id}/file`, { headers: { range: 'bytes=0-1' } })).text, 'by');
			assert.equal((await api.ask('HEAD', `/v2/images/${id}/file`)).status, 200);
			assert.deepEqual((await state(api)).cached, []);
		}));
	it('takes an active image and no other', () =>
		withApi(async (api) => {
			const id = await api.active(Buffer.from('bytes'));
			const { status, text } = await api.ask('PUT', `/v2/cache/${id}`);
			assert.deepEqual([status, text], [202, '']);
			await untilCached(api, id);
			assert.equal((await api.ask('PUT', `/v2/cache/${await api.queued()}`)).status, 400);
			assert.equal((await api.ask('PUT', '/v2/cache/non-existing-image-id')).status, 404);
			assert.equal((await api.ask('PUT', `/v2/cache/${id}`, { body: {} })).status, 400);
		}));
	it('drops one image or all of a kind', () =>
		withApi(async (api) => {
			const ids = [await api.active(Buffer.from('1')), await api.active(Buffer.from('2')), await api.active(Buffer.from('3'))];
			const fill = async () => {
				for (const id of ids) await api.ask('GET', `/v2/images/${id}/file`);
				assert.deepEqual((await state(api)).cached, ids.toSorted());
			};
			await fill();
			const { status } = await api.ask('DELETE', `/v2/cache/${ids[0]}`);
			assert.equal(status, 204);
			assert.deepEqual((await state(api)).cached, ids.slice(1).toSorted());
			assert.equal((await api.ask('DELETE', `/v2/cache/${ids[0]}`)).status, 204, 'an image that is not cached');
			assert.equal((await api.ask('DELETE', '/v2/cache/never')).status, 404);
			await fill();
			const clear = (target: string) => api.ask('DELETE', '/v2/cache', { headers: { 'x-image-cache-clear-target': target } });
			assert.equal((await clear('invalid')).status, 400);
			assert.equal((await clear('queue')).status, 204);
			assert.equal((await state(api)).cached.length, 3);
			assert.equal((await clear('Cache')).status, 204);
			assert.equal((await state(api)).cached.length, 0);
			await fill();
			assert.equal((await api.ask('DELETE', '/v2/cache')).status, 204);
			assert.deepEqual(await state(api), { cached: [], queued: [] });
			for (const id of ids) assert.equal((await api.ask('GET', `/v2/images/${id}/file`)).status, 200, 'the last copy stays');
		}));
	it('cleans, prunes, and names the nodes that hold an image', () =>
		withApi(async (api, node) => {
			const id = await api.active(Buffer.from('bytes'));
			const clean = await api.ask('POST', '/v2/cache/clean');
			assert.deepEqual([clean.status, clean.text], [200, '']);
			const prune = await api.ask('POST', '/v2/cache/prune');
			assert.deepEqual([prune.status, prune.json], [200, { total_files_pruned: 0, total_bytes_pruned: 0 }]);
			const nodes = await api.ask('GET', `/v2/cache/nodes/${id}`);
			assert.deepEqual([nodes.status, nodes.json], [200, [`/ip4/127.0.0.1/tcp/4001/p2p/${node.node}`]]);
			assert.equal((await api.ask('GET', '/v2/cache/nodes/never')).status, 404);
		}));
	it('answers the older filter too', () =>
		withApi(async (api, node) => {
			const id = await api.active(Buffer.from('bytes'));
			const enqueue = await api.ask('PUT', `/v2/queued_images/${id}`);
			assert.deepEqual([enqueue.status, enqueue.text], [200, 'null']);
			await untilCached(api, id);
			const at = node.now / 1000;
			const entry = { image_id: id, hits: 0, last_accessed: at, last_modified: at, size: 5 };
			assert.deepEqual((await api.ask('GET', '/v2/cached_images')).json, { cached_images: [entry] });
			assert.deepEqual((await api.ask('GET', '/v2/queued_images')).json, { queued_images: [] });
			assert.equal((await api.ask('DELETE', `/v2/queued_images/${id}`)).status, 200);
			assert.deepEqual((await api.ask('DELETE', '/v2/queued_images')).json, { num_deleted: 0 });
			assert.deepEqual((await api.ask('DELETE', '/v2/cached_images')).json, { num_deleted: 1 });
			await api.ask('GET', `/v2/images/${id}/file`);
			assert.equal((await api.ask('DELETE', `/v2/cached_images/${id}`)).text, 'null');
			assert.deepEqual((await state(api)).cached, []);
		}));

	const REQUESTS = [
		...[
			'GET /v2/cache',
			'DELETE /v2/cache',
			'PUT /v2/cache/ID',
			'DELETE /v2/cache/ID',
			'POST /v2/cache/clean',
			'POST /v2/cache/prune',
		],
		...['GET /v2/cache/nodes/ID', 'GET /v2/cached_images', 'DELETE /v2/cached_images', 'DELETE /v2/cached_images/ID'],
		...['GET /v2/queued_images', 'DELETE /v2/queued_images', 'PUT /v2/queued_images/ID', 'DELETE /v2/queued_images/ID'],
	].map((line) => line.split(' ') as [method: string, path: string]);

	it('is for administrators, and where there is none they alone are told so', async () => {
		await using api = await startApi({ identity: byRole });
		const id = await api.active(Buffer.from('bytes'), { visibility: 'public' });
		await withApi(async (withCache) => {
			const known = await withCache.active(Buffer.from('bytes'), { visibility: 'public' });
			for (const [method, path] of REQUESTS) {
				assert.equal((await withCache.ask(method, path.replace('ID', known), member)).status, 403, `${method} ${path}`);
				assert.equal((await api.ask(method, path.replace('ID', id), member)).status, 403, `${method} ${path}`);
				assert.equal((await api.ask(method, path.replace('ID', id))).status, 404, `${method} ${path}`);
			}
		});
	});
});
