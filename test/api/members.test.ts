/** Image members through the clients' door. Statuses and bodies are those of a real Glance, asked the same. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ImageError } from '#domain/errors.ts';
import type { Identity } from '#identity/ports.ts';
import { type ApiServer, type AskOptions, type Reply, startApi } from '../support/api-server.ts';

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

type Who = 'owner' | 'friend' | 'stranger' | 'admin';

function as(who: Who, method: string, path: string, body?: unknown): Promise<Reply> {
	const options: AskOptions = { headers: { 'x-auth-token': who }, ...(body !== undefined && { body }) };
	return api.ask(method, `/v2/images${path}`, options);
}

async function image(fields: object = {}): Promise<string> {
	return (await as('owner', 'POST', '', { disk_format: 'raw', container_format: 'bare', ...fields })).json.id;
}

async function shared(): Promise<string> {
	const id = await image();
	assert.equal((await as('owner', 'POST', `/${id}/members`, { member: 'friend' })).status, 200);
	return id;
}

const V21 = { 'content-type': 'application/openstack-images-v2.1-json-patch', 'x-auth-token': 'owner' };
async function makeVisible(id: string, visibility: string): Promise<void> {
	const body = [{ op: 'replace', path: '/visibility', value: visibility }];
	assert.equal((await api.ask('PATCH', `/v2/images/${id}`, { headers: V21, body })).status, 200);
}

const statuses = (replies: readonly Reply[]) => replies.map(({ status }) => status);

describe('members', () => {
	it('a member is answered with 200 and all of its keys, the same by every route', async () => {
		const id = await image();
		const added = await as('owner', 'POST', `/${id}/members`, { member: 'friend', status: 'accepted', more: 1 });
		assert.equal(added.status, 200);
		assert.equal(added.headers['content-type'], 'application/json');
		assert.deepEqual(Object.keys(added.json), ['member_id', 'image_id', 'status', 'created_at', 'updated_at', 'schema']);
		assert.partialDeepStrictEqual(added.json, { member_id: 'friend', image_id: id, status: 'pending' });
		assert.match(added.json.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
		const list = await as('friend', 'GET', `/${id}/members`);
		assert.deepEqual(list.json, { members: [added.json], schema: '/v2/schemas/members' });
		assert.deepEqual((await as('friend', 'GET', `/${id}/members/friend`)).json, added.json);
		const accepted = await as('friend', 'PUT', `/${id}/members/friend`, { status: 'accepted', more: 1 });
		assert.deepEqual([accepted.status, accepted.json.status], [200, 'accepted']);
		const removed = await as('owner', 'DELETE', `/${id}/members/friend`);
		assert.deepEqual([removed.status, removed.text], [204, '']);
		assert.deepEqual((await as('owner', 'GET', `/${id}/members`)).json.members, []);
	});
	it('names of any text are addressed as they were given', async () => {
		const id = await image();
		for (const member of ['a/b', 'ä ?#%', '..', 'x'.repeat(255)]) {
			assert.equal((await as('owner', 'POST', `/${id}/members`, { member })).status, 200, member);
			if (member === '..' || member === 'a/b') continue; // neither can be written in a path, as in Glance
			const path = `/${id}/members/${encodeURIComponent(member)}`;
			assert.equal((await as('owner', 'GET', path)).json.member_id, member);
			assert.equal((await as('owner', 'DELETE', path)).status, 204);
		}
	});

	const BAD_MEMBERS: readonly unknown[] = [
		...[{}, [], ['friend'], 'friend', { member: '' }, { member: null }, { member: 5 }, { member: true }],
		...[{ member: {} }, { member: ['x'] }, { member: 'x'.repeat(256) }, { member: 'a\0b' }],
		...[{ Member: 'x' }, JSON.parse('{"__proto__": {"member": "x"}}')],
	];
	for (const body of BAD_MEMBERS)
		it(`${JSON.stringify(body).slice(0, 60)} names no member: 400`, async () => {
			const id = await image();
			assert.equal((await as('owner', 'POST', `/${id}/members`, body)).status, 400);
			assert.deepEqual((await as('owner', 'GET', `/${id}/members`)).json.members, []);
		});

	const BAD_STATUSES: readonly unknown[] = [
		...[{}, [], 'accepted', { status: '' }, { status: 'bogus' }, { status: 5 }, { status: null }, { status: ['accepted'] }],
		{ status: 'Accepted' },
	];
	for (const body of BAD_STATUSES)
		it(`${JSON.stringify(body)} is no answer: 400`, async () => {
			const id = await shared();
			assert.equal((await as('friend', 'PUT', `/${id}/members/friend`, body)).status, 400);
			assert.equal((await as('friend', 'GET', `/${id}/members/friend`)).json.status, 'pending');
		});

	it('bodies: needed, of bounded length, and not where none belongs', async () => {
		const id = await shared();
		const path = `/${id}/members`;
		const long = { member: 'x', filling: 'y'.repeat(17_000) };
		assert.deepEqual(
			statuses([
				await as('owner', 'POST', path),
				await as('friend', 'PUT', `${path}/friend`),
				await as('owner', 'POST', path, long),
				await as('friend', 'PUT', `${path}/friend`, { status: 'accepted', ...long }),
				await as('owner', 'GET', path, {}),
				await as('owner', 'GET', `${path}/friend`, {}),
				await as('owner', 'DELETE', `${path}/friend`, {}),
			]),
			[400, 400, 413, 413, 400, 400, 400],
		);
	});
	it('other methods are 405 with those there are', async () => {
		const id = await shared();
		for (const [method, path, allow] of [
			['DELETE', `/${id}/members`, 'GET, POST'],
			['HEAD', `/${id}/members`, 'GET, POST'],
			['POST', `/${id}/members/friend`, 'GET, PUT, DELETE'],
			['PATCH', `/${id}/members/friend`, 'GET, PUT, DELETE'],
		] as const) {
			const reply = await as('owner', method, path);
			assert.deepEqual([reply.status, reply.headers.allow], [405, allow], `${method} ${path}`);
		}
	});
	it('refusals by who asks', async () => {
		const id = await shared();
		const path = `/${id}/members`;
		const of = (who: Who) =>
			Promise.all([
				as(who, 'GET', path),
				as(who, 'GET', `${path}/friend`),
				as(who, 'POST', path, { member: 'new' }),
				as(who, 'PUT', `${path}/friend`, { status: 'rejected' }),
				as(who, 'GET', `${path}/nobody`),
				as(who, 'PUT', `${path}/nobody`, { status: 'accepted' }),
				as(who, 'DELETE', `${path}/nobody`),
			]);
		assert.deepEqual(statuses(await of('stranger')), [404, 404, 404, 404, 404, 404, 404]);
		assert.deepEqual(statuses(await of('friend')), [200, 200, 403, 200, 404, 404, 404]);
		assert.deepEqual(statuses(await of('owner')), [200, 200, 200, 403, 404, 404, 404]);
		assert.deepEqual(statuses(await of('admin')), [200, 200, 409, 200, 404, 404, 404]);
		assert.deepEqual(
			statuses([
				await as('stranger', 'DELETE', `${path}/friend`),
				await as('friend', 'DELETE', `${path}/friend`),
				await as('owner', 'POST', path, { member: 'friend' }),
				await as('admin', 'DELETE', `${path}/friend`),
			]),
			[404, 403, 409, 204],
		);
	});
	it('images that are not shared have none', async () => {
		const id = await shared();
		const path = `/${id}/members`;
		for (const visibility of ['private', 'community']) {
			await makeVisible(id, visibility);
			for (const who of ['owner', 'admin'] as const)
				assert.deepEqual(
					statuses([
						await as(who, 'GET', path),
						await as(who, 'GET', `${path}/friend`),
						await as(who, 'POST', path, { member: 'new' }),
						await as(who, 'PUT', `${path}/friend`, { status: 'accepted' }),
						await as(who, 'DELETE', `${path}/friend`),
					]),
					[403, 404, 403, 403, 403],
					`${who}, ${visibility}`,
				);
		}
		assert.deepEqual(statuses([await as('friend', 'GET', path), await as('friend', 'GET', `${path}/friend`)]), [403, 404]);
		await makeVisible(id, 'private');
		assert.deepEqual(statuses([await as('friend', 'GET', path), await as('friend', 'GET', `/${id}`)]), [404, 404]);
		await makeVisible(id, 'shared');
		assert.deepEqual(statuses([await as('friend', 'GET', path), await as('friend', 'GET', `/${id}`)]), [200, 200]);
	});
	it('an unknown and a deleted image are 404, whatever is asked', async () => {
		const id = await shared();
		assert.equal((await as('owner', 'DELETE', `/${id}`)).status, 204);
		for (const each of [id, crypto.randomUUID(), 'not-a-uuid'])
			assert.deepEqual(
				statuses([
					await as('owner', 'GET', `/${each}/members`),
					await as('owner', 'POST', `/${each}/members`, { member: 'friend' }),
					await as('owner', 'GET', `/${each}/members/friend`),
					await as('owner', 'PUT', `/${each}/members/friend`, { status: 'accepted' }),
					await as('owner', 'DELETE', `/${each}/members/friend`),
				]),
				[404, 404, 404, 404, 404],
			);
	});
	it('a quota that is reached is 413 in plain text', async () => {
		const id = await image();
		for (let n = 0; n < 128; n += 1) assert.equal((await as('owner', 'POST', `/${id}/members`, { member: `p${n}` })).status, 200);
		const { status, headers } = await as('owner', 'POST', `/${id}/members`, { member: 'one-more' });
		assert.deepEqual([status, headers['content-type']], [413, 'text/plain; charset=UTF-8']);
	});
});

describe('lists with members', () => {
	it('member_status says which of the shared images are listed', async () => {
		const id = await shared();
		const listed = async (who: Who, query: string) =>
			(await as(who, 'GET', query)).json.images.some((each: { id: string }) => each.id === id);
		for (const status of ['pending', 'accepted', 'rejected']) {
			await as('friend', 'PUT', `/${id}/members/friend`, { status });
			for (const asked of ['pending', 'accepted', 'rejected', 'all']) {
				const wanted = asked === status || asked === 'all';
				assert.equal(await listed('friend', `?member_status=${asked}`), wanted, `${status}, ${asked} asked for`);
				assert.equal(await listed('friend', `?visibility=shared&member_status=${asked}`), wanted);
				assert.equal(await listed('friend', `?owner=owner&member_status=${asked}`), wanted);
				assert.equal(await listed('friend', `?visibility=private&member_status=${asked}`), false);
				assert.equal(await listed('stranger', `?member_status=${asked}`), false);
				for (const who of ['owner', 'admin'] as const) assert.ok(await listed(who, `?member_status=${asked}&limit=1000`));
			}
			assert.equal(await listed('friend', ''), status === 'accepted');
			assert.equal((await as('friend', 'GET', `/${id}`)).status, 200);
		}
		assert.equal((await as('friend', 'GET', '?member_status=x')).status, 400);
		assert.equal((await as('friend', 'GET', '?member_status=')).status, 400);
	});
});

describe('schemas of members', () => {
	it('name every key of a member', async () => {
		const headers = { 'x-auth-token': 'owner' };
		const { json: member } = await api.ask('GET', '/v2/schemas/member', { headers });
		const { json: members } = await api.ask('GET', '/v2/schemas/members', { headers });
		const id = await shared();
		const shown = (await as('owner', 'GET', `/${id}/members/friend`)).json;
		assert.deepEqual(Object.keys(member.properties).toSorted(), Object.keys(shown).toSorted());
		assert.equal(member.name, 'member');
		assert.match(shown.image_id, new RegExp(member.properties.image_id.pattern));
		assert.deepEqual([members.name, members.properties.members.items], ['members', member]);
		assert.deepEqual(members.links, [{ rel: 'describedby', href: '{schema}' }]);
	});
});
