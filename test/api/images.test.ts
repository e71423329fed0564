/** Images through the clients' door: lifecycle, patch, list, tags, actions. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type ApiServer, OCTETS, type Reply, startApi } from '../support/api-server.ts';

let api: ApiServer;
before(async () => {
	api = await startApi();
});
after(() => api[Symbol.asyncDispose]());

const V21 = { 'content-type': 'application/openstack-images-v2.1-json-patch' };
const V20 = { 'content-type': 'application/openstack-images-v2.0-json-patch' };
const patch = (id: string, body: unknown, headers: Readonly<Record<string, string>> = V21) =>
	api.ask('PATCH', `/v2/images/${id}`, { headers, body });
const create = (body: unknown) => api.ask('POST', '/v2/images', { body });

describe('create', () => {
	it('answers 201 with the image and where it is', async () => {
		const { status, headers, json } = await create({});
		assert.equal(status, 201);
		assert.equal(headers['content-type'], 'application/json');
		assert.equal(headers.location, `${api.url}/v2/images/${json.id}`);
		assert.match(json.id, /^[0-9a-f-]{36}$/);
		assert.match(json.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
	});
	it("shows exactly Glance's keys in Glance's order, custom properties first", async () => {
		const { json } = await create({ name: 'n', tags: ['t'], zebra: 'z', architecture: 'x86_64' });
		assert.deepEqual(Object.keys(json), [
			...['zebra', 'architecture', 'name', 'disk_format', 'container_format', 'visibility', 'size', 'virtual_size', 'status'],
			...['checksum', 'protected', 'min_ram', 'min_disk', 'owner', 'os_hidden', 'os_hash_algo', 'os_hash_value', 'id'],
			...['created_at', 'updated_at', 'tags', 'self', 'file', 'schema'],
		]);
		assert.deepEqual(
			[json.self, json.file, json.schema],
			[`/v2/images/${json.id}`, `/v2/images/${json.id}/file`, '/v2/schemas/image'],
		);
		assert.deepEqual([json.status, json.visibility, json.size, json.min_disk], ['queued', 'shared', null, 0]);
	});
	it('takes JSON of any content type', async () => {
		const { status } = await api.ask('POST', '/v2/images', { headers: { 'content-type': 'text/plain' }, body: { name: 'x' } });
		assert.equal(status, 201);
	});
	it("keeps the client's id, once", async () => {
		const id = crypto.randomUUID();
		assert.equal((await create({ id })).json.id, id);
		assert.equal((await create({ id })).status, 409);
	});
	it('ignores digests the client claims', async () => {
		const { status, json } = await create({ os_hash_algo: 'sha512', os_hash_value: 'ff' });
		assert.deepEqual([status, json.os_hash_value], [201, null]);
	});

	const INVALID: readonly unknown[] = [
		[],
		[{ name: 'x' }],
		{ name: 3 },
		{ name: 'n'.repeat(256) },
		{ name: '\ud83d' },
		{ tags: 'a' },
		{ tags: ['t'.repeat(256)] },
		{ colour: null },
		{ colour: 3 },
		{ colour: {} },
		{ ['c'.repeat(256)]: 'x' },
		{ '': 'x' },
		{ min_disk: -1 },
		{ min_ram: 2 ** 31 },
		{ min_ram: '1' },
		{ protected: 'yes' },
		{ visibility: 'secret' },
		{ disk_format: 'zip' },
		{ id: 'x' },
		{ ramdisk_id: 'x' },
	];
	for (const body of INVALID)
		it(`400 for ${JSON.stringify(body).slice(0, 60)}`, async () => assert.equal((await create(body)).status, 400));

	const RAW_INVALID: Readonly<Record<string, Uint8Array>> = {
		'no JSON': Buffer.from('{'),
		'a scalar': Buffer.from('3'),
		nothing: Buffer.alloc(0),
		'broken UTF-8': Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x22, 0x22, 0x7d]),
		'a prototype': Buffer.from('{"__proto__": "x"}'),
		'a deep nest': Buffer.from(`{"a":${'['.repeat(1000)}${']'.repeat(1000)}}`),
	};
	for (const [what, body] of Object.entries(RAW_INVALID))
		it(`400 for ${what}`, async () => assert.equal((await api.ask('POST', '/v2/images', { body })).status, 400));

	for (const name of 'direct_url self file schema stores created_at updated_at status checksum size virtual_size location locations deleted deleted_at os_glance_x'.split(
		' ',
	))
		it(`403 for ${name}`, async () => assert.equal((await create({ [name]: 'x' })).status, 403));

	it('413 for a body that is too long, and for too many tags, in the form that was asked for', async () => {
		assert.equal((await create({ colour: 'x'.repeat(70_000) })).status, 413);
		const tags = Array.from({ length: 129 }, (_, n) => `t${n}`);
		const refusal = (accept: string) => api.ask('POST', '/v2/images', { body: { tags }, headers: { accept } });
		const html = await refusal('text/html');
		assert.deepEqual([html.status, html.headers['content-type']], [413, 'text/html; charset=UTF-8']);
		const { json } = await refusal('application/json');
		assert.deepEqual([json.code, json.title], ['413 Request Entity Too Large', 'Request Entity Too Large']);
	});
});

describe('show and delete', () => {
	it('a malformed, an unknown and a deleted id are all 404', async () => {
		const id = await api.queued();
		assert.deepEqual(
			[(await api.ask('DELETE', `/v2/images/${id}`)).status, (await api.ask('GET', `/v2/images/${id}`)).status],
			[204, 404],
		);
		for (const path of ['x', crypto.randomUUID(), '%00', '..%2f..', '%ff'])
			assert.equal((await api.ask('GET', `/v2/images/${path}`)).status, 404, path);
		assert.equal((await api.ask('DELETE', `/v2/images/${id}`)).status, 404);
	});
	it('a protected image is 403', async () => {
		const id = await api.queued({ protected: true });
		assert.equal((await api.ask('DELETE', `/v2/images/${id}`)).status, 403);
	});
	it('a body where none belongs is 400', async () => {
		const id = await api.queued();
		for (const [method, path] of [
			['GET', ''],
			['DELETE', ''],
			['POST', '/actions/deactivate'],
			['PUT', '/tags/x'],
			['GET', '/file'],
		] as const)
			assert.equal((await api.ask(method, `/v2/images/${id}${path}`, { body: {} })).status, 400, `${method} ${path}`);
		assert.equal((await api.ask('GET', `/v2/images/${id}`)).status, 200);
	});
});

describe('patch', () => {
	it('changes, adds and drops in one request', async () => {
		const id = await api.queued({ a: '1' });
		const { status, json } = await patch(id, [
			{ op: 'replace', path: '/name', value: 'n' },
			{ op: 'add', path: '/b', value: '2' },
			{ op: 'remove', path: '/a' },
			{ op: 'replace', path: '/tags', value: ['x'] },
			{ op: 'replace', path: '/min_disk', value: 3 },
		]);
		assert.deepEqual([status, json.name, json.a, json.b, json.tags, json.min_disk], [200, 'n', undefined, '2', ['x'], 3]);
	});
	it('applies nothing when one operation fails', async () => {
		const id = await api.queued();
		assert.equal(
			(
				await patch(id, [
					{ op: 'replace', path: '/name', value: 'n' },
					{ op: 'remove', path: '/missing' },
				])
			).status,
			409,
		);
		assert.equal((await api.ask('GET', `/v2/images/${id}`)).json.name, null);
	});
	it('the older media type adds only what is missing', async () => {
		const id = await api.queued();
		assert.equal((await patch(id, [{ add: '/a', value: '1' }], V20)).status, 200);
		assert.equal((await patch(id, [{ add: '/a', value: '1' }], V20)).status, 409);
		assert.equal((await patch(id, [{ op: 'add', path: '/a', value: '2' }])).status, 200);
	});
	it('no change is 200', async () => {
		const id = await api.queued();
		assert.equal((await patch(id, [])).status, 200);
	});
	it('any other media type is 415 and says which are taken', async () => {
		const { status, headers } = await patch(await api.queued(), [], { 'content-type': 'application/json' });
		assert.equal(status, 415);
		assert.match(String(headers['accept-patch']), /v2\.0-json-patch, .*v2\.1-json-patch/);
	});
	it('statuses of refusals', async () => {
		const id = await api.active(Buffer.from('x'));
		const cases: readonly (readonly [status: number, op: object])[] = [
			[400, { op: 'test', path: '/name', value: 'x' }],
			[400, { op: 'add', path: '/tags/-', value: 'x' }],
			[400, { op: 'add', path: '/colour', value: 3 }],
			[403, { op: 'replace', path: '/status', value: 'active' }],
			[403, { op: 'remove', path: '/name' }],
			[403, { op: 'replace', path: '/disk_format', value: 'qcow2' }],
			[403, { op: 'add', path: '/locations/-', value: { url: 'file:///etc/passwd', metadata: {} } }],
			[409, { op: 'replace', path: '/missing', value: 'x' }],
			[409, { op: 'remove', path: '/missing' }],
		];
		for (const [status, op] of cases) assert.equal((await patch(id, [op])).status, status, JSON.stringify(op));
		assert.equal((await patch(crypto.randomUUID(), [])).status, 404);
	});
});

describe('tags and actions', () => {
	it('a tag is put twice and dropped once', async () => {
		const id = await api.queued();
		const tag = `/v2/images/${id}/tags/${encodeURIComponent('größe 1')}`;
		assert.deepEqual([(await api.ask('PUT', tag)).status, (await api.ask('PUT', tag)).status], [204, 204]);
		assert.deepEqual((await api.ask('GET', `/v2/images/${id}`)).json.tags, ['größe 1']);
		assert.deepEqual([(await api.ask('DELETE', tag)).status, (await api.ask('DELETE', tag)).status], [204, 404]);
		assert.equal((await api.ask('PUT', `/v2/images/${id}/tags/${'t'.repeat(256)}`)).status, 400);
	});
	it('deactivate and reactivate are idempotent, and only for images with data', async () => {
		const id = await api.active(Buffer.from('x'));
		const act = async (verb: string, image = id) => (await api.ask('POST', `/v2/images/${image}/actions/${verb}`)).status;
		assert.deepEqual([await act('deactivate'), await act('deactivate')], [204, 204]);
		assert.equal((await api.ask('GET', `/v2/images/${id}`)).json.status, 'deactivated');
		assert.deepEqual([await act('reactivate'), await act('reactivate')], [204, 204]);
		assert.equal(await act('deactivate', await api.queued()), 403);
	});
});

describe('list', () => {
	let own: ApiServer;
	const names = ({ json }: Reply) => json.images.map((image: { name: string }) => image.name);
	const list = (query: string) => own.ask('GET', `/v2/images${query}`);
	before(async () => {
		own = await startApi();
		for (const [name, fields] of Object.entries({
			a: { tags: ['x', 'y'], colour: 'red', min_ram: 1 },
			b: { tags: ['x'], colour: 'blue', min_ram: 2 },
			c: { os_hidden: true },
			d: { protected: true, visibility: 'public' },
			'e,f': { visibility: 'community' },
		}))
			await own.queued({ name, ...fields });
		await own.active(Buffer.from('12345'), { name: 'g', disk_format: 'iso' });
	});
	after(() => own[Symbol.asyncDispose]());

	const CASES: readonly (readonly [query: string, names: readonly string[]])[] = [
		// a community image is listed when asked for, or for its owner; here nobody has a project
		['', ['a', 'b', 'd', 'g']],
		['visibility=all', ['a', 'b', 'd', 'e,f', 'g']],
		['visibility=community', ['e,f']],
		['visibility=public', ['d']],
		['visibility=', []],
		['os_hidden=true', ['c']],
		['protected=true', ['d']],
		['tag=x', ['a', 'b']],
		['tag=x&tag=y', ['a']],
		['colour=red', ['a']],
		['is_public=True', []],
		['visibility=all&name=in:a,"e,f"', ['a', 'e,f']],
		['status=active', ['g']],
		['disk_format=in:iso,qcow2', ['g']],
		['size_min=5&size_max=5', ['g']],
		['min_ram_min=2', ['b']],
		['limit=0', []],
	];
	for (const [query, expected] of CASES)
		it(`?${query}`, async () => {
			const reply = await list(`?sort=name:asc&${query}`);
			assert.equal(reply.status, 200, reply.text);
			assert.deepEqual(names(reply), expected);
		});

	it('pages follow each other, each with the same filters, until there is no next', async () => {
		const seen: string[] = [];
		let path: string | undefined = '/v2/images?limit=2&sort_key=name&sort_dir=asc&name=in:a,b,d,g&tag=';
		path = path.replace('&tag=', '');
		while (path !== undefined) {
			const reply: Reply = await own.ask('GET', path);
			assert.equal(reply.json.first, '/v2/images?limit=2&sort_key=name&sort_dir=asc&name=in%3Aa%2Cb%2Cd%2Cg');
			assert.equal(reply.json.schema, '/v2/schemas/images');
			seen.push(...names(reply));
			path = reply.json.next;
		}
		assert.deepEqual(seen, ['a', 'b', 'd', 'g']);
	});
	it('repeated parameters survive paging', async () => {
		const { json } = await list('?tag=x&tag=y&limit=1');
		assert.match(json.next, /tag=x&tag=y/);
	});
	it('an unknown marker is 400', async () => {
		assert.equal((await list(`?marker=${crypto.randomUUID()}`)).status, 400);
	});
	it('bad parameters are 400', async () => {
		for (const query of [
			'limit=-1',
			'sort_key=x',
			'sort_dir=up',
			'name=neq:x',
			'visibility=x',
			'foo_min=1',
			'created_at=x',
			'changes-since=1',
			'changes-since=',
			'colour=%ff',
			'%c0%ae=x',
		])
			assert.equal((await list(`?${query}`)).status, 400, query);
	});
});

it('an image goes from creation over data to deletion', async () => {
	const id = await api.queued({ name: 'life' });
	assert.equal((await api.ask('GET', `/v2/images/${id}/file`)).status, 204);
	const upload = await api.ask('PUT', `/v2/images/${id}/file`, { headers: OCTETS, body: Buffer.from('hello') });
	assert.equal(upload.status, 204);
	const { json } = await api.ask('GET', `/v2/images/${id}`);
	assert.deepEqual(
		[json.status, json.size, json.checksum, json.stores],
		['active', 5, '5d41402abc4b2a76b9719d911017c592', 'centre'],
	);
	assert.equal(json.os_hash_algo, 'sha512');
	assert.equal((await api.ask('GET', `/v2/images/${id}/file`)).text, 'hello');
	assert.equal((await api.ask('DELETE', `/v2/images/${id}`)).status, 204);
	assert.equal((await api.ask('GET', `/v2/images/${id}/file`)).status, 404);
});
