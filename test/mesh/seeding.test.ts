/** The other way round: what an edge takes in reaches the centre's backend, once and whole. */
import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { filesUnder, sha512OfFile } from '../support/files.ts';
import { createFleet, type Member, portOf, throughPort } from '../support/fleet.ts';
import { storesOf } from '../support/image-client.ts';
import { sampleContent } from '../support/sample-content.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { bytesBySource } from '../support/transfers.ts';

const MIB = 1024 * 1024;

const backendFile = (centre: Member, id: string) => join(centre.node.dataDir, 'images', id);

/** Seeded: the file is in the backend, and every node says that the edge and the centre hold the image. */
async function seeded(centre: Member, edge: Member, id: string): Promise<void> {
	for (const { client } of [centre, edge])
		await client.until(
			id,
			'stores name paris, the centre and its backend',
			(image) => ['paris', 'centre', 'file'].every((store) => storesOf(image).includes(store)),
			{ timeoutMs: 60_000 },
		);
	await stat(backendFile(centre, id));
}

test('an image uploaded at paris is usable there at once and seeded into the file store of the centre without a second copy', async () => {
	await using fleet = await createFleet();
	const centre = await fleet.centre();
	const paris = await fleet.join(centre, 'paris');
	const content = sampleContent('seed', 40 * MIB + 321);
	const image = await paris.client.add(content, { name: 'from the edge' });
	assert.equal(image.status, 'active');
	assert.equal((await paris.client.download(image.id)).sha512, content.sha512());

	await seeded(centre, paris, image.id);
	const file = backendFile(centre, image.id);
	assert.equal(await sha512OfFile(file), content.sha512());
	const { ino, nlink } = await stat(file);
	const twins = (await filesUnder(centre.node.dataDir)).filter((found) => found.stat.ino === ino);
	assert.ok(nlink >= 2 && twins.length >= 2, 'the content and the object of the store are one file');
	assert.equal((await centre.client.download(image.id)).sha512, content.sha512());
});

test('an upload at the centre lands in its own file store', async () => {
	await using fleet = await createFleet();
	const centre = await fleet.centre();
	const content = sampleContent('own', 3 * MIB + 1);
	const { id } = await centre.client.add(content);
	await centre.client.until(id, 'in the backend', (image) => storesOf(image).includes('file'));
	assert.equal(await sha512OfFile(backendFile(centre, id)), content.sha512());
});

test('with the link down an upload at paris works, and it is seeded when the link is back', async () => {
	await using fleet = await createFleet();
	const centre = await fleet.centre();
	const paris = await fleet.join(centre, 'paris');
	await centre.node.stop();
	const content = sampleContent('island', 12 * MIB);
	const image = await paris.client.add(content);
	assert.equal(image.status, 'active');
	assert.equal((await paris.client.download(image.id)).sha512, content.sha512());

	await fleet.revive(centre);
	await seeded(centre, paris, image.id);
	assert.equal(await sha512OfFile(backendFile(centre, image.id)), content.sha512());
});

test('seeding that kill -9 of the centre interrupts goes on where it was', async () => {
	await using fleet = await createFleet();
	const centre = await fleet.centre();
	await using link = await startTcpProxy({ port: portOf(centre.node.peer) });
	link.limit(40 * MIB);
	const paris = await fleet.join(centre, 'paris', { bootstrap: [throughPort(centre.node.peer, link.port)] });
	const content = sampleContent('resume', 128 * MIB);
	const { id } = await paris.client.add(content);
	const before = await eventually('a part of the image at the centre', async () => {
		const { peer } = await bytesBySource(centre.client, id);
		return peer > 48 * MIB ? peer : undefined;
	});
	await centre.node.kill('SIGKILL');
	await fleet.revive(centre);
	await seeded(centre, paris, id);
	const after = (await bytesBySource(centre.client, id)).peer;
	assert.ok(before + after <= content.size + 32 * MIB, `${before} + ${after} bytes fetched for ${content.size}`);
	assert.equal(await sha512OfFile(backendFile(centre, id)), content.sha512());
});

test('seeding survives cuts of the link and fetches nothing twice', async () => {
	await using fleet = await createFleet();
	const centre = await fleet.centre();
	await using link = await startTcpProxy({ port: portOf(centre.node.peer) });
	link.limit(64 * MIB);
	const paris = await fleet.join(centre, 'paris', { bootstrap: [throughPort(centre.node.peer, link.port)] });
	const content = sampleContent('cuts', 96 * MIB);
	const { id } = await paris.client.add(content);
	for (const mark of [16, 48]) {
		await eventually(`${mark} MiB at the centre`, async () =>
			(await bytesBySource(centre.client, id)).peer > mark * MIB ? true : undefined,
		);
		link.cut();
		link.mend();
	}
	await seeded(centre, paris, id);
	const fetched = (await bytesBySource(centre.client, id)).peer;
	assert.ok(fetched <= content.size + 2 * MIB, `${fetched} bytes fetched for ${content.size}`);
	assert.equal(await sha512OfFile(backendFile(centre, id)), content.sha512());
});
