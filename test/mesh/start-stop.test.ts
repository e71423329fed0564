import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFleet } from '../support/fleet.ts';
import { createImageClient } from '../support/image-client.ts';
import { sampleContent } from '../support/sample-content.ts';

const MIB = 1024 * 1024;

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
	test(`${signal} lets a running download end, takes no new ones, and ends with 0`, async () => {
		await using fleet = await createFleet();
		const { node, client } = await fleet.centre();
		const content = sampleContent(signal, 64 * MIB);
		const { id } = await client.add(content);
		let signalled = false;
		let refused: unknown;
		const saved = await client.download(id, {
			onData: async (_chunk, received) => {
				if (!signalled) {
					signalled = true;
					node.signal(signal);
				} else if (refused === undefined && received > 48 * MIB) {
					using other = createImageClient(node.http);
					refused = await other.list().catch((error: unknown) => error);
				}
			},
		});
		assert.equal(saved.sha512, content.sha512());
		assert.ok(refused instanceof Error, 'a new connection is refused while the node drains');
		assert.deepEqual(await node.exited, { code: 0, signal: null });
	});
}

test('an idle node that is asked twice is gone at once', async () => {
	await using fleet = await createFleet();
	const { node, client } = await fleet.centre();
	await client.list();
	node.signal('SIGTERM');
	assert.equal((await node.kill('SIGTERM')).signal, null);
});

test('what was stored is served after a restart, also after kill -9', async () => {
	await using fleet = await createFleet();
	const centre = await fleet.centre();
	const content = sampleContent('restart', 5 * MIB + 3);
	const { id } = await centre.client.add(content, { name: 'stays', tags: ['a', 'b'] });
	for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
		await centre.node.kill(signal);
		await fleet.revive(centre);
		const image = await centre.client.show(id);
		assert.deepEqual([image?.name, image?.status, image?.size], ['stays', 'active', content.size]);
		assert.equal((await centre.client.download(id)).sha512, content.sha512());
	}
});
