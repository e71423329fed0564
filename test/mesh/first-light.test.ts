/** The main job: an image uploaded at one site is served by every site, whoever of the others is gone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { createFleet } from '../support/fleet.ts';
import { storesOf } from '../support/image-client.ts';
import { sampleContent } from '../support/sample-content.ts';
import { bytesBySource } from '../support/transfers.ts';

const MIB = 1024 * 1024;

test('an image uploaded at the centre is listed at paris and saved there with identical bytes', async () => {
	await using fleet = await createFleet();
	const centre = await fleet.centre();
	const paris = await fleet.join(centre, 'paris');
	const content = sampleContent('first light', 48 * MIB + 12_345);
	const image = await centre.client.add(content, { name: 'debian' });
	assert.equal(image.status, 'active');
	assert.equal(image.os_hash_value, content.sha512());

	const seen = await paris.client.until(image.id, 'active at paris', ({ status }) => status === 'active');
	assert.equal(seen.name, 'debian');
	assert.equal(seen.checksum, image.checksum);
	assert.ok((await paris.client.list('?name=debian')).some(({ id }) => id === image.id));

	const saved = await paris.client.download(image.id);
	assert.deepEqual({ size: saved.size, sha512: saved.sha512 }, { size: content.size, sha512: content.sha512() });
	assert.equal((await bytesBySource(paris.client, image.id)).peer, content.size);
	await paris.client.until(image.id, 'paris is one of its stores', (now) => storesOf(now).includes('paris'));
});

test('the first bytes reach the client while most blocks have not arrived', async () => {
	await using fleet = await createFleet();
	const centre = await fleet.centre();
	const paris = await fleet.join(centre, 'paris');
	const content = sampleContent('streams', 256 * MIB);
	const image = await centre.client.add(content);
	await paris.client.until(image.id, 'active at paris', ({ status }) => status === 'active');

	let arrived = Number.NaN;
	const saved = await paris.client.download(image.id, {
		// Reading stops here, so no more than a window can follow.
		onData: async () => {
			if (Number.isNaN(arrived)) arrived = (await bytesBySource(paris.client, image.id)).peer;
		},
	});
	assert.ok(arrived > 0 && arrived < content.size / 2, `${arrived} bytes had arrived at the first byte`);
	assert.equal(saved.sha512, content.sha512());
});

test('an edge that has served an image serves it again, and another range of it, with the centre gone', async () => {
	await using fleet = await createFleet();
	const centre = await fleet.centre();
	const paris = await fleet.join(centre, 'paris');
	const content = sampleContent('kept', 24 * MIB + 1);
	const { id } = await centre.client.add(content);
	await paris.client.until(id, 'active at paris', ({ status }) => status === 'active');
	await paris.client.download(id);
	await centre.node.stop();

	assert.equal((await paris.client.download(id)).sha512, content.sha512());
	const part = await paris.client.download(id, { range: [MIB - 7, 3 * MIB + 9] });
	assert.equal(part.status, 206);
	assert.equal(part.size, 2 * MIB + 16);

	await paris.node.stop();
	await fleet.revive(paris);
	assert.equal((await paris.client.download(id)).sha512, content.sha512());
});

test('a third site gets the image from the second when the first is gone', async () => {
	await using fleet = await createFleet();
	const centre = await fleet.centre();
	const paris = await fleet.join(centre, 'paris');
	const oslo = await fleet.join(centre, 'oslo', { bootstrap: [centre.node.peer, paris.node.peer] });
	const content = sampleContent('relay', 32 * MIB + 5);
	const { id } = await centre.client.add(content);
	for (const { client } of [paris, oslo]) await client.until(id, 'active', ({ status }) => status === 'active');
	await paris.client.download(id);
	await centre.node.stop();

	const saved = await oslo.client.download(id);
	assert.equal(saved.sha512, content.sha512());
	assert.equal((await bytesBySource(oslo.client, id)).peer, content.size);
});

test('a site that comes later learns of images from an edge alone', async () => {
	await using fleet = await createFleet();
	const centre = await fleet.centre();
	const paris = await fleet.join(centre, 'paris');
	const oslo = await fleet.join(centre, 'oslo');
	await oslo.node.stop();
	const content = sampleContent('late', 8 * MIB);
	const { id } = await centre.client.add(content);
	await paris.client.until(id, 'active at paris', ({ status }) => status === 'active');
	await paris.client.download(id);
	await centre.node.stop();

	await fleet.revive(oslo, { bootstrap: [paris.node.peer] });
	await oslo.client.until(id, 'active at oslo', ({ status }) => status === 'active');
	assert.equal((await oslo.client.download(id)).sha512, content.sha512());
});

test('the loss of the only holder in the middle of a stream is a broken download, and the next attempt completes it', async () => {
	await using fleet = await createFleet();
	const centre = await fleet.centre();
	const paris = await fleet.join(centre, 'paris');
	const content = sampleContent('broken', 256 * MIB);
	const { id } = await centre.client.add(content);
	await paris.client.until(id, 'active at paris', ({ status }) => status === 'active');

	let gone: Promise<unknown> | undefined;
	const broken = paris.client.download(id, {
		onData: async () => {
			gone ??= centre.node.kill('SIGKILL');
			await gone;
		},
	});
	await assert.rejects(broken);
	const before = (await bytesBySource(paris.client, id)).peer;
	await fleet.revive(centre);
	await paris.client.until(id, 'still active at paris', ({ status }) => status === 'active');
	assert.equal((await paris.client.download(id)).sha512, content.sha512());
	const after = (await bytesBySource(paris.client, id)).peer;
	assert.ok(after <= content.size + 2 * MIB, `${after} bytes fetched for ${content.size}, ${before} of them before the loss`);
});

test('deleting at the owner removes it everywhere', async () => {
	await using fleet = await createFleet();
	const centre = await fleet.centre();
	const paris = await fleet.join(centre, 'paris');
	const { id } = await centre.client.add(sampleContent('deleted', 4 * MIB));
	await paris.client.until(id, 'active at paris', ({ status }) => status === 'active');
	await paris.client.download(id);
	assert.equal((await centre.client.remove(id)).status, 204);
	await eventually('paris forgets the image', async () => ((await paris.client.show(id)) === undefined ? true : undefined));
	assert.equal((await paris.client.download(id)).status, 404);
});
