/** `image_size_cap` on every way in: one byte more is refused as soon as it is seen, and nothing of it stays. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { WebSource } from '#imports/web-source.ts';
import { silentLog } from '#lib/log.ts';
import { openMemory } from '#store/drivers/memory.ts';
import { openStores } from '#store/stores.ts';
import { OCTETS } from '../support/api-server.ts';
import { pieces } from '../support/onion.ts';
import { openSiteWithStores } from '../support/site-with-stores.ts';
import { sourceOf } from '../support/store-driver-suite.ts';
import { temporaryDir } from '../support/temporary-dir.ts';
import { testStore, testStores } from '../support/test-store.ts';

const CAP = 300_000;
const FITS = randomBytes(CAP);
const TOO_LARGE = randomBytes(CAP + 1);

async function scene(stack: AsyncDisposableStack, web?: WebSource) {
	const dir = stack.use(await temporaryDir());
	const images = join(dir.path, 'images');
	const stores = stack.use(
		await openStores({
			specs: [{ id: 'disk', type: 'file', options: { filesystem_store_datadir: images } }],
			...{ byDefault: 'disk', workDir: join(dir.path, 'work'), log: silentLog },
		}),
	);
	const site = stack.use(await openSiteWithStores({ stores, limits: { imageSizeCap: CAP }, ...(web && { web }) }));
	const { api } = site;
	/** Without a word of how much will come. */
	async function chunked(path: string, body: Uint8Array): Promise<number> {
		const stream = ReadableStream.from(pieces(body));
		const answer = await fetch(new URL(path, api.url), { method: 'PUT', headers: OCTETS, body: stream, duplex: 'half' });
		await answer.arrayBuffer();
		return answer.status;
	}
	async function nothingOf(id: string): Promise<void> {
		assert.deepEqual(await site.show(id), { status: 'queued', stores: [], failed: undefined });
		assert.equal(await site.bytesHere(), 0);
		assert.deepEqual(
			(await readdir(images)).filter((name) => name.includes(id)),
			[],
		);
	}
	return { site, api, images, chunked, nothingOf };
}

describe('image_size_cap', () => {
	for (const way of ['file', 'stage'])
		it(`refuses a ${way} of one byte more, whether that was said before or not`, async () => {
			await using stack = new AsyncDisposableStack();
			const { api, chunked, nothingOf, site } = await scene(stack);
			const id = await api.queued();
			const path = `/v2/images/${id}/${way}`;
			assert.equal(await chunked(path, TOO_LARGE), 413);
			await nothingOf(id);
			assert.equal((await api.ask('PUT', path, { headers: OCTETS, body: TOO_LARGE })).status, 413);
			await nothingOf(id);
			assert.equal(await chunked(path, FITS), 204);
			assert.equal((await site.show(id)).status, way === 'file' ? 'active' : 'uploading');
		});
	for (const said of [true, false])
		it(`refuses a body from the web of one byte more, whose length was ${said ? '' : 'not '}announced`, async () => {
			await using stack = new AsyncDisposableStack();
			let body = TOO_LARGE;
			const web: WebSource = {
				check: async () => {},
				open: async () => ({ size: said ? body.length : undefined, data: pieces(body), [Symbol.dispose]() {} }),
			};
			const { api, site } = await scene(stack, web);
			const bring = async () => {
				const input = {
					import_from: 'http://images.example.org/x',
					import_from_format: 'raw',
					image_properties: { disk_format: 'raw', container_format: 'bare' },
				};
				const { status, json, text } = await api.ask('POST', '/v2/tasks', { body: { type: 'import', input } });
				assert.equal(status, 201, text);
				await api.executor.idle();
				return (await api.ask('GET', `/v2/tasks/${json.id}`)).json;
			};
			const failed = await bring();
			assert.equal(failed.status, 'failure');
			assert.match(failed.message, new RegExp(String(CAP)));
			assert.equal(await site.bytesHere(), 0);
			body = FITS;
			assert.equal((await bring()).status, 'success');
		});
	it('refuses a place with one byte more, and leaves what lies there', async () => {
		const store = testStore('memory', await openMemory());
		await using site = await openSiteWithStores({ stores: testStores([store]), limits: { imageSizeCap: CAP } });
		const call = { signal: AbortSignal.timeout(60_000) };
		const places = await Promise.all([TOO_LARGE, FITS].map((bytes) => store.put(randomUUID(), sourceOf(bytes), call)));
		const [large, fits] = places.map(({ location }) => location);
		const id = await site.api.queued();
		const give = (url: string | undefined) => {
			const headers = { 'content-type': 'application/openstack-images-v2.1-json-patch' };
			const value = { url, metadata: {} };
			return site.api.ask('PATCH', `/v2/images/${id}`, { headers, body: [{ op: 'add', path: '/locations/-', value }] });
		};
		assert.equal((await give(large)).status, 413);
		assert.equal((await site.show(id)).status, 'queued');
		assert.equal((await store.stat(large ?? '', call)).size, CAP + 1);
		await site.api.ask('POST', `/v2/images/${id}/locations`, { body: { url: large } });
		await site.api.executor.idle();
		assert.equal((await site.show(id)).status, 'queued');
		const given = await give(fits);
		assert.deepEqual([given.status, given.json.status], [200, 'active']);
	});
});
