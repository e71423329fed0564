/** Unified limits of a real Keystone, at the clients' door: those of a service of the test's own, in a region of its own. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Subject } from '#identity/ports.ts';
import { createKeystone } from '#keystone/keystone.ts';
import { silentLog } from '#lib/log.ts';
import { MiB } from '#lib/sizes.ts';
import { createKeystoneLimits } from '#quota/keystone-limits.ts';
import { type ApiServer, OCTETS, startApi } from '../support/api-server.ts';
import { testSite } from '../support/onion.ts';
import { type RealKeystone, type RealUser, realKeystone } from '../support/real-keystone.ts';

const found = await realKeystone();
const skip = typeof found === 'string' ? found : false;
const keystone = found as RealKeystone;

const REGISTERED = { image_size_total: 4, image_stage_total: 3, image_count_total: 8, image_count_uploading: 2 };

interface Service {
	readonly endpoint: string;
	/** of the project alone; again to change it */
	limit(project: string, resource: keyof typeof REGISTERED, value: number): Promise<void>;
}

/** A service with an endpoint and registered limits; all of it goes with the stack. */
async function makeService(stack: AsyncDisposableStack): Promise<Service> {
	const name = `sundog-test-${randomUUID()}`;
	const made = async (path: string, body: object, kind: string): Promise<string> => {
		const { id } = (await keystone.admin('POST', path, body)).json[kind];
		stack.defer(async () => void (await keystone.admin('DELETE', `${path}/${id}`)));
		return id;
	};
	const region_id = await made('/regions', { region: { id: name } }, 'region');
	const service_id = await made('/services', { service: { name, type: name } }, 'service');
	const endpoint = await made(
		'/endpoints',
		{ endpoint: { service_id, region_id, interface: 'public', url: 'http://x' } },
		'endpoint',
	);
	const whose = { service_id, region_id };
	const registering = Object.entries(REGISTERED).map(([resource_name, default_limit]) => ({
		...whose,
		resource_name,
		default_limit,
	}));
	const { json } = await keystone.admin('POST', '/registered_limits', { registered_limits: registering });
	for (const { id } of json.registered_limits)
		stack.defer(async () => void (await keystone.admin('DELETE', `/registered_limits/${id}`)));
	const ids = new Map<string, string>();
	return {
		endpoint,
		async limit(project_id, resource_name, resource_limit) {
			const known = ids.get(project_id + resource_name);
			if (known !== undefined) return void (await keystone.admin('PATCH', `/limits/${known}`, { limit: { resource_limit } }));
			const body = { limits: [{ ...whose, project_id, resource_name, resource_limit }] };
			const [{ id }] = (await keystone.admin('POST', '/limits', body)).json.limits;
			ids.set(project_id + resource_name, id);
			stack.defer(async () => void (await keystone.admin('DELETE', `/limits/${id}`)));
		},
	};
}

async function systemReader(): Promise<RealUser> {
	const user = await keystone.user('service');
	const [role] = (await keystone.admin('GET', '/roles?name=reader')).json.roles;
	await keystone.admin('PUT', `/system/users/${user.id}/roles/${role.id}`);
	return user;
}

describe('unified limits of a real keystone', { skip }, () => {
	const stack = new AsyncDisposableStack();
	let service: Service;
	let reader: RealUser;
	before(async () => {
		stack.use(keystone);
		service = await makeService(stack);
		reader = await systemReader();
	});
	after(() => stack.disposeAsync());

	async function open(project: string, user: RealUser = reader, url = keystone.url): Promise<ApiServer & AsyncDisposable> {
		const credential = {
			kind: 'password',
			username: { id: user.id },
			password: user.password,
			userDomain: { id: 'default' },
			project: { id: user.project },
			projectDomain: { id: 'default' },
		} as const;
		await using parts = new AsyncDisposableStack();
		const client = parts.use(
			createKeystone({ url, credential, timeoutMs: 20_000, insecure: false, clock: Date.now, log: silentLog }),
		);
		const whose = { endpointId: service.endpoint, serviceType: 'image' };
		const unified = parts.use(createKeystoneLimits({ keystone: client, whose, log: silentLog }));
		const subject: Subject = { user: 'someone', project, roles: ['member', 'reader'] };
		const api = parts.use(
			await startApi({
				site: await testSite({ unified, overshoot: 'one' }),
				identity: { challenge: 'x', identify: async () => subject },
			}),
		);
		const kept = parts.move();
		return { ...api, [Symbol.asyncDispose]: () => kept.disposeAsync() };
	}
	const create = (api: ApiServer) =>
		api.ask('POST', '/v2/images', { body: { disk_format: 'raw', container_format: 'bare', visibility: 'private' } });
	const upload = (api: ApiServer, id: string, size: number) =>
		api.ask('PUT', `/v2/images/${id}/file`, { headers: OCTETS, body: new Uint8Array(size) });
	/** In chunks: its size is known when it ends. */
	async function stream(api: ApiServer, id: string, size: number): Promise<{ readonly status: number; readonly text: string }> {
		const body = ReadableStream.from([new Uint8Array(size)]);
		const reply = await fetch(`${api.url}/v2/images/${id}/file`, { method: 'PUT', headers: OCTETS, body, duplex: 'half' });
		return { status: reply.status, text: await reply.text() };
	}

	it('are the registered ones until a project has its own, and a change counts for the next request', async () => {
		const { project } = await keystone.user('member');
		await using api = await open(project);
		const usage = async () => (await api.ask('GET', '/v2/info/usage')).json.usage;
		assert.deepEqual(
			await usage(),
			Object.fromEntries(Object.entries(REGISTERED).map(([name, limit]) => [name, { usage: 0, limit }])),
		);
		await service.limit(project, 'image_count_total', 1);
		assert.deepEqual((await usage()).image_count_total, { usage: 0, limit: 1 });
		const first = await create(api);
		assert.equal(first.status, 201);
		const over = await create(api);
		assert.deepEqual([over.status, over.headers['content-type']], [413, 'text/plain; charset=UTF-8']);
		assert.match(over.text, /image_count_total of 1/);
		await service.limit(project, 'image_count_total', 2);
		assert.equal((await create(api)).status, 201);
		assert.equal((await create(api)).status, 413);
		assert.equal((await api.ask('DELETE', `/v2/images/${first.json.id}`)).status, 204);
		assert.equal((await create(api)).status, 201);
	});
	it('let pass what Glance lets pass, and no more', async () => {
		const { project } = await keystone.user('member');
		await using api = await open(project);
		await service.limit(project, 'image_size_total', 1);
		const ids = await Promise.all([1, 2, 3].map(async () => (await create(api)).json.id));
		assert.equal((await upload(api, ids[0], MiB + 1)).status, 413, 'declared too large');
		assert.equal((await stream(api, ids[0], MiB)).status, 204);
		assert.equal((await stream(api, ids[1], MiB)).status, 204);
		const third = await stream(api, ids[2], MiB);
		assert.deepEqual([third.status, /image_size_total/.test(third.text)], [413, true]);
		await service.limit(project, 'image_size_total', 2);
		assert.equal((await stream(api, ids[2], MiB)).status, 204);
		assert.deepEqual((await api.ask('GET', '/v2/info/usage')).json.usage.image_size_total, { usage: 3, limit: 2 });
	});
	it('are no reason to let anybody in while they cannot be read', async () => {
		const { project } = await keystone.user('member');
		const stranger = await keystone.user('service');
		for (const [user, url] of [
			[stranger, keystone.url],
			[reader, 'http://127.0.0.1:1'],
		] as const) {
			await using api = await open(project, user, url);
			const reply = await create(api);
			assert.deepEqual([reply.status, reply.headers['retry-after']], [503, '10'], reply.text);
			assert.equal((await api.ask('GET', '/v2/info/usage')).status, 503);
		}
	});
});
