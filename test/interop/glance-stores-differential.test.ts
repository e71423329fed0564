/** The same requests about stores to a node and to Debian's Glance, both configured by one file: the answers must be the same. */
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startNode } from '../support/node-process.ts';
import { absentModules, type GlanceStore, startGlance } from '../support/own-glance.ts';
import type { Person } from '../support/reference.ts';
import { swiftStores } from '../support/shared-stores.ts';
import { temporaryDir } from '../support/temporary-dir.ts';
import { startWebServer } from '../support/web-server.ts';
import { type Allowed, findAllowed } from './differential/allowed.ts';
import { ALLOWED_OF_STORES, ALLOWED_OF_SWIFT } from './differential/allowed-stores.ts';
import { createPair, type Pair } from './differential/pair.ts';
import { storeScenarios } from './differential/scenarios/stores.ts';
import { nameOf, type Step } from './differential/step.ts';

/** Without authentication of its own, so that callers are whoever the headers say, as behind a proxy. */
const TRUSTING = `
[pipeline:glance-api-trusted-auth]
pipeline = context rootapp
[composite:rootapp]
paste.composite_factory = glance.api:root_app_factory
/: apiversions
/v2: apiv2app
[app:apiversions]
paste.app_factory = glance.api.versions:create_resource
[app:apiv2app]
paste.app_factory = glance.api.v2.router:API.factory
[filter:context]
paste.filter_factory = glance.api.middleware.context:ContextMiddleware.factory
`;
const PROJECTS = { admin: 'operators', demo: 'demo-project', alt_demo: 'alt-project' };
const PEOPLE: Readonly<Record<Person, readonly [project: string, roles: string]>> = {
	admin: [PROJECTS.admin, 'admin,member,reader'],
	demo: [PROJECTS.demo, 'member,reader'],
	alt: [PROJECTS.alt_demo, 'member,reader'],
	reader: [PROJECTS.demo, 'reader'],
	system: [PROJECTS.admin, 'admin,member,reader'],
};

const cleanup = new AsyncDisposableStack();
after(() => cleanup.disposeAsync());
const dir = cleanup.use(await temporaryDir());
const HERE: readonly GlanceStore[] = [
	{ id: 'fast', type: 'file', options: { filesystem_store_datadir: folderOf('fast'), store_description: 'files, fast' } },
	{ id: 'slow', type: 'file', options: { filesystem_store_datadir: folderOf('slow') } },
	{ id: 'web', type: 'http', options: { store_description: 'pages' } },
];
const missing = (await absentModules('glance', 'glance_store')).length > 0 ? 'not installed: glance-api' : false;
const [swift] = missing === false ? await swiftStores(dir.path, cleanup) : [];
const withoutSwift = swift !== undefined && 'missing' in swift ? swift.missing : false;
const pages = missing === false ? await heldPages() : undefined;
const open = pages && (await servers(pages.url));
const allowed = withoutSwift === false ? [...ALLOWED_OF_STORES, ...ALLOWED_OF_SWIFT] : ALLOWED_OF_STORES;
const used = new Set<Allowed>();

function folderOf(store: string): string {
	return join(dir.path, store);
}

function identity(person: Person): Record<string, string> {
	const [project, roles] = PEOPLE[person];
	const who = { 'x-user-id': person, 'x-project-id': project, 'x-roles': roles };
	return { 'x-identity-status': 'Confirmed', ...who };
}

/** A web server of one page; where it is asked for as /held/…, the bytes wait until they may go. */
async function heldPages() {
	const gates = new Map<string, PromiseWithResolvers<void>>();
	const gateOf = (page: string) => {
		const gate = gates.get(page) ?? Promise.withResolvers<void>();
		gates.set(page, gate);
		return gate.promise.then(() => {});
	};
	const web = await startWebServer(async ({ method, url = '' }, response) => {
		const [, page] = /^\/held\/(\w+)$/.exec(url) ?? [];
		response.setHeader('content-length', 10);
		if (page !== undefined && method === 'GET') await gateOf(page);
		response.end(method === 'HEAD' ? '' : '0123456789');
	});
	cleanup.use(web);
	const letGo = (page: string) => {
		gateOf(page);
		gates.get(page)?.resolve();
	};
	cleanup.defer(() => [...gates.keys()].forEach(letGo));
	return { url: web.url, port: web.port, letGo };
}

async function servers(url: string) {
	const port = new URL(url).port;
	const all = [...HERE, ...(swift === undefined || 'missing' in swift ? [] : [swift])];
	const paste = join(dir.path, 'paste.ini');
	await writeFile(paste, TRUSTING);
	const more = {
		import_filtering_opts: { allowed_hosts: '[127.0.0.1]', allowed_ports: `[${port}]` },
		// as in the newest Glance, whose defaults a file means to the node
		DEFAULT: { enforce_secure_rbac: 'true' },
		oslo_policy: { enforce_new_defaults: 'true', enforce_scope: 'true' },
		paste_deploy: { flavor: 'trusted-auth', config_file: paste },
	};
	const glance = cleanup.use(await startGlance(join(dir.path, 'glance'), all, more, identity('admin')));
	const env = {
		SUNDOG_GLANCE_CONFIG: glance.confFile,
		SUNDOG_AUTH: 'proxy',
		SUNDOG_TRUSTED_PROXIES: '127.0.0.1',
		// a node's http stores reach its own machine only where they are told to
		SUNDOG_STORE_WEB_HTTP_ALLOWED_HOSTS: '127.0.0.1',
		SUNDOG_STORE_WEB_HTTP_ALLOWED_PORTS: port,
	};
	const node = cleanup.use(await startNode({ dataDir: join(dir.path, 'node'), env, readyTimeoutMs: 60_000 }));
	return { pair: () => createPair({ glance: glance.url, projects: PROJECTS, identity }, node.http, { pages: url }) };
}

async function same(pair: Pair, step: Step): Promise<void> {
	const { found, glance, sundog } = await pair.ask(step);
	const left = found.filter((difference) => {
		const entry = findAllowed(step, difference, allowed);
		if (entry !== undefined) used.add(entry);
		return entry === undefined;
	});
	if (left.length === 0) return;
	const texts = { glance: glance.bytes.toString().slice(0, 600), sundog: sundog.bytes.toString().slice(0, 600) };
	assert.fail(`answers differ\n${left.map((each) => `  ${JSON.stringify(each)}`).join('\n')}\n${JSON.stringify(texts, null, 1)}`);
}

if (withoutSwift !== false) describe('a store of Swift beside those of files', { skip: withoutSwift }, () => {});
const scenarios = storeScenarios({
	other: withoutSwift === false ? 'swift' : 'slow',
	lose: (store, image) => rm(join(folderOf(store), image)),
	letGo: (page) => pages?.letGo(page),
});
for (const { title, steps } of scenarios)
	describe(title, { skip: missing }, () => {
		let pair: Pair | undefined;
		before(() => {
			pair = open?.pair();
		});
		after(() => pair?.clear());
		for (const step of steps) it(nameOf(step), () => same(pair as Pair, step));
	});

describe('the list of allowed differences of stores', { skip: missing }, () => {
	for (const entry of allowed)
		it(`still needed: ${entry.reason}`, () => assert.ok(used.has(entry), 'no answer differs in this way any more'));
});
