/**
 * A member that answers with other bytes. The client gets the exact bytes from elsewhere, or a clean failure, and what
 * it had received until then is a true beginning; no lie is kept on disk.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { createFleet, type Fleet, type Member } from '../support/fleet.ts';
import { storesOf } from '../support/image-client.ts';
import { LIES, type Liar, type Lie, startLiar } from '../support/liar.ts';
import { type SampleContent, sampleContent } from '../support/sample-content.ts';

const MIB = 1024 * 1024;

/** One of each kind: wrong bytes, wrong order, broken off, wrong manifest. Each waits until the reader has given up on the only holder. */
const ALONE: readonly Lie[] = ['flipped', 'swapped', 'cut off', 'false manifest'];

interface Scene extends AsyncDisposable {
	readonly fleet: Fleet;
	readonly centre: Member;
	readonly oslo: Member;
	readonly content: SampleContent;
	readonly id: string;
	readonly liar: Liar;
}

/** Oslo has nothing, the centre tells the truth, and paris, which everyone knows to hold the image, lies. */
async function scene(lie: Lie): Promise<Scene> {
	await using stack = new AsyncDisposableStack();
	const fleet = stack.use(await createFleet());
	const centre = await fleet.centre();
	const paris = await fleet.join(centre, 'paris');
	const oslo = await fleet.join(centre, 'oslo', { bootstrap: [centre.node.peer, paris.node.peer] });
	const content = sampleContent(`lie ${lie}`, 24 * MIB + 1000);
	const { id } = await centre.client.add(content);
	await paris.client.until(id, 'active at paris', ({ status }) => status === 'active');
	await paris.client.download(id);
	await oslo.client.until(id, 'known to be held at paris', (image) => storesOf(image).includes('paris'));
	await paris.node.stop();
	const listen = paris.node.peer.replace(/\/p2p\/.*$/, '');
	const liar = stack.use(await startLiar({ dataDir: paris.node.dataDir, site: 'paris', listen, lie, content, blockSize: MIB }));
	const owned = stack.move();
	return { fleet, centre, oslo, content, id, liar, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Waits until oslo is connected to the liar, and, when it shall be `alone` with it, to nobody else. */
async function met({ oslo, liar, centre }: Scene, alone: boolean): Promise<void> {
	if (alone) await centre.node.stop();
	await eventually(
		'oslo and the liar have met',
		async () => {
			const answer = await oslo.client.call('GET', '/admin/v1/node');
			const { peers } = JSON.parse(answer.body) as { readonly peers: readonly { readonly site: string }[] };
			const sites = peers
				.map(({ site }) => site)
				.toSorted()
				.join();
			return sites === (alone ? 'paris' : 'centre,paris') ? true : undefined;
		},
		{ timeoutMs: 60_000 },
	);
	assert.equal(liar.asked(), 0);
}

for (const lie of LIES) {
	test(`${lie} blocks: with an honest holder about, the client gets the exact bytes`, async (t) => {
		await using stage = await scene(lie);
		await met(stage, false);
		const { oslo, id, content } = stage;
		const saved = await oslo.client.download(id);
		assert.deepEqual([saved.status, saved.size, saved.sha512], [200, content.size, content.sha512()]);
		t.diagnostic(`the liar was asked ${stage.liar.asked()} times`);
		assert.ok(stage.liar.asked() > 0, 'the liar had its say');
		await stage.centre.node.stop();
		assert.equal((await oslo.client.download(id)).sha512, content.sha512(), 'no lie was kept');
	});
}

for (const lie of ALONE) {
	test(`${lie} blocks: with nobody else to ask, the client gets a failure and never other bytes`, async (t) => {
		await using stage = await scene(lie);
		await met(stage, true);
		const { oslo, id, content, liar } = stage;
		let received = 0;
		const outcome = await oslo.client
			.download(id, {
				onData(chunk, total) {
					assert.deepEqual(chunk, content.slice(total - chunk.length, total), `other bytes at ${total - chunk.length}`);
					received = total;
				},
			})
			.catch((error: Error) => error);
		if (outcome instanceof Error) assert.notEqual(outcome.name, 'AssertionError', outcome.message);
		else if (outcome.status === 200) assert.equal(outcome.sha512, content.sha512());
		t.diagnostic(`asked ${liar.asked()} times, ${received} true bytes came through`);

		await stage.fleet.revive(stage.centre);
		await oslo.client.until(id, 'active at oslo', ({ status }) => status === 'active');
		assert.equal((await oslo.client.download(id)).sha512, content.sha512(), 'the truth wins as soon as it is back');
	});
}
