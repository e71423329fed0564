/** The same requests about stores to a node and to Debian's Glance, both configured by one file: the answers must be the same. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startNode } from '../support/node-process.ts';
import { absentModules, type GlanceStore, startGlance } from '../support/own-glance.ts';
import { swiftStores } from '../support/shared-stores.ts';
import { temporaryDir } from '../support/temporary-dir.ts';
import { startWebServer } from '../support/web-server.ts';
import { type Allowed, findAllowed } from './differential/allowed.ts';
import { ALLOWED_OF_STORES } from './differential/allowed-stores.ts';
import { createPair, type Pair } from './differential/pair.ts';
import { storeScenarios } from './differential/scenarios/stores.ts';
import { nameOf, type Step } from './differential/step.ts';

const cleanup = new AsyncDisposableStack();
after(() => cleanup.disposeAsync());
const dir = cleanup.use(await temporaryDir());
const missing = (await absentModules('glance', 'glance_store')).length > 0 ? 'not installed: glance-api' : false;
const [swift] = missing === false ? await swiftStores(dir.path, cleanup) : [];
const withoutSwift = swift !== undefined && 'missing' in swift ? swift.missing : false;
const open = missing === false ? await servers() : undefined;
const used = new Set<Allowed>();

async function servers() {
	const web = cleanup.use(await startWebServer((_, response) => void response.end('from the web')));
	const fetched = { allowed_hosts: '[127.0.0.1]', allowed_ports: `[${web.port}]` };
	const all = [...files(), ...(swift === undefined || 'missing' in swift ? [] : [swift])];
	const glance = cleanup.use(await startGlance(join(dir.path, 'glance'), all, { import_filtering_opts: fetched }));
	const env = { SUNDOG_GLANCE_CONFIG: glance.confFile };
	const node = cleanup.use(await startNode({ dataDir: join(dir.path, 'node'), env, readyTimeoutMs: 60_000 }));
	const cloud = { glance: glance.url, projects: {}, token: async () => 'nobody asks for it' };
	return { pair: () => createPair(cloud, node.http, { pages: web.url }), log: () => glance.log() };
}

function files(): readonly GlanceStore[] {
	const folder = (id: string) => ({ filesystem_store_datadir: join(dir.path, id) });
	return [
		{ id: 'fast', type: 'file', options: { ...folder('fast'), store_description: 'files, fast' } },
		{ id: 'slow', type: 'file', options: folder('slow') },
		{ id: 'web', type: 'http', options: { store_description: 'pages' } },
	];
}

async function same(pair: Pair, step: Step): Promise<void> {
	const { found, glance, sundog } = await pair.ask(step);
	const left = found.filter((difference) => {
		const entry = findAllowed(step, difference, ALLOWED_OF_STORES);
		if (entry !== undefined) used.add(entry);
		return entry === undefined;
	});
	if (left.length === 0) return;
	const texts = { glance: glance.bytes.toString().slice(0, 600), sundog: sundog.bytes.toString().slice(0, 600) };
	assert.fail(`answers differ\n${left.map((each) => `  ${JSON.stringify(each)}`).join('\n')}\n${JSON.stringify(texts, null, 1)}`);
}

if (withoutSwift !== false) describe('stores of Swift', { skip: withoutSwift }, () => {});
for (const { title, steps } of storeScenarios(withoutSwift === false ? 'swift' : 'slow'))
	describe(title, { skip: missing }, () => {
		let pair: Pair | undefined;
		before(() => {
			pair = open?.pair();
		});
		after(() => pair?.clear());
		for (const step of steps) it(nameOf(step), () => same(pair as Pair, step));
	});

describe('the list of allowed differences of stores', { skip: missing }, () => {
	for (const entry of ALLOWED_OF_STORES)
		it(`still needed: ${entry.reason}`, () => assert.ok(used.has(entry), 'no answer differs in this way any more'));
});
