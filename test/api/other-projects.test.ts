/**
 * What belongs to another project and may not be seen is answered, by every route there is, byte for byte like what never
 * was. The routes are those the door has: a new one is asked too, or this test says what it needs to know of it.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Identity } from '#identity/ports.ts';
import { type ApiServer, type AskOptions, OCTETS, type Reply, shapeOf, startApi } from '../support/api-server.ts';
import { administrator } from '../support/onion.ts';

const PATCH_TYPE = { 'content-type': 'application/openstack-images-v2.1-json-patch' };

/** Well-formed requests, so that nothing but the id decides. */
const REQUESTS: Readonly<Record<string, AskOptions>> = {
	'PATCH /v2/images/:id': { headers: PATCH_TYPE, body: [{ op: 'add', path: '/name', value: 'mine' }] },
	'PUT /v2/images/:id/file': { headers: OCTETS, body: Buffer.from('mine') },
	'PUT /v2/images/:id/stage': { headers: OCTETS, body: Buffer.from('mine') },
	'POST /v2/images/:id/members': { body: { member: 'project-b' } },
	'PUT /v2/images/:id/members/:member': { body: { status: 'accepted' } },
	'POST /v2/images/:id/import': { body: { method: { name: 'glance-direct' } } },
	'POST /v2/images/:id/locations': { body: { url: 'https://example.com/image' } },
	'PUT /v2/metadefs/namespaces/:namespace': { body: { namespace: 'mine' } },
	'POST /v2/metadefs/namespaces/:namespace/properties': { body: { name: 'p', title: 'p', type: 'string' } },
	'PUT /v2/metadefs/namespaces/:namespace/properties/:name': { body: { name: 'thing', title: 'p', type: 'string' } },
	'POST /v2/metadefs/namespaces/:namespace/objects': { body: { name: 'o' } },
	'PUT /v2/metadefs/namespaces/:namespace/objects/:name': { body: { name: 'thing' } },
	'POST /v2/metadefs/namespaces/:namespace/tags': { body: { tags: [{ name: 't' }] } },
	'PUT /v2/metadefs/namespaces/:namespace/tags/:name': { body: { name: 'thing' } },
	'POST /v2/metadefs/namespaces/:namespace/resource_types': { body: { name: 'OS::Glance::Image' } },
};
/** What the other parameters of a path name: each is there in what is not to be seen. */
const PARAMETERS: Readonly<Record<string, string>> = {
	...{ ':tag': 'thing', ':member': 'project-c', ':name': 'thing' },
	// the site itself
	':store': 'centre',
};

const callerOf = (project: string, roles: readonly string[]): Identity => ({
	challenge: 'x',
	identify: async () => ({ user: `user of ${project}`, project, roles }),
});

interface Hidden {
	readonly what: string;
	readonly id: string;
	readonly never: string;
}

describe("another project's", () => {
	let owner: ApiServer;
	let stranger: ApiServer;
	/** first part of a path → what its id names that is hidden from the stranger */
	let hidden: Readonly<Record<string, readonly Hidden[]>>;

	before(async () => {
		owner = await startApi({ identity: callerOf('project-a', ['member', 'reader']) });
		stranger = await startApi({ site: owner, identity: callerOf('project-b', ['member', 'reader']) });
		const image = (id: string, what: string): Hidden => ({ what, id, never: crypto.randomUUID() });
		const fields = { tags: ['thing'], colour: 'red' };
		const shared = await owner.active(Buffer.from('data'), fields);
		assert.equal((await owner.ask('POST', `/v2/images/${shared}/members`, { body: { member: 'project-c' } })).status, 200);
		const gone = await owner.active(Buffer.from('data'), fields);
		assert.equal((await owner.ask('DELETE', `/v2/images/${gone}`)).status, 204);
		const deactivated = await owner.active(Buffer.from('data'), fields);
		assert.equal((await owner.ask('POST', `/v2/images/${deactivated}/actions/deactivate`)).status, 204);
		await using admin = await startApi({ site: owner, identity: callerOf('operators', ['admin']) });
		const namespace = {
			...{
				namespace: 'theirs',
				owner: 'project-a',
				visibility: 'private',
				tags: [{ name: 'thing' }],
				objects: [{ name: 'thing' }],
			},
			...{ properties: { thing: { title: 't', type: 'string' } }, resource_type_associations: [{ name: 'thing' }] },
		};
		const made = await admin.ask('POST', '/v2/metadefs/namespaces', { body: namespace });
		assert.equal(made.status, 201, made.text);
		// it fails at once: its input says too little
		const input = { import_from: 'http://192.0.2.1/image' };
		const { id: task } = await owner.tasks.create(administrator({ project: 'project-a' }), { type: 'import', input });
		const kept = [image(shared, 'image that is shared with others'), image(gone, 'deleted image')];
		const images = [
			image(await owner.queued({ ...fields, visibility: 'private' }), 'private, queued image'),
			image(
				await owner.active(Buffer.from('data'), { ...fields, visibility: 'private', protected: true }),
				'private, active image',
			),
			image(deactivated, 'deactivated image'),
			image(shared, 'image that is shared with others'),
			image(gone, 'deleted image'),
		];
		hidden = {
			images,
			stores: images,
			// the operators' own routes
			v1: [{ what: 'store, or image', id: 'centre', never: 'nowhere' }],
			metadefs: [{ what: 'private namespace', id: 'theirs', never: 'nevers' }],
			tasks: [{ what: 'task', id: task, never: crypto.randomUUID() }],
			cache: kept,
			cached_images: kept,
			queued_images: kept,
		};
	});
	after(async () => {
		await stranger[Symbol.asyncDispose]();
		await owner[Symbol.asyncDispose]();
	});

	it('things are nowhere to be found', async () => {
		const asked: string[] = [];
		for (const { path, methods } of stranger.routes.filter((route) => route.path.includes('/:'))) {
			const [collection = ''] = path.split('/').slice(2);
			const things = hidden[collection];
			assert.ok(things !== undefined, `tell this test what of ${path} is hidden from strangers`);
			for (const method of Object.keys(methods)) {
				const route = `${method} ${path}`;
				for (const { what, id, never } of things as readonly Hidden[]) {
					const ask = (named: string) => stranger.ask(method, filled(path, named), REQUESTS[route]);
					const real: Reply = await ask(id);
					const unreal: Reply = await ask(never);
					assert.deepEqual(shapeOf(real, id), shapeOf(unreal, never), `${route} of a ${what}`);
					const mayBe: readonly number[] = things === hidden.images ? [404] : [404, 403];
					assert.ok(mayBe.includes(real.status), `${route} of a ${what} is ${real.status}: ${real.text}`);
				}
				asked.push(route);
			}
		}
		assert.ok(asked.length >= 30, `only ${asked.length} routes`);
	});
});

/** A path with this for its id, or else its first parameter, and what is there for the others. */
function filled(path: string, named: string): string {
	const [first = ''] = path.match(/:id\b/) ?? path.match(/:\w+/) ?? [];
	return path.replace(/:\w+/g, (name) =>
		name === first ? named : (PARAMETERS[name] ?? assert.fail(`tell this test what ${name} of ${path} is`)),
	);
}
