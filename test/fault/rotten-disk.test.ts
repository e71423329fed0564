/** A holder whose own disk has rotted: to its peers it is one more liar, to its clients never a source of other bytes. */
import assert from 'node:assert/strict';
import { chmod, open, stat, truncate } from 'node:fs/promises';
import { test } from 'node:test';
import { contentFiles } from '../support/data-dir.ts';
import { createFleet, type Member } from '../support/fleet.ts';
import { storesOf } from '../support/image-client.ts';
import { sampleContent } from '../support/sample-content.ts';

const MIB = 1024 * 1024;

const ROT: Readonly<Record<string, (path: string) => Promise<void>>> = {
	async 'one flipped bit'(path) {
		await using file = await open(path, 'r+');
		const byte = Buffer.alloc(1);
		await file.read(byte, 0, 1, 9 * MIB + 77);
		byte[0] = (byte[0] as number) ^ 4;
		await file.write(byte, 0, 1, 9 * MIB + 77);
	},
	async 'two blocks exchanged'(path) {
		await using file = await open(path, 'r+');
		const [a, b] = [Buffer.alloc(MIB), Buffer.alloc(MIB)];
		await file.read(a, 0, MIB, 2 * MIB);
		await file.read(b, 0, MIB, 5 * MIB);
		await file.write(b, 0, MIB, 2 * MIB);
		await file.write(a, 0, MIB, 5 * MIB);
	},
	'a truncated file': async (path) => truncate(path, ((await stat(path)).size / 2) | 0),
};

async function rot(member: Member, how: (path: string) => Promise<void>): Promise<void> {
	const [path, ...others] = await contentFiles(member);
	assert.ok(path !== undefined && others.length === 0);
	await chmod(path, 0o640);
	await how(path);
}

for (const [name, how] of Object.entries(ROT)) {
	test(`${name} at one holder: a reader elsewhere gets the exact bytes from another`, async () => {
		await using fleet = await createFleet();
		const centre = await fleet.centre();
		const paris = await fleet.join(centre, 'paris');
		const oslo = await fleet.join(centre, 'oslo', { bootstrap: [paris.node.peer, centre.node.peer] });
		const content = sampleContent(`rot ${name}`, 12 * MIB + 5);
		const { id } = await centre.client.add(content);
		await paris.client.until(id, 'active at paris', ({ status }) => status === 'active');
		await paris.client.download(id);
		await oslo.client.until(id, 'held at paris', (image) => storesOf(image).includes('paris'));
		await rot(paris, how);
		assert.equal((await oslo.client.download(id)).sha512, content.sha512());
	});

	test(`${name} at the only holder: a reader elsewhere gets a failure, never other bytes`, async () => {
		await using fleet = await createFleet();
		const centre = await fleet.centre();
		const paris = await fleet.join(centre, 'paris');
		const content = sampleContent(`rot alone ${name}`, 12 * MIB + 5);
		const { id } = await centre.client.add(content);
		await paris.client.until(id, 'active at paris', ({ status }) => status === 'active');
		await rot(centre, how);
		let wrongAt: number | undefined;
		const outcome = await paris.client
			.download(id, {
				onData(chunk, total) {
					if (!chunk.equals(content.slice(total - chunk.length, total))) wrongAt ??= total - chunk.length;
				},
			})
			.catch((error: Error) => error);
		assert.equal(wrongAt, undefined, 'other bytes reached the client');
		assert.ok(outcome instanceof Error || outcome.status >= 400, 'a download that cannot be completed fails');
	});
}
