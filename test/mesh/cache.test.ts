/** The cache of a real node: images are fetched before anybody needs them, and given back where others keep them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { createFleet, type Member } from '../support/fleet.ts';
import { storesOf } from '../support/image-client.ts';
import { sampleContent } from '../support/sample-content.ts';
import { bytesBySource } from '../support/transfers.ts';

const MIB = 1024 * 1024;
const CACHING = { env: { SUNDOG_CACHE: 'true' } };

interface CacheBody {
	readonly cached_images: readonly { readonly image_id: string; readonly hits: number; readonly size: number }[];
	readonly queued_images: readonly string[];
}

const cacheOf = async ({ client }: Member) => JSON.parse((await client.call('GET', '/v2/cache')).body) as CacheBody;
const entry = async (member: Member, id: string) => (await cacheOf(member)).cached_images.find((each) => each.image_id === id);
const cached = (member: Member, id: string) => eventually(`image ${id} to be cached`, () => entry(member, id));

test('an image that is put in line is fetched at once and served with the centre gone, also after a restart', async () => {
	await using fleet = await createFleet();
	const centre = await fleet.centre(CACHING);
	const paris = await fleet.join(centre, 'paris', CACHING);
	const content = sampleContent('ahead', 24 * MIB + 5);
	const { id } = await centre.client.add(content);
	await paris.client.until(id, 'active at paris', ({ status }) => status === 'active');
	assert.equal((await paris.client.call('PUT', `/v2/cache/${id}`)).status, 202);
	assert.deepEqual(await cached(paris, id).then(({ hits, size }) => [hits, size]), [0, content.size]);
	assert.equal((await bytesBySource(paris.client, id)).peer, content.size);
	await centre.node.stop();
	assert.equal((await paris.client.download(id)).sha512, content.sha512());
	await paris.node.stop();
	await fleet.revive(paris);
	assert.equal((await entry(paris, id))?.hits, 1);
	assert.equal((await paris.client.download(id)).sha512, content.sha512());
});

test('what stands in line while no holder is there survives kill -9 and comes with the holder', async () => {
	await using fleet = await createFleet();
	const centre = await fleet.centre(CACHING);
	const paris = await fleet.join(centre, 'paris', CACHING);
	const content = sampleContent('later', 8 * MIB);
	const { id } = await centre.client.add(content);
	await paris.client.until(id, 'active at paris', ({ status }) => status === 'active');
	await centre.node.stop();
	assert.equal((await paris.client.call('PUT', `/v2/cache/${id}`)).status, 202);
	await paris.node.kill('SIGKILL');
	await fleet.revive(paris);
	assert.deepEqual((await cacheOf(paris)).queued_images, [id]);
	await fleet.revive(centre);
	await cached(paris, id);
	assert.equal((await paris.client.download(id)).sha512, content.sha512());
});

test('clearing the cache gives bytes back where the owner holds them, takes none of the own, and the image can be had again', async () => {
	await using fleet = await createFleet();
	const centre = await fleet.centre(CACHING);
	const paris = await fleet.join(centre, 'paris', CACHING);
	const [content, own] = [sampleContent('back', 12 * MIB), sampleContent('own', 4 * MIB)];
	const { id } = await centre.client.add(content);
	const mine = await paris.client.add(own);
	await paris.client.until(id, 'active at paris', ({ status }) => status === 'active');
	await paris.client.download(id);
	await paris.client.download(mine.id);
	await paris.client.until(id, 'paris is one of its stores', (image) => storesOf(image).includes('paris'));
	await cached(paris, id);

	assert.equal((await paris.client.call('DELETE', '/v2/cache')).status, 204);
	assert.deepEqual(await cacheOf(paris), { cached_images: [], queued_images: [] });
	for (const { client } of [paris, centre])
		await client.until(id, 'paris is none of its stores', (image) => !storesOf(image).includes('paris'));
	const before = (await bytesBySource(paris.client, id)).peer;
	assert.equal((await paris.client.download(id)).sha512, content.sha512());
	assert.equal((await bytesBySource(paris.client, id)).peer - before, content.size);

	await centre.node.stop();
	assert.equal((await paris.client.download(mine.id)).sha512, own.sha512());
	await cached(paris, id);
	assert.equal((await paris.client.call('DELETE', '/v2/cache')).status, 204);
	assert.equal((await paris.client.download(id)).sha512, content.sha512(), 'nothing goes while nobody else can give it');
});
