/**
 * kill -9 at random moments of uploads and fetches, 100 rounds against whole nodes. What the ledger of acknowledgements
 * promises must hold after each, and no byte may lie about unowned. Kill -9 keeps the page cache: missing fsyncs are
 * found by power-cut.test.ts.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { assertTidy } from '../support/data-dir.ts';
import { createFleet } from '../support/fleet.ts';
import { createUploadLedger } from '../support/ledger.ts';
import { seededRandom, testSeed } from '../support/random.ts';
import { sampleContent } from '../support/sample-content.ts';

const MIB = 1024 * 1024;
const UPLOAD_ROUNDS = 60;
const FETCH_ROUNDS = 40;
const KEPT_IMAGES = 6;

test(`${UPLOAD_ROUNDS} kills in the middle of uploads lose nothing acknowledged and leave nothing half-visible`, async (t) => {
	const seed = testSeed();
	t.diagnostic(`seed ${seed} (SUNDOG_TEST_SEED repeats it)`);
	const random = seededRandom(seed);
	const ledger = createUploadLedger();
	await using fleet = await createFleet();
	const centre = await fleet.centre();
	const restarts: number[] = [];
	let usualMs = 300;

	for (let round = 0; round < UPLOAD_ROUNDS; round++) {
		const content = sampleContent(`${seed}/${round}`, random.between(8 * MIB, 32 * MIB));
		const startedAt = performance.now();
		const uploads = [ledger.upload(centre.client, content)];
		if (round % 3 === 0)
			uploads.push(ledger.upload(centre.client, sampleContent(`${seed}/${round}/small`, random.between(0, 3 * MIB))));
		// Every fourth kill waits for an answer, so that the moments around the commit are met often.
		const ended = Promise.allSettled(uploads);
		if (round % 4 === 3) await Promise.race([...uploads, pause(5000)]).catch(() => {});
		else await Promise.race([ended, pause(random.next() * usualMs * 1.3)]);
		const mustHold = ledger.acknowledged();
		if (mustHold.size > 0 && round % 4 === 3) usualMs = (usualMs + performance.now() - startedAt) / 2;
		await centre.node.kill('SIGKILL');
		await ended;

		await fleet.revive(centre);
		restarts.push(centre.node.startMs);
		const standing = await ledger.check(centre.client, ledger.acknowledged(), () => random.next() < 0.3);
		for (const id of mustHold) assert.ok(ledger.acknowledged().has(id));
		await ledger.trim(centre.client, KEPT_IMAGES);
		await assertTidy(centre, Math.min(standing.contents, KEPT_IMAGES));
	}
	await ledger.check(centre.client, ledger.acknowledged(), () => true);
	report(t, restarts);
});

test(`${FETCH_ROUNDS} kills in the middle of fetches: what is served afterwards is exact, what had arrived is kept`, async (t) => {
	const seed = testSeed();
	t.diagnostic(`seed ${seed} (SUNDOG_TEST_SEED repeats it)`);
	const random = seededRandom(seed);
	await using fleet = await createFleet();
	const centre = await fleet.centre();
	const paris = await fleet.join(centre, 'paris');
	const restarts: number[] = [];

	for (let round = 0; round < FETCH_ROUNDS; round++) {
		const content = sampleContent(`${seed}/fetch/${round}`, random.between(8 * MIB, 32 * MIB));
		const { id } = await centre.client.add(content);
		await paris.client.until(id, 'active at paris', ({ status }) => status === 'active');
		const killAt = random.between(0, content.size);
		const { promise: reached, resolve } = Promise.withResolvers<void>();
		const fetching = paris.client
			.download(id, {
				onData: (_chunk, received) => {
					if (received >= killAt) resolve();
				},
			})
			.then(
				() => resolve(),
				() => resolve(),
			);
		await reached;
		await paris.node.kill('SIGKILL');
		await fetching;

		await fleet.revive(paris);
		restarts.push(paris.node.startMs);
		await paris.client.until(id, 'active at paris', ({ status }) => status === 'active');
		assert.equal((await paris.client.download(id)).sha512, content.sha512());
		assert.equal((await centre.client.remove(id)).status, 204);
		if (round % 8 === 7) await assertTidy(paris, 0);
	}
	report(t, restarts);
});

function report(t: TestContext, restarts: readonly number[]): void {
	const sorted = [...restarts].sort((a, b) => a - b).map(Math.round);
	t.diagnostic(
		`restart after kill -9: median ${sorted[sorted.length >> 1]} ms, longest ${sorted.at(-1)} ms, ${sorted.length} restarts`,
	);
}
