/** Metadata definitions against Glance's own code: the files it ships, loaded by both, and all schema documents. */
import assert from 'node:assert/strict';
import { accessSync, constants, readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type ApiServer, startApi } from '../support/api-server.ts';
import { operatorsShell } from '../support/cli.ts';
import { askPython, missingPython } from '../support/python-oracle.ts';

const SHIPPED = '/etc/glance/metadefs';
const ORACLE = 'glance-metadefs.py';
const noGlance = missingPython('glance.api.v2.metadef_namespaces');

type Shown = Readonly<Record<string, unknown>> & { readonly namespace: string };

function unreadable(): string | false {
	try {
		for (const name of readdirSync(SHIPPED)) accessSync(`${SHIPPED}/${name}`, constants.R_OK);
		return false;
	} catch (error) {
		return `Glance's own definitions cannot be read: ${(error as Error).message}`;
	}
}

/** Without what differs by nature: times, and the order that a database happens to give. */
function comparable(value: unknown): unknown {
	if (Array.isArray(value)) {
		const items = value.map(comparable);
		return items.every(isNamed) ? items.sort((a, b) => (a.name < b.name ? -1 : 1)) : items;
	}
	if (typeof value !== 'object' || value === null) return value;
	const kept = Object.entries(value).filter(([key]) => key !== 'created_at' && key !== 'updated_at');
	return Object.fromEntries(kept.map(([key, each]) => [key, comparable(each)]));
}

function isNamed(value: unknown): value is { readonly name: string } {
	return typeof value === 'object' && value !== null && 'name' in value;
}

async function shownBy(api: ApiServer): Promise<readonly Shown[]> {
	const list = await api.ask('GET', '/v2/metadefs/namespaces?limit=1000&sort_key=namespace&sort_dir=asc');
	return Promise.all(list.json.namespaces.map(async ({ self }: { self: string }) => (await api.ask('GET', self)).json));
}

/** Glance's sentences are Glance's; what the newest one added is allowed. */
function structure(value: unknown): unknown {
	if (Array.isArray(value)) return value.filter((each) => each !== 'location_import').map(structure);
	if (typeof value !== 'object' || value === null) return value;
	const kept = Object.entries(value).filter(([key, each]) => key !== 'description' || typeof each !== 'string');
	return Object.fromEntries(kept.map(([key, each]) => [key, structure(each)]));
}

describe('metadata definitions and Glance', { skip: noGlance }, () => {
	it('all that Glance ships is loaded and shown as Glance loads and shows it', { skip: unreadable() }, async () => {
		await using api = await startApi();
		await using shell = await operatorsShell(api.url);
		const load = await shell.run('metadefs', 'load');
		assert.equal(load.code, 0, load.out + load.said.join());
		const files = readdirSync(SHIPPED).filter((name) => name.endsWith('.json'));
		assert.equal(load.out.split('\n').filter((line) => line.startsWith('loaded ')).length, files.length);
		const [theirs] = (await askPython(ORACLE, [SHIPPED])) as [readonly Shown[]];
		const ours = await shownBy(api);
		assert.deepEqual(
			ours.map((each) => each.namespace),
			theirs.map((each) => each.namespace),
		);
		for (const [index, each] of theirs.entries())
			assert.deepEqual(comparable(ours[index]), comparable({ ...each }), each.namespace);
	});

	it('what is exported is loaded again to the same, here and by Glance', { skip: unreadable() }, async () => {
		await using api = await startApi();
		await using shell = await operatorsShell(api.url);
		await shell.run('metadefs', 'load');
		const written = await shell.run('metadefs', 'export', shell.folder);
		assert.equal(written.code, 0, written.out);
		await using other = await startApi();
		await using elsewhere = await operatorsShell(other.url);
		await elsewhere.run('metadefs', 'load', shell.folder);
		const [ours, again] = [comparable(await shownBy(api)), comparable(await shownBy(other))];
		assert.deepEqual(again, ours);
		const [theirs] = await askPython(ORACLE, [shell.folder]);
		assert.deepEqual(comparable(theirs), ours);
	});

	it('every schema document has the structure of Glance', async () => {
		await using api = await startApi();
		const [theirs] = (await askPython(ORACLE, [null])) as [Readonly<Record<string, object>>];
		for (const [name, schema] of Object.entries(theirs))
			assert.deepEqual(structure((await api.ask('GET', `/v2/schemas/${name}`)).json), structure(schema), name);
	});
});
