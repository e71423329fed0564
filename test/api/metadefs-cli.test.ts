/** `sundog metadefs` against a running node. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ImageError } from '#domain/errors.ts';
import { type ApiServer, startApi } from '../support/api-server.ts';
import { type OperatorsShell, operatorsShell } from '../support/cli.ts';
import { testSite } from '../support/onion.ts';

const OLD = {
	namespace: 'OS::Test',
	display_name: 'Old',
	visibility: 'public',
	protected: true,
	resource_type_associations: [{ name: 'R', prefix: 'r_' }],
	properties: { kept: { title: 'Kept', type: 'string' }, both: { title: 'Old', type: 'string' } },
	objects: [{ name: 'both', description: 'old', properties: {} }],
	tags: [{ name: 'both' }],
};
const NEW = {
	namespace: 'OS::Test',
	display_name: 'New',
	visibility: 'public',
	protected: true,
	resource_type_associations: [{ name: 'R', prefix: 'new_' }, { name: 'S' }],
	properties: { both: { title: 'New', type: 'string' }, added: { title: 'Added', type: 'integer', default: 3 } },
	objects: [
		{ name: 'both', description: 'new', properties: {} },
		{ name: 'added', required: [], properties: {} },
	],
	tags: [{ name: 'both' }, { name: 'added' }],
};

async function withNode(use: (shell: OperatorsShell, api: ApiServer) => Promise<void>): Promise<void> {
	await using api = await startApi();
	await using shell = await operatorsShell(api.url);
	await use(shell, api);
}

async function fileOf(shell: OperatorsShell, name: string, content: unknown): Promise<string> {
	const path = join(shell.folder, name);
	await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
	return path;
}

/** What a namespace says of itself and of what is in it, in a few words. */
async function summary(api: ApiServer): Promise<unknown> {
	const { json } = await api.ask('GET', '/v2/metadefs/namespaces/OS::Test');
	const named = (items: readonly { readonly name: string; readonly description?: string }[] = []) =>
		items.map(({ name, description }) => (description === undefined ? name : `${name}: ${description}`)).sort();
	const properties = Object.entries(json.properties as Record<string, { readonly title: string }>);
	return {
		title: json.display_name,
		owner: json.owner,
		types: json.resource_type_associations.map(({ name, prefix }: Record<string, string>) => `${name} ${prefix}`).sort(),
		properties: properties.map(([name, { title }]) => `${name}: ${title}`).sort(),
		objects: named(json.objects),
		tags: named(json.tags),
	};
}

const AS_OLD = {
	title: 'Old',
	owner: 'admin',
	types: ['R r_'],
	properties: ['both: Old', 'kept: Kept'],
	objects: ['both: old'],
	tags: ['both'],
};

describe('sundog metadefs load', () => {
	it('creates what is not there and leaves alone what is', () =>
		withNode(async (shell, api) => {
			const [old, fresh] = [await fileOf(shell, 'old.json', OLD), await fileOf(shell, 'new.json', NEW)];
			assert.deepEqual(await shell.run('metadefs', 'load', old), { code: 0, out: 'loaded OS::Test\n', said: [] });
			assert.deepEqual(await shell.run('metadefs', 'load', fresh), { code: 0, out: 'kept OS::Test\n', said: [] });
			assert.deepEqual(await summary(api), AS_OLD);
		}));

	it('--merge adds what is missing and changes nothing', () =>
		withNode(async (shell, api) => {
			await shell.run('metadefs', 'load', await fileOf(shell, 'old.json', OLD));
			const merged = await shell.run('metadefs', 'load', '--merge', await fileOf(shell, 'new.json', NEW));
			assert.deepEqual([merged.code, merged.out], [0, 'merged OS::Test\n']);
			assert.deepEqual(await summary(api), {
				...AS_OLD,
				types: ['R r_', 'S undefined'],
				properties: ['added: Added', 'both: Old', 'kept: Kept'],
				objects: ['added', 'both: old'],
				tags: ['added', 'both'],
			});
		}));

	it('--prefer-new also changes what is there', () =>
		withNode(async (shell, api) => {
			await shell.run('metadefs', 'load', await fileOf(shell, 'old.json', { ...OLD, protected: false }));
			const merged = await shell.run(
				'metadefs',
				'load',
				'--prefer-new',
				await fileOf(shell, 'new.json', { ...NEW, protected: false }),
			);
			assert.deepEqual([merged.code, merged.out], [0, 'merged OS::Test\n']);
			assert.deepEqual(await summary(api), {
				...AS_OLD,
				title: 'New',
				types: ['R new_', 'S undefined'],
				properties: ['added: Added', 'both: New', 'kept: Kept'],
				objects: ['added', 'both: new'],
				tags: ['added', 'both'],
			});
		}));

	it('--overwrite replaces, also what is protected, and puts it back when the file is refused', () =>
		withNode(async (shell, api) => {
			await shell.run('metadefs', 'load', await fileOf(shell, 'old.json', OLD));
			const bad = await fileOf(shell, 'bad.json', { ...NEW, description: 'x'.repeat(501) });
			const refused = await shell.run('metadefs', 'load', '--overwrite', bad);
			assert.equal(refused.code, 1);
			assert.match(refused.out, /^failed .*bad\.json: the node refused \(400\): .*description is longer than 500/);
			assert.deepEqual(refused.said, ['sundog: could not load 1 of 1']);
			assert.deepEqual(await summary(api), AS_OLD);
			const done = await shell.run('metadefs', 'load', '--overwrite', await fileOf(shell, 'new.json', NEW));
			assert.deepEqual([done.code, done.out], [0, 'overwritten OS::Test\n']);
			assert.deepEqual(await summary(api), {
				...AS_OLD,
				title: 'New',
				types: ['R new_', 'S undefined'],
				properties: ['added: Added', 'both: New'],
				objects: ['added', 'both: new'],
				tags: ['added', 'both'],
			});
		}));

	it('--overwrite leaves protected what cannot be deleted', async () => {
		const site = await testSite();
		const removeNamespace = () => Promise.reject(new ImageError('unavailable', 'not now'));
		await using api = await startApi({ site, metadefs: { ...site.metadefs, removeNamespace } });
		await using shell = await operatorsShell(api.url);
		await shell.run('metadefs', 'load', await fileOf(shell, 'old.json', OLD));
		const refused = await shell.run('metadefs', 'load', '--overwrite', await fileOf(shell, 'new.json', NEW));
		assert.match(refused.out, /^failed .*new\.json: the node refused \(503\)/);
		assert.equal((await api.ask('GET', '/v2/metadefs/namespaces/OS::Test')).json.protected, true);
		assert.deepEqual(await summary(api), AS_OLD);
	});
	it('says of each file what was wrong with it, and tries the others', () =>
		withNode(async (shell, api) => {
			for (const [name, content] of [
				['a.json', '{'],
				['b.json', '[]'],
				['c.json', {}],
				['d.json', { namespace: 'x', tags: [{}] }],
				['e.json', { namespace: 'x', properties: { p: { title: 't', type: 'none' } } }],
				['f.json', OLD],
				['ignored.txt', ''],
			] as const)
				await fileOf(shell, name, content);
			const { code, out, said } = await shell.run('metadefs', 'load', shell.folder);
			assert.equal(code, 1);
			const lines = out.trim().split('\n');
			for (const [index, what] of [
				/a\.json: it is not JSON$/,
				/b\.json: it is not a JSON object$/,
				/c\.json: it has no namespace$/,
				/d\.json: its tags\[0\] has no name$/,
				/e\.json: the node refused \(400\): .*type must be one of/,
				/^loaded OS::Test$/,
			].entries())
				assert.match(lines[index] ?? '', what);
			assert.deepEqual([lines.length, said], [6, ['sundog: could not load 5 of 6']]);
			assert.equal((await api.ask('GET', '/v2/metadefs/namespaces/x')).status, 404);
		}));

	it('refuses what makes no sense before anything is tried', () =>
		withNode(async (shell) => {
			await mkdir(join(shell.folder, 'empty'));
			for (const [args, what] of [
				[['--merge', '--overwrite', shell.folder], /cannot be used with/],
				[[join(shell.folder, 'nowhere')], /cannot be read: ENOENT/],
				[[join(shell.folder, 'empty')], /no \*\.json file/],
			] as const) {
				const { code, said } = await shell.run('metadefs', 'load', ...args);
				assert.equal(code, 2);
				assert.match(said.join(), what);
			}
		}));
});

describe('sundog metadefs export', () => {
	it('writes a file for each namespace, and never over another', () =>
		withNode(async (shell, api) => {
			await shell.run('metadefs', 'load', await fileOf(shell, 'old.json', OLD));
			await api.ask('POST', '/v2/metadefs/namespaces', { body: { namespace: 'with space/☃'.replace('/', '') } });
			const folder = join(shell.folder, 'out', 'deep');
			assert.equal((await shell.run('metadefs', 'export', folder)).code, 0);
			assert.deepEqual((await readdir(folder)).sort(), ['OS::Test.json', 'with%20space%E2%98%83.json']);
			const written = JSON.parse(await readFile(join(folder, 'OS::Test.json'), 'utf8'));
			assert.deepEqual(written, { ...OLD, owner: 'admin', objects: [{ ...OLD.objects[0], required: [] }] });
			const again = await shell.run('metadefs', 'export', folder);
			assert.deepEqual([again.code, again.said], [1, ['sundog: could not export 2 of 2']]);
			assert.match(again.out, /failed OS::Test: EEXIST/);
		}));
});
