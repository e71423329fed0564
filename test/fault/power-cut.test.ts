/**
 * Loss of power, 20 rounds: the disk is copied as it is on the platter while the node is stopped in the middle of its
 * work, the node dies, and a new one starts on the copy. Unlike kill -9 this loses everything that was not fsynced.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { assertTidy } from '../support/data-dir.ts';
import { eventually } from '../support/eventually.ts';
import { createImageClient } from '../support/image-client.ts';
import { createUploadLedger } from '../support/ledger.ts';
import { createLoopDisk, type LoopDisk, whyNoLoopDisks } from '../support/loop-disk.ts';
import { type NodeProcess, startNode } from '../support/node-process.ts';
import { processState } from '../support/proc.ts';
import { seededRandom, testSeed } from '../support/random.ts';
import { sampleContent } from '../support/sample-content.ts';
import { temporaryDir } from '../support/temporary-dir.ts';

const MIB = 1024 * 1024;
const ROUNDS = 20;
const DISK_MIB = 512;
const KEPT_IMAGES = 5;

test(`${ROUNDS} power cuts lose nothing acknowledged and leave nothing half-visible`, async (t) => {
	await using dir = await temporaryDir();
	const obstacle = await whyNoLoopDisks(dir.path);
	if (obstacle !== undefined) {
		t.skip(obstacle);
		return;
	}
	const seed = testSeed();
	t.diagnostic(`seed ${seed} (SUNDOG_TEST_SEED repeats it)`);
	const random = seededRandom(seed);
	const ledger = createUploadLedger();
	let disk: LoopDisk = await createLoopDisk(dir.path, 'disk-0', DISK_MIB);
	let node: NodeProcess | undefined;
	const restarts: number[] = [];
	let held = 0;
	try {
		node = await startNode({ dataDir: `${disk.path}/data` });
		for (let round = 1; round <= ROUNDS; round++) {
			const writing = write(node, ledger, random, `${seed}/${round}`);
			await pause(random.between(50, 900));
			node.signal('SIGSTOP');
			const { pid } = node;
			await eventually('the node is stopped', () => (processState(pid) === 'T' ? true : undefined));
			const mustHold = ledger.acknowledged();
			held += mustHold.size;
			const copy = await disk.afterPowerCut(`disk-${round}`);
			await node.kill('SIGKILL');
			await writing;
			await disk[Symbol.asyncDispose]();
			disk = copy;

			node = await startNode({ dataDir: `${disk.path}/data` });
			restarts.push(Math.round(node.startMs));
			using client = createImageClient(node.http);
			const standing = await ledger.check(client, mustHold, () => true);
			await ledger.trim(client, KEPT_IMAGES);
			await assertTidy({ node }, Math.min(standing.contents, KEPT_IMAGES));
		}
	} finally {
		await node?.kill('SIGKILL');
		await disk[Symbol.asyncDispose]();
	}
	assert.ok(held > ROUNDS, `only ${held} acknowledged images were at stake in ${ROUNDS} cuts`);
	t.diagnostic(`${held} acknowledged images survived a cut; restarts took ${Math.min(...restarts)}-${Math.max(...restarts)} ms`);
});

/** Uploads one image after another, with changes of records in between, until the node is gone. */
async function write(
	node: NodeProcess,
	ledger: ReturnType<typeof createUploadLedger>,
	random: ReturnType<typeof seededRandom>,
	name: string,
): Promise<void> {
	using client = createImageClient(node.http);
	try {
		for (let i = 0; i < 12; i++) await ledger.upload(client, sampleContent(`${name}/${i}`, random.between(0, 12 * MIB)));
	} catch {
		// The node was killed: what was not acknowledged is not noted as such.
	}
}
