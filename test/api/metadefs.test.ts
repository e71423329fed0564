/** Metadata definitions through the clients' door. Statuses and bodies are those of a real Glance, asked the same. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ImageError } from '#domain/errors.ts';
import type { Identity } from '#identity/ports.ts';
import { type ApiServer, type Reply, startApi } from '../support/api-server.ts';
import { testSite } from '../support/onion.ts';

/** The token is the project's name; `admin` is the administrator. */
const byToken: Identity = {
	challenge: 'Test',
	async identify({ header }) {
		const project = header('x-auth-token');
		if (project === undefined) throw new ImageError('unauthenticated', 'no token');
		return { user: 'user', project, roles: project === 'admin' ? ['admin'] : ['member', 'reader'] };
	},
};

let api: ApiServer;
before(async () => {
	api = await startApi({ identity: byToken });
});
after(() => api[Symbol.asyncDispose]());

const PATH = '/v2/metadefs/namespaces';

function ask(method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
	return api.ask(method, path, { headers: { 'x-auth-token': 'admin', ...headers }, ...(body !== undefined && { body }) });
}

let made = 0;
const unused = () => `OS::Test::N${made++}`;

/** A new public namespace; its path. */
async function namespace(fields: object = {}): Promise<string> {
	const name = unused();
	const reply = await ask('POST', PATH, { namespace: name, visibility: 'public', ...fields });
	assert.equal(reply.status, 201, reply.text);
	return `${PATH}/${name}`;
}

/** With every time made the same. */
function timeless(reply: Reply): unknown {
	return JSON.parse(reply.text.replaceAll(/"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"/g, '"T"'));
}

const CONTENT = {
	resource_type_associations: [{ name: 'OS::Glance::Image', prefix: 'hw_' }],
	properties: {
		arch: { title: 'A', type: 'string', default: 'x', enum: ['a', 'b'], operators: ['<or>'] },
		cores: { title: 'C', type: 'integer', minimum: 1.5, default: 4 },
	},
	objects: [
		{ name: 'cpu', required: ['on'], properties: { on: { title: 'On', type: 'boolean', default: true } } },
		{ name: 'bare', description: 'nothing' },
	],
	tags: [{ name: 'one' }, { name: 'two' }],
};

describe('metadefs: namespaces', () => {
	it('are created with all that is in them, and shown with links and times', async () => {
		const name = unused();
		const created = await ask('POST', PATH, { namespace: name, display_name: 'D', ...CONTENT });
		assert.equal(created.status, 201);
		assert.equal(created.headers.location, `${api.url}${PATH}/${name}`);
		const own = {
			namespace: name,
			display_name: 'D',
			visibility: 'private',
			protected: false,
			owner: 'admin',
			created_at: 'T',
			updated_at: 'T',
		};
		const links = { self: `${PATH}/${name}`, schema: '/v2/schemas/metadefs/namespace' };
		const properties = {
			arch: { type: 'string', title: 'A', operators: ['<or>'], default: 'x', enum: ['a', 'b'] },
			cores: { type: 'integer', title: 'C', default: '4', minimum: 1 },
		};
		const on = { type: 'boolean', title: 'On', default: 'True' };
		assert.deepEqual(timeless(created), {
			...own,
			resource_type_associations: CONTENT.resource_type_associations,
			properties,
			objects: [{ name: 'cpu', required: ['on'], properties: { on } }, CONTENT.objects[1]],
			tags: CONTENT.tags,
			...links,
		});
		const object = (called: string) => ({
			created_at: 'T',
			updated_at: 'T',
			self: `${PATH}/${name}/objects/${called}`,
			schema: '/v2/schemas/metadefs/object',
		});
		const whole = {
			...own,
			resource_type_associations: [{ name: 'OS::Glance::Image', prefix: 'hw_', created_at: 'T', updated_at: 'T' }],
			properties,
			objects: [
				{ name: 'cpu', required: ['on'], properties: { on }, ...object('cpu') },
				{ name: 'bare', required: [], description: 'nothing', properties: {}, ...object('bare') },
			],
			tags: [{ name: 'two' }, { name: 'one' }],
			...links,
		};
		assert.deepEqual(timeless(await ask('GET', `${PATH}/${name}`)), whole);
		assert.deepEqual(timeless(await ask('GET', `${PATH}/${name}?resource_type=OS::Glance::Image`)), {
			...whole,
			properties: { hw_arch: properties.arch, hw_cores: properties.cores },
			objects: [{ ...whole.objects[0], required: ['hw_on'], properties: { hw_on: on } }, whole.objects[1]],
		});
		assert.deepEqual(timeless(await ask('GET', `${PATH}/${name}?resource_type=other`)), whole);
	});

	it('are shown letter by letter the same at another site', async () => {
		const array = { title: 'L', type: 'array', items: { type: 'string', enum: ['a'] }, uniqueItems: true };
		const path = await namespace({ ...CONTENT, properties: { ...CONTENT.properties, list: array } });
		await using there = await startApi({ site: await testSite({ site: 'branch' }) });
		await there.catalogue.feed.receive(await api.catalogue.feed.missing(new Map(), Number.MAX_SAFE_INTEGER));
		assert.equal((await there.ask('GET', path)).text, (await ask('GET', path)).text);
		const name = path.slice(PATH.length + 1);
		const refused = await there.ask('PUT', path, { body: { namespace: name } });
		assert.deepEqual([refused.status, /belongs to site centre/.test(refused.text)], [403, true]);
	});

	it('are listed in pages that name their next one', async () => {
		const type = `T${made++}`;
		const paths = [];
		for (let n = 0; n < 3; n++) paths.push(await namespace({ resource_type_associations: [{ name: type }] }));
		const first = await ask('GET', `${PATH}?limit=2&resource_types=${type},none&sort_key=namespace&sort_dir=asc`);
		assert.deepEqual(Object.keys(first.json), ['namespaces', 'next', 'schema', 'first']);
		assert.equal(first.json.first, `${PATH}?limit=2&resource_types=${type}%2Cnone&sort_key=namespace&sort_dir=asc`);
		assert.equal(first.json.schema, '/v2/schemas/metadefs/namespaces');
		assert.equal(first.json.namespaces[0].properties, undefined);
		const second = await ask('GET', first.json.next);
		assert.equal(second.json.next, undefined);
		const all = [...first.json.namespaces, ...second.json.namespaces];
		assert.deepEqual(
			all.map((each) => each.self),
			paths,
		);
		for (const query of [
			'limit=x',
			'marker=%ff',
			'limit=-1',
			'limit=',
			'sort_key=zz',
			'sort_key=__proto__',
			'sort_dir=up',
			'visibility=shared',
		])
			assert.equal((await ask('GET', `${PATH}?${query}`)).status, 400, query);
		for (const query of ['marker=', 'marker=never']) assert.equal((await ask('GET', `${PATH}?${query}`)).status, 404, query);
		for (const query of ['resource_types=', 'visibility=', 'limit=0'])
			assert.deepEqual((await ask('GET', `${PATH}?${query}`)).json.namespaces, [], query);
		assert.ok((await ask('GET', PATH)).json.namespaces.length <= 25);
	});

	it('are replaced whole, renamed, and deleted', async () => {
		const path = await namespace({ description: 'd', ...CONTENT });
		const name = path.slice(PATH.length + 1);
		const replaced = await ask('PUT', path, { namespace: name, tags: [{ name: 'ignored', created_at: 'x' }] });
		assert.equal(replaced.status, 200);
		assert.deepEqual(timeless(replaced), {
			...{ namespace: name, visibility: 'private', protected: false, owner: 'admin', created_at: 'T', updated_at: 'T' },
			...{ self: path, schema: '/v2/schemas/metadefs/namespace' },
		});
		assert.deepEqual((await ask('GET', `${path}/tags`)).json, { tags: [{ name: 'two' }, { name: 'one' }] });
		const taken = (await namespace()).slice(PATH.length + 1);
		assert.equal((await ask('PUT', path, { namespace: taken })).status, 409);
		assert.equal((await ask('PUT', path, { namespace: `${name}-2`, protected: true })).status, 200);
		assert.equal((await ask('GET', path)).status, 404);
		assert.equal((await ask('DELETE', `${path}-2`)).status, 403);
		await ask('PUT', `${path}-2`, { namespace: `${name}-2` });
		const deleted = await ask('DELETE', `${path}-2`);
		assert.deepEqual([deleted.status, deleted.text], [204, '']);
		assert.equal((await ask('DELETE', `${path}-2`)).status, 404);
	});

	it('what a client got and sends back is taken, as glanceclient does to change one', async () => {
		const path = await namespace(CONTENT);
		const { self: _, schema: __, created_at: ___, updated_at: ____, ...got } = (await ask('GET', path)).json;
		const reply = await ask('PUT', path, { ...got, description: 'changed' });
		assert.deepEqual([reply.status, reply.json.description], [200, 'changed'], reply.text);
	});

	it('of other projects are not there unless they are public', async () => {
		const path = await namespace({ visibility: 'private' });
		const as = (method: string, below = '', body?: unknown) => ask(method, path + below, body, { 'x-auth-token': 'stranger' });
		for (const [method, below, body] of [
			['GET', '', undefined],
			['PUT', '', { namespace: 'x' }],
			['DELETE', '', undefined],
			['GET', '/properties', undefined],
			['POST', '/objects', { name: 'x' }],
			['DELETE', '/tags', undefined],
		] as const)
			assert.equal((await as(method, below, body)).status, 404, method + below);
		await ask('PUT', path, { namespace: path.slice(PATH.length + 1), visibility: 'public' });
		assert.equal((await as('GET')).status, 200);
		assert.equal((await as('DELETE')).status, 403);
		assert.equal((await api.ask('GET', path)).status, 401);
	});
});

describe('metadefs: what is in a namespace', () => {
	it('properties', async () => {
		const path = await namespace(CONTENT);
		const zone = { name: 'zone', title: 'Z', type: 'string' };
		const added = await ask('POST', `${path}/properties`, zone);
		assert.deepEqual([added.status, added.json], [201, { name: 'zone', type: 'string', title: 'Z' }]);
		assert.equal((await ask('POST', `${path}/properties`, zone)).status, 409);
		const listed = await ask('GET', `${path}/properties`);
		assert.deepEqual(Object.keys(listed.json.properties), ['arch', 'cores', 'zone']);
		assert.equal(listed.json.properties.arch.name, undefined);
		assert.deepEqual((await ask('GET', `${path}/properties/arch`)).json.name, 'arch');
		const prefixed = await ask('GET', `${path}/properties/hw_arch?resource_type=OS::Glance::Image`);
		assert.deepEqual([prefixed.status, prefixed.json.name], [200, 'arch']);
		for (const below of ['none', 'arch?resource_type=OS::Glance::Image', 'arch?resource_type=none', 'hw_arch'])
			assert.equal((await ask('GET', `${path}/properties/${below}`)).status, 404, below);
		const renamed = await ask('PUT', `${path}/properties/zone`, { ...zone, name: 'area' });
		assert.deepEqual([renamed.status, renamed.json.name], [200, 'area']);
		assert.equal((await ask('PUT', `${path}/properties/area`, { ...zone, name: 'arch' })).status, 409);
		assert.equal((await ask('PUT', `${path}/properties/zone`, zone)).status, 404);
		assert.equal((await ask('DELETE', `${path}/properties/area`)).status, 204);
		assert.equal((await ask('DELETE', `${path}/properties`)).status, 204);
		assert.deepEqual((await ask('GET', `${path}/properties`)).json, { properties: {} });
	});

	it('objects', async () => {
		const path = await namespace();
		const added = await ask('POST', `${path}/objects`, { name: 'o' });
		assert.equal(added.status, 201);
		assert.deepEqual(Object.keys(added.json), ['name', 'created_at', 'updated_at', 'self', 'schema']);
		assert.equal((await ask('POST', `${path}/objects`, { name: 'o' })).status, 409);
		const listed = await ask('GET', `${path}/objects?sort_key=anything&marker=anything`);
		assert.equal(listed.json.schema, 'v2/schemas/metadefs/objects');
		assert.deepEqual(listed.json.objects, [(await ask('GET', `${path}/objects/o`)).json]);
		for (const query of ['limit=0', 'limit=x', 'sort_dir=up', 'visibility=none'])
			assert.equal((await ask('GET', `${path}/objects?${query}`)).status, 400, query);
		const changed = await ask('PUT', `${path}/objects/o`, { name: 'p', description: 'd' });
		assert.deepEqual([changed.status, changed.json.name, changed.json.self], [200, 'p', `${path}/objects/p`]);
		assert.equal((await ask('GET', `${path}/objects/o`)).status, 404);
		assert.equal((await ask('DELETE', `${path}/objects/p`)).status, 204);
		assert.equal((await ask('DELETE', `${path}/objects`)).status, 204);
	});

	it('tags', async () => {
		const path = await namespace();
		const tags = async (query = '') =>
			(await ask('GET', `${path}/tags${query}`)).json.tags.map((tag: { name: string }) => tag.name).join('');
		const added = await ask('POST', `${path}/tags/a`);
		assert.deepEqual([added.status, timeless(added)], [201, { name: 'a', created_at: 'T', updated_at: 'T' }]);
		assert.equal((await ask('POST', `${path}/tags/a`)).status, 409);
		assert.equal((await ask('POST', `${path}/tags/b`, { name: 'b' })).status, 400);
		assert.equal((await ask('PUT', `${path}/tags/a`, { name: 'b' })).status, 200);
		const many = await ask('POST', `${path}/tags`, { tags: [{ name: 'c' }, { name: 'd' }] });
		assert.deepEqual([many.status, many.json], [201, { tags: [{ name: 'c' }, { name: 'd' }] }]);
		assert.equal((await ask('POST', `${path}/tags`, { tags: [{ name: 'e' }] }, { 'x-openstack-append': 'Yes' })).status, 201);
		assert.equal((await ask('POST', `${path}/tags`, { tags: [] })).status, 201);
		assert.equal(await tags(), 'edc');
		assert.equal(await tags('?sort_key=name&sort_dir=asc&limit=1&marker=c'), 'd');
		assert.equal(await tags('?limit=0'), '');
		assert.equal((await ask('GET', `${path}/tags?marker=none`)).status, 404);
		assert.equal((await ask('GET', `${path}/tags?sort_key=none`)).status, 400);
		for (const body of [{ tags: [{ name: 'x' }, { name: 'x' }] }])
			assert.equal((await ask('POST', `${path}/tags`, body)).status, 409);
		assert.equal((await ask('DELETE', `${path}/tags/c`)).status, 204);
		assert.equal((await ask('DELETE', `${path}/tags`)).status, 204);
		assert.equal(await tags(), '');
	});

	it('resource types', async () => {
		const path = await namespace();
		const type = `Type ${made++}`;
		const added = await ask('POST', `${path}/resource_types`, { name: type, properties_target: 'image' });
		assert.equal(added.status, 201);
		const shown = { name: type, properties_target: 'image', created_at: 'T', updated_at: 'T' };
		assert.deepEqual(timeless(added), shown);
		assert.deepEqual(timeless(await ask('GET', `${path}/resource_types`)), { resource_type_associations: [shown] });
		assert.equal((await ask('POST', `${path}/resource_types`, { name: type })).status, 409);
		assert.equal((await ask('DELETE', `${path}/resource_types/${encodeURIComponent(type)}`)).status, 204);
		assert.equal((await ask('DELETE', `${path}/resource_types/${encodeURIComponent(type)}`)).status, 404);
		const all = (await ask('GET', '/v2/metadefs/resource_types')).json.resource_types;
		const found = all.find((each: { name: string }) => each.name === type);
		assert.deepEqual(Object.keys(found), ['name', 'created_at', 'updated_at']);
	});
});

describe('metadefs: what is refused', () => {
	it('bodies that are not as the schemas say', async () => {
		const path = await namespace();
		const p = { name: 'p', title: 't', type: 'string' };
		const bad: readonly (readonly [string, unknown])[] = [
			['', []],
			['', {}],
			['', { namespace: 5 }],
			['', { namespace: '' }],
			['', { namespace: 'a/b' }],
			['', { namespace: 'x'.repeat(81) }],
			['', { namespace: 'x', extra: 1 }],
			['', { namespace: 'x', constructor: {} }],
			['', { namespace: 'x', display_name: null }],
			['', { namespace: 'x', description: 'x'.repeat(501) }],
			['', { namespace: 'x', visibility: 'shared' }],
			['', { namespace: 'x', protected: 'yes' }],
			['', { namespace: 'x', tags: [{}] }],
			['', { namespace: 'x', tags: {} }],
			['', { namespace: 'x', objects: [{ name: 'o', extra: 1 }] }],
			['', { namespace: 'x', resource_type_associations: [{ prefix: 'x' }] }],
			['', { namespace: 'x', properties: { ['n'.repeat(81)]: { title: 't', type: 'string' } } }],
			['', { namespace: 'x', properties: { p: { title: 't', type: 'string', extra: 1 } } }],
			['', { namespace: 'x', properties: [] }],
			['/properties', { ...p, name: '' }],
			['/properties', { title: 't', type: 'string' }],
			['/properties', { name: 'p', type: 'string' }],
			['/properties', { ...p, type: null }],
			['/properties', { ...p, type: 'null' }],
			['/properties', { ...p, enum: [1] }],
			['/properties', { ...p, enum: 'a' }],
			['/properties', { ...p, operators: [1] }],
			['/properties', { ...p, minimum: '1' }],
			['/properties', { ...p, maximum: 1e300 }],
			['/properties', { ...p, minLength: -1 }],
			['/properties', { ...p, maxItems: 1.5 }],
			['/properties', { ...p, uniqueItems: 1 }],
			['/properties', { ...p, items: {} }],
			['/properties', { ...p, items: { type: 'string', extra: 1 } }],
			['/properties', { ...p, required: ['a'] }],
			['/properties', { ...p, confidential: true }],
			['/properties', { ...p, self: 'x' }],
			['/properties', { ...p, description: '\ud800' }],
			['/objects', { name: 'o', required: ['a', 'a'] }],
			['/objects', { name: 'o', properties: { x: { title: 't' } } }],
			['/objects', { name: 'o', properties: { x: { title: 't', type: 'string', confidential: true } } }],
			['/resource_types', { name: 'x', self: 'x' }],
			['/tags', {}],
			['/tags', { tags: [{ name: 'x'.repeat(81) }] }],
			['/tags', { tags: [{ name: 'x', created_at: 'x' }] }],
			['/tags', { tags: Array.from({ length: 1025 }, (_, n) => ({ name: `${n}` })) }],
		];
		for (const [below, body] of bad) {
			const reply = await ask('POST', below === '' ? PATH : path + below, body);
			assert.equal(reply.status, 400, `${below} ${JSON.stringify(body).slice(0, 80)}: ${reply.text}`);
		}
		assert.equal((await ask('POST', `${path}/tags/${'x'.repeat(81)}`)).status, 400);
		assert.equal((await ask('POST', PATH)).status, 400);
		assert.equal((await ask('POST', PATH, Buffer.from('nonsense'))).status, 400);
	});

	it('keys that only the service writes', async () => {
		const path = await namespace();
		for (const [below, key] of [
			['', 'self'],
			['', 'schema'],
			['', 'created_at'],
			['', 'updated_at'],
			['/objects', 'self'],
			['/objects', 'created_at'],
			['/properties', 'created_at'],
			['/resource_types', 'updated_at'],
			['/tags', 'created_at'],
		] as const) {
			const reply = await ask('POST', below === '' ? PATH : path + below, { name: 'x', [key]: 'x' });
			assert.equal(reply.status, 403, below + key);
			assert.match(reply.text, new RegExp(`${key} is read-only`));
		}
	});

	it('other methods, with the list of those there are; bodies where none is expected', async () => {
		for (const [method, path, allow] of [
			['PATCH', PATH, 'GET, POST'],
			['HEAD', PATH, 'GET, POST'],
			['POST', `${PATH}/x`, 'GET, PUT, DELETE'],
			['PUT', `${PATH}/x/tags`, 'GET, POST, DELETE'],
			['PATCH', `${PATH}/x/tags/y`, 'GET, POST, PUT, DELETE'],
			['GET', `${PATH}/x/resource_types/y`, 'DELETE'],
			['POST', '/v2/metadefs/resource_types', 'GET'],
		] as const) {
			const reply = await ask(method, path);
			assert.deepEqual([reply.status, reply.headers.allow], [405, allow], `${method} ${path}`);
		}
		assert.equal((await ask('DELETE', `${PATH}/x`, { a: 1 })).status, 400);
		assert.equal((await ask('GET', `${PATH}/x/properties`, { a: 1 })).status, 400);
		for (const path of [`${PATH}/`, '/v2/metadefs', '/v2/metadefs/x', `${PATH}/x/y`])
			assert.equal((await ask('GET', path)).status, 404);
	});

	it('more than is reasonable', async () => {
		const path = await namespace();
		const huge = { name: 'o', title: 't', type: 'string', description: 'x'.repeat(200 * 1024) };
		assert.equal((await ask('POST', `${path}/properties`, huge)).status, 413);
		assert.equal((await ask('POST', PATH, { namespace: 'x', description: 'x'.repeat(1100 * 1024) })).status, 413);
		let nested: object = {};
		for (let n = 0; n < 40; n++) nested = { a: nested };
		assert.equal((await ask('POST', `${path}/properties`, { ...huge, description: '', default: nested })).status, 400);
	});
});

describe('metadefs: names', () => {
	it('of any characters are found again by their escaped paths', async () => {
		for (const name of ['spaces and ☃', 'a%2Fb%', '100%', 'q?&=#', '__proto__', 'constructor', '\u{1F427}', '..%2e']) {
			const created = await ask('POST', PATH, { namespace: name, visibility: 'public' });
			assert.equal(created.status, 201, name);
			assert.equal((await fetch(String(created.headers.location), { headers: { 'x-auth-token': 'admin' } })).status, 200, name);
			const path = `${PATH}/${encodeURIComponent(name)}`;
			assert.equal((await ask('GET', path)).json.namespace, name);
			const item = encodeURIComponent(name);
			assert.equal((await ask('POST', `${path}/properties`, { name, title: 't', type: 'string' })).status, 201);
			assert.equal((await ask('GET', `${path}/properties/${item}`)).json.name, name);
			assert.equal((await ask('POST', `${path}/objects`, { name })).status, 201);
			assert.equal((await ask('GET', (await ask('GET', `${path}/objects/${item}`)).json.self)).json.name, name);
			assert.equal((await ask('POST', `${path}/tags/${item}`)).status, 201);
			const page = (await ask('GET', `${PATH}?limit=1&sort_key=id`)).json;
			assert.equal((await ask('GET', page.next)).status, 200);
			assert.equal((await ask('DELETE', path)).status, 204);
		}
	});

	it('of properties may be those of prototypes, and stay names', async () => {
		const body = `{"namespace": "${unused()}", "properties": {"__proto__": {"title": "t", "type": "string"}},
			"objects": [{"name": "o", "properties": {"__proto__": {"title": "t", "type": "string"}, "toString": {"title": "t", "type": "string"}}}]}`;
		const created = await ask('POST', PATH, Buffer.from(body));
		assert.equal(created.status, 201);
		const shown = await ask('GET', created.json.self);
		assert.match(shown.text, /"properties":\{"__proto__":\{"type":"string","title":"t"\}\}/);
		assert.deepEqual(Object.keys(shown.json.objects[0].properties), ['__proto__', 'toString']);
		assert.equal((await ask('GET', `${created.json.self}/properties/__proto__`)).status, 200);
		assert.equal(({} as Record<string, unknown>).title, undefined);
		const sneaky = await ask(
			'POST',
			`${created.json.self}/properties`,
			Buffer.from('{"__proto__": {"name": "x"}, "title": "t"}'),
		);
		assert.equal(sneaky.status, 400);
	});
});

describe('metadefs: schema documents', () => {
	it('are there for every kind of thing, and for tasks', async () => {
		for (const name of ['namespace', 'resource_type', 'property', 'object', 'tag']) {
			const one = await ask('GET', `/v2/schemas/metadefs/${name}`);
			assert.equal(one.json.additionalProperties, false, name);
			const plural = name === 'property' ? 'properties' : `${name}s`;
			const many = await ask('GET', `/v2/schemas/metadefs/${plural}`);
			assert.deepEqual(Object.keys(many.json.properties).slice(1), ['first', 'next', 'schema'], plural);
			assert.equal((await ask('POST', `/v2/schemas/metadefs/${name}`)).status, 405);
		}
		assert.ok((await ask('GET', '/v2/schemas/task')).json.properties.input);
		assert.equal((await ask('GET', '/v2/schemas/tasks')).json.properties.tasks.items.properties.input, undefined);
	});
});
