/** What an operator lets images have: described properties, others or none, characters, pages, places. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ATTRIBUTES } from '#http/wire/attributes.ts';
import { customProperties } from '#http/wire/custom-properties.ts';
import { type ApiServer, startApi } from '../support/api-server.ts';

const V21 = { 'content-type': 'application/openstack-images-v2.1-json-patch' };
const V20 = { 'content-type': 'application/openstack-images-v2.0-json-patch' };
const create = (api: ApiServer, body: unknown) => api.ask('POST', '/v2/images', { body });
const patch = (api: ApiServer, id: string, ...body: readonly unknown[]) =>
	api.ask('PATCH', `/v2/images/${id}`, { headers: V21, body });

describe('described properties', () => {
	let api: ApiServer;
	before(async () => {
		const document = {
			properties: {
				team: { type: 'string', enum: ['red', 'blue'] },
				cores: { type: 'integer', minimum: 1 },
				bootable: { type: 'boolean' },
				note: { type: ['null', 'string'] },
			},
			required: ['team'],
		};
		api = await startApi({ api: { customProperties: customProperties(document, ATTRIBUTES) } });
	});
	after(() => api[Symbol.asyncDispose]());

	it('keep their types from creation to list', async () => {
		const { status, json } = await create(api, { team: 'red', cores: 4, bootable: true, note: null, other: 'x' });
		assert.equal(status, 201);
		const shown = (image: Readonly<Record<string, unknown>>) => [
			image.team,
			image.cores,
			image.bootable,
			image.note,
			image.other,
		];
		assert.deepEqual(shown(json), ['red', 4, true, null, 'x']);
		assert.deepEqual(shown((await api.ask('GET', `/v2/images/${json.id}`)).json), ['red', 4, true, null, 'x']);
		assert.deepEqual(shown((await api.ask('GET', `/v2/images?cores=4&bootable=true`)).json.images[0]), [
			'red',
			4,
			true,
			null,
			'x',
		]);
	});
	it('are checked at creation and in a patch', async () => {
		for (const body of [
			{ team: 'green' },
			{ team: 'red', cores: 0 },
			{ team: 'red', cores: '4' },
			{ team: 'red', bootable: 'yes' },
		])
			assert.equal((await create(api, body)).status, 400, JSON.stringify(body));
		const { id } = (await create(api, { team: 'red' })).json;
		assert.equal((await patch(api, id, { op: 'add', path: '/cores', value: 'x' })).status, 400);
		assert.equal((await patch(api, id, { op: 'replace', path: '/team', value: 'green' })).status, 400);
		const { json } = await patch(
			api,
			id,
			{ op: 'add', path: '/cores', value: 2 },
			{ op: 'replace', path: '/team', value: 'blue' },
		);
		assert.deepEqual([json.cores, json.team], [2, 'blue']);
	});
	it('that are required must be there from the beginning, and stay', async () => {
		assert.equal((await create(api, {})).status, 400);
		const { id } = (await create(api, { team: 'red' })).json;
		assert.equal((await patch(api, id, { op: 'remove', path: '/team' })).status, 403);
		assert.equal((await patch(api, id, { op: 'replace', path: '/name', value: 'n' })).status, 200);
	});
	it('are in the schema documents', async () => {
		const { json } = await api.ask('GET', '/v2/schemas/image');
		assert.deepEqual(json.properties.cores, { type: 'integer', minimum: 1, is_base: false });
		assert.deepEqual(json.required, ['team']);
		assert.deepEqual((await api.ask('GET', '/v2/schemas/images')).json.properties.images.items.required, ['team']);
	});
});

describe('where only described properties are allowed', () => {
	let api: ApiServer;
	let open: ApiServer;
	before(async () => {
		open = await startApi();
		api = await startApi({ site: open, api: { additionalProperties: false } });
	});
	after(async () => {
		await api[Symbol.asyncDispose]();
		await open[Symbol.asyncDispose]();
	});
	it('others are refused, and not shown', async () => {
		assert.equal((await create(api, { colour: 'red' })).status, 400);
		const { status, json } = await create(open, { colour: 'red', os_distro: 'debian' });
		assert.equal(status, 201);
		const shown = (await api.ask('GET', `/v2/images/${json.id}`)).json;
		assert.deepEqual([shown.colour, shown.os_distro], [undefined, 'debian']);
		assert.equal((await patch(api, json.id, { op: 'add', path: '/size_class', value: 'x' })).status, 400);
		assert.equal((await patch(api, json.id, { op: 'replace', path: '/os_distro', value: 'arch' })).status, 200);
		assert.equal((await patch(api, json.id, { op: 'remove', path: '/nothing' })).status, 409);
	});
	it('the schema says so', async () => {
		assert.equal((await api.ask('GET', '/v2/schemas/image')).json.additionalProperties, false);
	});
});

describe('characters beyond the basic plane', () => {
	const SMILE = '\u{1f600}';
	it('are kept', async () => {
		await using api = await startApi();
		const { status, json } = await create(api, { name: SMILE.repeat(255), tags: [SMILE], [SMILE]: SMILE });
		assert.equal(status, 201);
		assert.equal((await api.ask('PUT', `/v2/images/${json.id}/tags/${encodeURIComponent(`${SMILE}2`)}`)).status, 204);
		const shown = (await api.ask('GET', `/v2/images/${json.id}`)).json;
		assert.deepEqual([shown.name, shown.tags.toSorted(), shown[SMILE]], [SMILE.repeat(255), [SMILE, `${SMILE}2`], SMILE]);
		assert.equal((await api.ask('GET', `/v2/images?name=${encodeURIComponent(SMILE.repeat(255))}`)).json.images.length, 1);
		assert.equal((await create(api, { name: SMILE.repeat(256) })).status, 400);
	});
	it('are refused where the operator wants that of Glance', async () => {
		await using api = await startApi({ api: { refuseAstral: true } });
		for (const body of [{ name: SMILE }, { tags: [SMILE] }, { [SMILE]: 'x' }, { colour: SMILE }])
			assert.equal((await create(api, body)).status, 400, JSON.stringify(body));
		const { id } = (await create(api, { name: 'größe €' })).json;
		assert.equal((await patch(api, id, { op: 'add', path: `/${SMILE}`, value: 'x' })).status, 400);
		assert.equal((await api.ask('PUT', `/v2/images/${id}/tags/${encodeURIComponent(SMILE)}`)).status, 400);
	});
	it('in halves are refused everywhere', async () => {
		await using api = await startApi();
		for (const body of ['{"name": "\\ud83d"}', '{"\\ude00": "x"}', '{"tags": ["\\ud83d\\ud83d"]}', '{"colour": "a\\udfff"}'])
			assert.equal((await api.ask('POST', '/v2/images', { body: Buffer.from(body) })).status, 400, body);
	});
});

it('pages are as long as the operator says, and no longer', async () => {
	await using api = await startApi({ api: { defaultLimit: 2, maxLimit: 3 } });
	for (let n = 0; n < 5; n += 1) await api.queued();
	const length = async (query: string) => (await api.ask('GET', `/v2/images${query}`)).json.images.length;
	assert.deepEqual([await length(''), await length('?limit=1'), await length('?limit=100')], [2, 1, 3]);
});

it('formats are those the operator names', async () => {
	await using api = await startApi({ api: { diskFormats: ['raw', 'squashfs'], containerFormats: ['bare'] } });
	assert.equal((await create(api, { disk_format: 'squashfs', container_format: 'bare' })).status, 201);
	assert.equal((await create(api, { disk_format: 'qcow2' })).status, 400);
	assert.equal((await create(api, { container_format: 'ova' })).status, 400);
	const { properties } = (await api.ask('GET', '/v2/schemas/image')).json;
	assert.deepEqual(
		[properties.disk_format.enum, properties.container_format.enum],
		[
			[null, 'raw', 'squashfs'],
			[null, 'bare'],
		],
	);
});

describe('places', () => {
	const place = { url: 'file:///srv/images/x', metadata: { store: 'file' } };
	const LOCATION_OPS = [
		{ op: 'add', path: '/locations/-', value: place },
		{ op: 'replace', path: '/locations', value: [] },
		{ op: 'remove', path: '/locations/0' },
	];
	it('are not shown, and not changed', async () => {
		await using api = await startApi({ locationsOf: () => [place] });
		const { json } = await create(api, {});
		assert.deepEqual([json.locations, json.direct_url], [undefined, undefined]);
		for (const op of LOCATION_OPS) assert.equal((await patch(api, json.id, op)).status, 403, JSON.stringify(op));
	});
	it('are shown to operators who want it, an empty list too, in their order of keys', async () => {
		await using api = await startApi({
			api: { showMultipleLocations: true, showDirectUrl: true },
			locationsOf: (_ctx, { name }) => (name === 'placed' ? [place, { ...place, url: 'http://x/y' }] : []),
		});
		const { json: placed } = await create(api, { name: 'placed' });
		assert.deepEqual([placed.locations.length, placed.direct_url], [2, place.url]);
		assert.deepEqual(Object.keys(placed).slice(-8), [
			'created_at',
			'updated_at',
			'locations',
			'direct_url',
			'tags',
			'self',
			'file',
			'schema',
		]);
		const { json: nowhere } = await create(api, {});
		assert.deepEqual([nowhere.locations, nowhere.direct_url], [[], undefined]);
		const answers = await Promise.all(LOCATION_OPS.map((op) => patch(api, nowhere.id, op)));
		assert.deepEqual(
			answers.map(({ status }) => status),
			[400, 403, 409],
		);
	});
});

describe('media types of a patch', () => {
	const CASES: readonly (readonly [type: string, status: number])[] = [
		['application/openstack-images-v2.1-json-patch', 200],
		['application/openstack-images-v2.0-json-patch', 200],
		['application/openstack-images-v2.1-json-patch; charset=utf-8', 200],
		['application/openstack-images-v2.1-json-patch;charset="utf-8"', 200],
		['application/openstack-images-v2.1-json-patch, text/plain', 415],
		['application/openstack-images-v2.2-json-patch', 415],
		['application/json-patch+json', 415],
		['application/json', 415],
		['', 415],
	];
	for (const [type, status] of CASES)
		it(`${type || 'none'} is ${status}`, async () => {
			await using api = await startApi();
			const reply = await api.ask('PATCH', `/v2/images/${await api.queued()}`, {
				headers: type === '' ? {} : { 'content-type': type },
				body: [],
			});
			assert.equal(reply.status, status);
			assert.equal(reply.headers['accept-patch'] !== undefined, status === 415);
		});
});

describe('operations of one patch', () => {
	let api: ApiServer;
	before(async () => {
		api = await startApi();
	});
	after(() => api[Symbol.asyncDispose]());

	it('see what those before them did', async () => {
		const { id } = (await create(api, { x: '1' })).json;
		const { json } = await patch(
			api,
			id,
			{ op: 'remove', path: '/x' },
			{ op: 'add', path: '/x', value: '2' },
			{ op: 'replace', path: '/x', value: '3' },
			{ op: 'add', path: '/y', value: '1' },
			{ op: 'remove', path: '/y' },
			{ op: 'replace', path: '/name', value: 'a' },
			{ op: 'replace', path: '/name', value: 'b' },
			{ op: 'add', path: '/ os_distro ', value: 'debian' },
		);
		assert.deepEqual([json.x, json.y, json.name, json.os_distro], ['3', undefined, 'b', 'debian']);
		assert.equal((await patch(api, id, { op: 'remove', path: '/x' }, { op: 'remove', path: '/x' })).status, 409);
		const old = await api.ask('PATCH', `/v2/images/${id}`, {
			headers: V20,
			body: [
				{ add: '/z', value: '1' },
				{ add: '/z', value: '2' },
			],
		});
		assert.equal(old.status, 409);
		assert.equal((await api.ask('GET', `/v2/images/${id}`)).json.z, undefined);
	});
	it('the owner is for administrators to change, the visibility for the owner', async () => {
		const { id } = (await create(api, {})).json;
		assert.equal((await patch(api, id, { op: 'replace', path: '/owner', value: 'someone' })).json.owner, 'someone');
		const identity = { challenge: 'x', identify: async () => ({ user: 'u', project: 'someone', roles: ['member', 'reader'] }) };
		await using theirs = await startApi({ site: api, identity });
		for (const op of ['add', 'replace']) assert.equal((await patch(theirs, id, { op, path: '/owner', value: 'me' })).status, 403);
		assert.equal((await patch(theirs, id, { op: 'replace', path: '/visibility', value: 'public' })).status, 403);
		assert.equal(
			(await patch(theirs, id, { op: 'replace', path: '/visibility', value: 'community' })).json.visibility,
			'community',
		);
	});
});
