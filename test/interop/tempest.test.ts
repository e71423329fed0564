/**
 * OpenStack's own acceptance tests, Tempest's for images and for Keystone's limits, against two nodes of
 * a site. The reference's catalogue names them while they run. Every test of Tempest's is one here.
 */
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runSundog } from '../support/node-process.ts';
import { openReference, type ReferenceCloud } from '../support/reference.ts';
import { type TemporaryDir, temporaryDir } from '../support/temporary-dir.ts';
import { startSundog } from './differential/sundog.ts';
import { isRun, type Outcome, readOutcomes } from './tempest/outcomes.ts';

const TIMEOUT_MS = 900_000;
const LOAD_TIMEOUT_MS = 120_000;
const BASELINES = ['baseline/tempest-api-image.tsv', 'baseline/tempest-limits.tsv'];
/** ImageCachingTest fails now and then at two, against Debian's Glance too. */
const CONCURRENCY = '1';

const reference = await openReference();
const expected = reference.missing === false ? await expectedOf(reference.cloud.file) : [];
const missing =
	reference.missing === false ? expected.length === 0 && 'the reference cloud has no baseline of Tempest' : reference.missing;
let dir: TemporaryDir;
let outcomes: ReadonlyMap<string, Outcome> = new Map();

async function expectedOf(file: (name: string) => string): Promise<readonly Outcome[]> {
	const lists = await Promise.all(BASELINES.map(async (name) => readOutcomes(await readFile(file(name), 'utf8'))));
	return [...new Map(lists.flat().map((outcome) => [outcome.name, outcome])).values()].filter(isRun);
}

/** Some of its tests take the first resource type that there is. */
async function loadDefinitions(dataDir: string, token: string): Promise<void> {
	const run = await runSundog(['metadefs', 'load'], { SUNDOG_DATA_DIR: dataDir, SUNDOG_ADMIN_TOKEN: token }, LOAD_TIMEOUT_MS);
	assert.equal(run.code, 0, run.stderr);
}

/**
 * Tests of a plain import wait until the image is in every store that can be written to, which Glance does only where there
 * is one; those of several stores need more.
 */
const ROUNDS = [
	{ stores: 'fast:file,web:http', tests: String.raw`^tempest\.api\.image\..*\.ImportImagesTest\.` },
	{
		stores: 'fast:file,slow:file,web:http',
		tests: String.raw`^tempest\.(api\.image\.(?!.*\.ImportImagesTest\.)|scenario\.test_unified_limits)`,
	},
];

async function play(cloud: ReferenceCloud, { stores, tests }: (typeof ROUNDS)[number]): Promise<readonly Outcome[]> {
	const out = join(dir.path, 'outcomes.tsv');
	await rm(out, { force: true });
	await using sundog = await startSundog(cloud, {
		SUNDOG_STORES: stores,
		SUNDOG_UNIFIED_LIMITS: 'true',
		SUNDOG_UNIFIED_LIMITS_ENDPOINT_ID: cloud.imageEndpoint,
		// One of its tests passes a limit by an upload that began within it.
		SUNDOG_QUOTA_OVERSHOOT: 'one',
	});
	await using colleague = await sundog.colleague();
	await loadDefinitions(sundog.dataDir, await cloud.token('admin'));
	const places = ['--image-url', sundog.url, '--remote-url', colleague.url];
	const args = [...places, '--concurrency', CONCURRENCY, '--regex', tests, '--out', out];
	// Its exit code tells of failures only; those are seen below, one by one.
	const { stderr } = await cloud.script('tempest-image', args, { timeoutMs: TIMEOUT_MS }).catch((error) => error);
	const text = await readFile(out, 'utf8').catch(() => assert.fail(`tempest has left no list of outcomes: ${stderr}`));
	return readOutcomes(text);
}

before(async () => {
	if (missing !== false || reference.missing !== false) return;
	const { cloud } = reference;
	dir = await temporaryDir();
	const lists: Outcome[] = [];
	for (const round of ROUNDS) lists.push(...(await play(cloud, round)));
	await cloud.script('keystone-start', ['--image-url', cloud.glance]);
	outcomes = new Map(lists.map((outcome) => [outcome.name, outcome]));
});
after(async () => {
	await dir?.[Symbol.asyncDispose]();
	if (reference.missing === false) await reference.cloud[Symbol.asyncDispose]();
});

describe('Tempest', { skip: missing }, () => {
	for (const { name, result, reason } of expected)
		it(name.replace(/^tempest\./, ''), (t) => {
			if (result === 'skipped') return t.skip(`Debian's Glance skips it too: ${reason}`);
			const seen = outcomes.get(name);
			assert.equal(seen?.result, 'passed', `${name}: ${seen?.result ?? 'not run'} ${seen?.reason ?? ''}`);
		});
});
