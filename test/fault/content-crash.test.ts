/** Kill -9 at random moments of upload and fetch: what was promised is there, and nothing else can be seen. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MiB } from '#lib/sizes.ts';
import { testSources } from '../support/block-sources.ts';
import { contentOf } from '../support/crash-contents.ts';
import { filesUnder, openContent, readAll } from '../support/open-content.ts';
import { seededRandom, testSeed } from '../support/random.ts';
import { temporaryDir } from '../support/temporary-dir.ts';

const ROUNDS = 20;
const WORKER = fileURLToPath(new URL('../support/content-worker.ts', import.meta.url));

interface Kept {
	readonly root: string;
	readonly size: number;
	readonly seed: number;
}

for (const mode of ['upload', 'fetch'] as const) {
	test(`after kill -9 at ${ROUNDS} random moments of ${mode} everything promised is there, nothing is half-visible, and no garbage is left`, {
		timeout: 300_000,
	}, async (t) => {
		const seed = testSeed();
		t.diagnostic(`SUNDOG_TEST_SEED=${seed}`);
		const random = seededRandom(seed);
		await using directory = await temporaryDir();
		const promised: Kept[] = [];
		for (let round = 0; round < ROUNDS; round++) {
			const kept = await runUntilKilled(directory.path, mode, nextSeed(promised), random.between(0, 400));
			promised.push(...kept);
			await using content = await openContent({ path: directory.path, sources: testSources(), limits: { sourceWaitMs: 50 } });
			const { store } = content;
			for (const { root, size, seed } of kept) {
				assert.equal(store.presence(root), 'complete');
				assert.deepEqual(await readAll(store, { root, size, blockSize: MiB }), Buffer.from(contentOf(seed)));
			}
			if (round % 5 === 4) await assertTidy(content, promised);
		}
		assert.ok(promised.length > 0, 'at least one content was finished before a kill');
	});
}

/** All promises of all rounds hold, and a collection that keeps only them leaves only their files. */
async function assertTidy({ store, path }: Awaited<ReturnType<typeof openContent>>, promised: readonly Kept[]): Promise<void> {
	const live = new Map(promised.slice(-4).map((kept) => [kept.root, kept]));
	promised = [...live.values()];
	await store.collect(async (root) => live.has(root));
	for (const { root, size, seed } of live.values()) {
		assert.deepEqual(await readAll(store, { root, size, blockSize: MiB }), Buffer.from(contentOf(seed)));
		await store.digest({ root, size, blockSize: MiB }, { hashAlgorithm: 'sha256', signal: AbortSignal.timeout(30_000) });
	}
	for (const name of (await filesUnder(path)).keys()) {
		const root = /([a-z2-7]+)\.(data|blocks|have)$/.exec(name)?.[1];
		assert.ok(root !== undefined && live.has(root), `${name} belongs to nothing`);
	}
}

function nextSeed(promised: readonly Kept[]): number {
	return Math.max(0, ...promised.map(({ seed }) => seed + 1));
}

/** Starts the worker, kills it so long after it has opened the store, and gives what it had been promised by then. */
async function runUntilKilled(directory: string, mode: string, seed: number, afterMs: number): Promise<Kept[]> {
	const child: ChildProcess = spawn(process.execPath, [WORKER, directory, mode, String(seed)], {
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	const kept = new Map<string, Kept>();
	assert.ok(child.stdout !== null);
	const lines = createInterface({ input: child.stdout });
	const opened = Promise.withResolvers<void>();
	lines.on('line', (line) => {
		const [word, root = '', size, seed] = line.split(' ');
		if (word === 'open') opened.resolve();
		if (word === 'kept') kept.set(root, { root, size: Number(size), seed: Number(seed) });
		if (word === 'dropping') kept.delete(root);
	});
	const ended = Promise.all([once(child, 'exit'), once(lines, 'close')]);
	await Promise.race([opened.promise, ended.then(() => assert.fail('the worker ended by itself'))]);
	const timer = setTimeout(() => child.kill('SIGKILL'), afterMs);
	await ended;
	clearTimeout(timer);
	assert.equal(child.signalCode, 'SIGKILL');
	return [...kept.values()];
}
