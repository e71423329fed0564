/** Metadata definitions, over the whole onion and the real catalogue: in memory, in LevelDB, and between two sites. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LocalCatalogue } from '#catalogue/catalogue.ts';
import { openLevel } from '#catalogue/level/key-value.ts';
import { memoryKeyValue } from '#catalogue/memory.ts';
import { codeOf, type ErrorCode } from '#domain/errors.ts';
import type { NamespaceDraft, NamespaceQuery } from '#domain/metadefs/controller.ts';
import type { KeyValue } from '#lib/key-value.ts';
import { silentLog } from '#lib/log.ts';
import { notificationOf } from '#notifier/payload.ts';
import { createRulePolicy } from '#policy/rule-policy.ts';
import { administrator, caller, type TestSite, testCatalogue, testSite } from '../support/onion.ts';
import { temporaryDir } from '../support/temporary-dir.ts';

const admin = administrator();
const reader = caller({ roles: ['reader'] });
const outsider = caller({ project: 'project-b', roles: ['member', 'reader'] });
const nobody = caller({ roles: [] });

const NS = 'OS::Sundog::Test';
const DRAFT: NamespaceDraft = {
	namespace: NS,
	displayName: 'Test',
	description: null,
	visibility: 'public',
	protected: false,
	items: {
		association: [{ name: 'OS::Glance::Image', prefix: 'hw_', propertiesTarget: null }],
		object: [{ name: 'cpu', description: null, required: ['cores'], properties: [{ name: 'cores', schema: integer('Cores') }] }],
		property: [
			{ name: 'arch', schema: { type: 'string', title: 'Architecture' } },
			{ name: 'cores', schema: integer('Cores') },
		],
		tag: [{ name: 'fast' }],
	},
};
const ALL: NamespaceQuery = { limit: 100, sortKey: 'namespace', descending: false };

function integer(title: string) {
	return { type: 'integer', title } as const;
}

function refused(promise: Promise<unknown>, code: ErrorCode, text = /./): Promise<void> {
	return assert.rejects(promise, (error: Error) => {
		assert.equal(codeOf(error), code, error.message);
		assert.match(error.message, text);
		return true;
	});
}

async function filled(over: Partial<NamespaceDraft> = {}, site?: TestSite): Promise<TestSite> {
	const made = site ?? (await testSite());
	await made.metadefs.createNamespace(admin, { ...DRAFT, ...over });
	return made;
}

const namesOf = (items: readonly { readonly name: string }[]) => items.map(({ name }) => name);
const typesOf = ({ events }: TestSite) => events.map(({ type }) => type);

const STORES: Readonly<Record<string, (dir: string) => Promise<KeyValue>>> = {
	memory: async () => memoryKeyValue(),
	level: (dir) => openLevel(dir),
};

for (const [name, open] of Object.entries(STORES)) {
	describe(`metadata definitions: ${name}`, () => {
		async function withSite(use: (site: TestSite) => Promise<void>): Promise<void> {
			await using dir = await temporaryDir();
			const kv = await open(dir.path);
			try {
				await use(await testSite({ catalogue: await testCatalogue('centre', kv) }));
			} finally {
				await kv.close();
			}
		}

		it('a namespace comes with all that is in it, in the order it was given', () =>
			withSite(async ({ metadefs }) => {
				const made = await metadefs.createNamespace(admin, DRAFT);
				assert.deepEqual(await metadefs.showNamespace(reader, NS), made);
				assert.equal(made.owner, 'operators');
				assert.deepEqual(namesOf(made.items.property), ['arch', 'cores']);
				assert.deepEqual(made.items.object[0]?.properties, [{ name: 'cores', schema: integer('Cores') }]);
				assert.equal(made.createdAt, made.updatedAt);
				await refused(metadefs.createNamespace(admin, DRAFT), 'conflict', /already exists/);
			}));

		it('items are added, shown, renamed in their place, and dropped', () =>
			withSite(async (site) => {
				const { metadefs } = await filled({}, site);
				const schema = { type: 'string', title: 'Zone' } as const;
				await metadefs.addItem(admin, NS, 'property', { name: 'zone', schema });
				await refused(metadefs.addItem(admin, NS, 'property', { name: 'zone', schema }), 'conflict');
				await metadefs.updateItem(admin, NS, 'property', 'arch', { name: 'architecture', schema });
				await refused(metadefs.updateItem(admin, NS, 'property', 'zone', { name: 'cores', schema }), 'conflict');
				await refused(metadefs.updateItem(admin, NS, 'property', 'arch', { name: 'x', schema }), 'not-found');
				assert.deepEqual(namesOf(await metadefs.listItems(reader, NS, 'property')), ['architecture', 'cores', 'zone']);
				await metadefs.removeItem(admin, NS, 'property', 'cores');
				await refused(metadefs.showItem(reader, NS, 'property', 'cores'), 'not-found', /no property cores/);
				await metadefs.removeAllItems(admin, NS, 'property');
				assert.deepEqual(await metadefs.listItems(reader, NS, 'property'), []);
				assert.deepEqual(namesOf(await metadefs.listItems(reader, NS, 'object')), ['cpu']);
			}));

		it('several tags at once take the place of those that are there, or come to them', () =>
			withSite(async (site) => {
				const { metadefs } = await filled({}, site);
				const tags = async () => namesOf(await metadefs.listItems(reader, NS, 'tag'));
				await metadefs.addTags(admin, NS, ['a', 'b'], { append: false });
				await metadefs.addTags(admin, NS, ['c'], { append: true });
				assert.deepEqual(await tags(), ['a', 'b', 'c']);
				await refused(metadefs.addTags(admin, NS, ['d', 'a'], { append: true }), 'conflict', /tag a/);
				await refused(metadefs.addTags(admin, NS, ['d', 'd'], { append: false }), 'conflict', /tag d/);
				assert.deepEqual(await metadefs.addTags(admin, NS, [], { append: false }), []);
				assert.deepEqual(await tags(), ['a', 'b', 'c']);
			}));

		it('a renamed namespace is as old as before and keeps what is in it', () =>
			withSite(async (site) => {
				const { metadefs } = await filled({}, site);
				const before = await metadefs.showNamespace(admin, NS);
				await metadefs.createNamespace(admin, { ...DRAFT, namespace: 'taken' });
				await refused(metadefs.updateNamespace(admin, NS, { ...DRAFT, namespace: 'taken' }), 'conflict', /taken already exists/);
				const after = await metadefs.updateNamespace(admin, NS, { ...DRAFT, namespace: 'new name', description: 'd' });
				assert.deepEqual([after.namespace, after.description, after.createdAt], ['new name', 'd', before.createdAt]);
				assert.deepEqual(await metadefs.showNamespace(reader, 'new name'), after);
				for (const kind of ['association', 'object', 'property', 'tag'] as const)
					assert.deepEqual(namesOf(after.items[kind]), namesOf(before.items[kind]));
				await refused(metadefs.showNamespace(admin, NS), 'not-found');
				await metadefs.createNamespace(admin, DRAFT);
			}));

		it('hundreds of items fit, and are many small entries of the log', () =>
			withSite(async ({ metadefs, catalogue }) => {
				const description = 'x'.repeat(600);
				const property = Array.from({ length: 500 }, (_, n) => ({
					name: `p${n}`,
					schema: { type: 'string', title: `P ${n}`, description } as const,
				}));
				await metadefs.createNamespace(admin, { ...DRAFT, items: { association: [], object: [], tag: [], property } });
				assert.equal((await metadefs.listItems(reader, NS, 'property')).length, 500);
				const entries = await catalogue.feed.missing(new Map(), Number.MAX_SAFE_INTEGER);
				assert.ok(entries.length > 4);
				for (const entry of entries) assert.ok(entry.length < 128 * 1024);
			}));

		it('a type that was ever associated stays known, as old as its first association', () =>
			withSite(async (site) => {
				const { metadefs } = await filled({}, site);
				const [first] = await metadefs.listResourceTypes(reader);
				await metadefs.addItem(admin, NS, 'association', { name: 'X', prefix: null, propertiesTarget: null });
				await metadefs.removeItem(admin, NS, 'association', 'OS::Glance::Image');
				await metadefs.removeNamespace(admin, NS);
				await metadefs.createNamespace(admin, DRAFT);
				assert.deepEqual(namesOf(await metadefs.listResourceTypes(reader)), ['OS::Glance::Image', 'X']);
				assert.deepEqual((await metadefs.listResourceTypes(reader))[0], first);
			}));
	});
}

describe('metadata definitions', () => {
	it('lists pages of what a caller sees, in any order', async () => {
		const site = await testSite();
		const { metadefs } = site;
		for (const [namespace, displayName, over] of [
			['a', 'z', {}],
			['b', null, { visibility: 'private' }],
			['c', 'y', { visibility: 'private', owner: 'project-b' }],
			['d', 'x', { items: { ...DRAFT.items, association: [] } }],
		] as const)
			await filled({ namespace, displayName, ...over }, site);
		const listed = async (query: Partial<NamespaceQuery>, ctx = admin) => {
			const page = await metadefs.listNamespaces(ctx, { ...ALL, ...query });
			return [page.namespaces.map((each) => each.namespace).join(''), page.full];
		};
		assert.deepEqual(await listed({}), ['abcd', false]);
		assert.deepEqual(await listed({}, reader), ['ad', false]);
		assert.deepEqual(await listed({}, outsider), ['acd', false]);
		assert.deepEqual(await listed({ sortKey: 'displayName' }), ['bdca', false]);
		assert.deepEqual(await listed({ sortKey: 'createdAt', descending: true, limit: 2 }), ['dc', true]);
		assert.deepEqual(await listed({ limit: 2, marker: 'b' }), ['cd', true]);
		assert.deepEqual(await listed({ visibility: 'private' }), ['bc', false]);
		assert.deepEqual(await listed({ resourceTypes: ['nothing', 'OS::Glance::Image'] }), ['abc', false]);
		assert.deepEqual(await listed({ limit: 0 }), ['', false]);
		await refused(listed({ marker: 'nobody' }), 'not-found');
		await refused(listed({ marker: 'b' }, reader), 'not-found');
	});

	it('a property is found by the name it has on resources of a type', async () => {
		const { metadefs } = await filled();
		const found = await metadefs.showPropertyOn(reader, NS, 'OS::Glance::Image', 'hw_cores');
		assert.equal(found.name, 'cores');
		await refused(metadefs.showPropertyOn(reader, NS, 'OS::Glance::Image', 'cores'), 'not-found');
		await refused(metadefs.showPropertyOn(reader, NS, 'OS::Nova::Flavor', 'hw_cores'), 'not-found');
		await metadefs.addItem(admin, NS, 'association', { name: 'bare', prefix: null, propertiesTarget: null });
		await refused(metadefs.showPropertyOn(reader, NS, 'bare', 'cores'), 'not-found');
	});

	it('nothing is deleted in a protected namespace, and all of it else can be changed', async () => {
		const { metadefs } = await filled({ protected: true });
		await refused(metadefs.removeNamespace(admin, NS), 'forbidden', /protected/);
		for (const kind of ['object', 'property', 'tag'] as const) {
			await refused(metadefs.removeAllItems(admin, NS, kind), 'forbidden', /protected/);
			const [item] = await metadefs.listItems(admin, NS, kind);
			await refused(metadefs.removeItem(admin, NS, kind, item?.name ?? ''), 'forbidden', /protected/);
			await refused(metadefs.removeItem(admin, NS, kind, 'nothing'), 'not-found');
		}
		await refused(metadefs.removeItem(admin, NS, 'association', 'OS::Glance::Image'), 'forbidden', /protected/);
		await metadefs.addItem(admin, NS, 'tag', { name: 'more' });
		await metadefs.updateNamespace(admin, NS, { ...DRAFT, protected: false });
		await metadefs.removeNamespace(admin, NS);
	});

	it('a private namespace of another project is one that was never there, for every verb', async () => {
		const { metadefs } = await filled({ visibility: 'private' });
		const missing = await metadefs.showNamespace(outsider, 'never').catch((error: Error) => error);
		const draft = { name: 'x', schema: integer('X') };
		const verbs: Readonly<Record<string, () => Promise<unknown>>> = {
			show: () => metadefs.showNamespace(outsider, NS),
			update: () => metadefs.updateNamespace(outsider, NS, DRAFT),
			remove: () => metadefs.removeNamespace(outsider, NS),
			list: () => metadefs.listItems(outsider, NS, 'tag'),
			showItem: () => metadefs.showItem(outsider, NS, 'tag', 'fast'),
			showPropertyOn: () => metadefs.showPropertyOn(outsider, NS, 'OS::Glance::Image', 'hw_cores'),
			add: () => metadefs.addItem(outsider, NS, 'property', draft),
			updateItem: () => metadefs.updateItem(outsider, NS, 'property', 'cores', draft),
			removeItem: () => metadefs.removeItem(outsider, NS, 'tag', 'fast'),
			removeAll: () => metadefs.removeAllItems(outsider, NS, 'tag'),
			addTags: () => metadefs.addTags(outsider, NS, ['x'], { append: true }),
		};
		assert.ok(missing instanceof Error);
		for (const [verb, act] of Object.entries(verbs)) {
			const error = await act().then(
				() => assert.fail(verb),
				(thrown: Error) => thrown,
			);
			assert.equal(codeOf(error), 'not-found', verb);
			assert.equal(error.message, missing.message.replace('never', NS), verb);
		}
	});

	it('readers look and only administrators change', async () => {
		const { metadefs } = await filled();
		await metadefs.showNamespace(reader, NS);
		await metadefs.listNamespaces(reader, ALL);
		await refused(metadefs.createNamespace(reader, { ...DRAFT, namespace: 'x' }), 'forbidden', /add_metadef_namespace/);
		await refused(metadefs.updateNamespace(reader, NS, DRAFT), 'forbidden', /modify_metadef_namespace/);
		await refused(metadefs.removeNamespace(reader, NS), 'forbidden', /delete_metadef_namespace/);
		await refused(metadefs.addItem(reader, NS, 'tag', { name: 'x' }), 'forbidden', /add_metadef_tag /);
		await refused(metadefs.addTags(reader, NS, ['x'], { append: true }), 'forbidden', /add_metadef_tags/);
		await refused(metadefs.updateItem(reader, NS, 'tag', 'fast', { name: 'x' }), 'forbidden', /modify_metadef_tag/);
		await refused(metadefs.removeItem(reader, NS, 'association', 'OS::Glance::Image'), 'forbidden', /remove_metadef_resource/);
		await refused(metadefs.removeAllItems(reader, NS, 'object'), 'forbidden', /delete_metadef_namespace/);
		// without the reader's role there is nothing to see, and no rule to hear of
		await refused(metadefs.showNamespace(nobody, NS), 'not-found');
		await refused(metadefs.listNamespaces(nobody, ALL), 'not-found');
		await refused(metadefs.removeNamespace(nobody, NS), 'not-found');
	});

	it('each kind of content of a new namespace needs its own rule, and showing it all needs each list', async () => {
		for (const [kind, rule] of [
			['association', 'add_metadef_resource_type_association'],
			['object', 'add_metadef_object'],
			['property', 'add_metadef_property'],
			['tag', 'add_metadef_tag'],
		] as const) {
			const { metadefs } = await testSite({ policy: createRulePolicy({ overrides: { [rule]: '!' }, log: silentLog }) });
			const without = { ...DRAFT, items: { ...DRAFT.items, [kind]: [] } };
			await refused(metadefs.createNamespace(admin, DRAFT), 'forbidden', new RegExp(rule));
			await metadefs.createNamespace(admin, without);
		}
		for (const rule of ['list_metadef_resource_types', 'get_metadef_objects', 'get_metadef_properties', 'get_metadef_tags']) {
			const { metadefs } = await filled(
				{},
				await testSite({ policy: createRulePolicy({ overrides: { [rule]: '!' }, log: silentLog }) }),
			);
			await refused(metadefs.showNamespace(reader, NS), 'forbidden', new RegExp(rule));
		}
		const overrides = { get_metadef_object: '!', get_metadef_namespace: 'role:nobody' };
		const strict = await filled({}, await testSite({ policy: createRulePolicy({ overrides, log: silentLog }) }));
		assert.deepEqual(await strict.metadefs.listItems(admin, NS, 'object'), []);
		assert.deepEqual((await strict.metadefs.listNamespaces(admin, ALL)).namespaces, []);
	});

	it('tells what was done, with names before and after, and nothing of what failed', async () => {
		const site = await filled();
		const { metadefs, events } = site;
		assert.deepEqual(typesOf(site), [
			'metadef_namespace.create',
			'metadef_resource_type.create',
			'metadef_object.create',
			'metadef_tag.create',
			'metadef_property.create',
			'metadef_property.create',
		]);
		const told = events.length;
		await metadefs.updateItem(admin, NS, 'tag', 'fast', { name: 'slow' });
		await metadefs.updateNamespace(admin, NS, { ...DRAFT, namespace: 'other' });
		await metadefs.addTags(admin, 'other', ['a', 'b'], { append: true });
		await metadefs.removeItem(admin, 'other', 'association', 'OS::Glance::Image');
		await metadefs.removeAllItems(admin, 'other', 'property');
		await metadefs.removeNamespace(admin, 'other');
		await refused(metadefs.removeNamespace(admin, 'other'), 'not-found');
		const after = events.slice(told).map((event) => notificationOf(event, 'image.test'));
		const brief = after.map(({ event_type, payload }) => {
			const { name_old, namespace_old, deleted } = payload as Record<string, unknown>;
			return [event_type, name_old ?? namespace_old, deleted];
		});
		assert.deepEqual(brief, [
			['metadef_tag.update', 'fast', false],
			['metadef_namespace.update', NS, false],
			['metadef_tag.create', 'a', false],
			['metadef_tag.create', 'b', false],
			['metadef_resource_type.delete', 'OS::Glance::Image', true],
			['metadef_namespace.delete_properties', 'other', false],
			['metadef_namespace.delete', 'other', true],
		]);
	});

	it('changes at the same time all count, and two of one name do not', async () => {
		const { metadefs } = await filled();
		const names = Array.from({ length: 20 }, (_, n) => `t${n}`);
		await Promise.all(names.map((name) => metadefs.addItem(admin, NS, 'tag', { name })));
		assert.deepEqual(new Set(namesOf(await metadefs.listItems(admin, NS, 'tag'))), new Set(['fast', ...names]));
		const outcomes = await Promise.allSettled([1, 2, 3].map(() => metadefs.addItem(admin, NS, 'tag', { name: 'one' })));
		assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
		const made = await Promise.allSettled([1, 2, 3].map(() => metadefs.createNamespace(admin, { ...DRAFT, namespace: 'n' })));
		assert.equal(made.filter(({ status }) => status === 'fulfilled').length, 1);
	});

	it('holds no more than its bounds', async () => {
		const { metadefs } = await filled();
		const most = Array.from({ length: 1023 }, (_, n) => `t${n}`);
		await metadefs.addTags(admin, NS, most, { append: true });
		await refused(metadefs.addItem(admin, NS, 'tag', { name: 'one more' }), 'limit-exceeded', /more than 1024/);
		const description = 'x'.repeat(60_000);
		const grow = async () => {
			for (let n = 0; ; n++)
				await metadefs.addItem(admin, NS, 'object', { name: `o${n}`, description, required: null, properties: null });
		};
		await refused(grow(), 'limit-exceeded', /characters/);
	});

	it('is the same at another site, which sees it and cannot change it', async () => {
		const [here, there] = [await filled(), await testSite({ site: 'branch' })];
		await copied(here.catalogue, there.catalogue);
		const { revision: _, ...ours } = await here.metadefs.showNamespace(admin, NS);
		const { revision: __, ...theirs } = await there.metadefs.showNamespace(admin, NS);
		assert.deepEqual(theirs, ours);
		assert.deepEqual(await there.metadefs.listResourceTypes(reader), await here.metadefs.listResourceTypes(reader));
		await refused(
			there.metadefs.addItem(admin, NS, 'tag', { name: 'x' }),
			'forbidden',
			/belongs to site centre; change it there/,
		);
		await refused(there.metadefs.updateNamespace(admin, NS, { ...DRAFT, namespace: 'mine' }), 'forbidden', /belongs to site/);
		await refused(there.metadefs.removeNamespace(admin, NS), 'forbidden', /belongs to site/);
		await here.metadefs.removeNamespace(admin, NS);
		await copied(here.catalogue, there.catalogue);
		assert.equal((await there.metadefs.createNamespace(admin, DRAFT)).site, 'branch');
	});
});

async function copied(from: LocalCatalogue, to: LocalCatalogue): Promise<void> {
	await to.feed.receive(await from.feed.missing(to.feed.vector(), Number.MAX_SAFE_INTEGER));
}
