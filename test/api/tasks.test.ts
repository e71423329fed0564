/** Tasks through the clients' door. Statuses and bodies are those of a real Glance, asked the same. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ImageError } from '#domain/errors.ts';
import type { TaskRunner } from '#domain/ports/task-runners.ts';
import type { Identity } from '#identity/ports.ts';
import { createWebSource } from '#imports/web-source.ts';
import { silentLog } from '#lib/log.ts';
import { createRulePolicy } from '#policy/rule-policy.ts';
import { type ApiServer, type AskOptions, startApi } from '../support/api-server.ts';
import { administrator, testSite } from '../support/onion.ts';
import { startWebServer, type WebAnswer } from '../support/web-server.ts';

/** The token is the project's name; `admin` is the administrator. */
const byToken: Identity = {
	challenge: 'Test',
	async identify({ header }) {
		const project = header('x-auth-token') ?? 'admin';
		return { user: `user of ${project}`, project, roles: project === 'admin' ? ['admin'] : ['member', 'reader'] };
	},
};
const as = (project: string, options: AskOptions = {}): AskOptions => ({
	...options,
	headers: { ...options.headers, 'x-auth-token': project },
});

/** Succeeds, fails by its input, or waits for ever. */
const obedient: TaskRunner = {
	async check({ refuse }) {
		if (refuse === true) throw new ImageError('invalid', 'refused');
	},
	async run(ctx, { input, say }) {
		await say('begun');
		if (input.fail === true) throw new ImageError('unavailable', 'as it was told');
		if (input.wait === true) await new Promise((_resolve, reject) => ctx.signal.addEventListener('abort', reject));
		return { done: input };
	},
	async undo() {},
};

const start = async (over: Parameters<typeof testSite>[0] = {}) =>
	startApi({ identity: byToken, site: await testSite({ runners: { import: obedient }, ...over }) });

async function create(api: ApiServer, input: object = {}): Promise<string> {
	const { status, json, text } = await api.ask('POST', '/v2/tasks', { body: { type: 'import', input } });
	assert.equal(status, 201, text);
	return json.id;
}

describe('a task', () => {
	it('is answered at once as pending, with its place, and is done afterwards', async () => {
		await using api = await start();
		const input = { colour: 'blue' };
		const { status, headers, json } = await api.ask('POST', '/v2/tasks', { body: { type: 'import', input } });
		assert.equal(status, 201);
		assert.equal(headers.location, `${api.url}/v2/tasks/${json.id}`);
		const { id, created_at: at, ...rest } = json;
		assert.deepEqual(rest, {
			...{ input, type: 'import', status: 'pending', owner: 'admin', message: '', result: null, updated_at: at },
			...{ self: `/v2/tasks/${id}`, schema: '/v2/schemas/task' },
			...{ request_id: headers['x-openstack-request-id'], user_id: 'user of admin' },
		});
		assert.match(at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
		await api.executor.idle();
		const done = (await api.ask('GET', `/v2/tasks/${id}`)).json;
		assert.partialDeepStrictEqual(done, { status: 'success', result: { done: input }, message: 'begun' });
		assert.equal(Date.parse(done.expires_at) - Date.parse(done.updated_at), 48 * 3600_000);
	});
	it('that fails says why, and both are told', async () => {
		await using api = await start();
		const [good, bad] = [await create(api), await create(api, { fail: true })];
		await api.executor.idle();
		const { status, message, result } = (await api.ask('GET', `/v2/tasks/${bad}`)).json;
		assert.deepEqual([status, message, result], ['failure', 'as it was told', null]);
		const told = (id: string) => api.events.flatMap((event) => ('task' in event && event.task.id === id ? [event.type] : []));
		assert.deepEqual(told(good), ['task.create', 'task.run', 'task.processing', 'task.success']);
		assert.deepEqual(told(bad), ['task.create', 'task.run', 'task.processing', 'task.failure']);
	});
	it('is refused when its body or its input is not as it must be', async () => {
		await using api = await start();
		const bodies = [
			...[[], {}, { type: 'import' }, { input: {} }, { type: 'nope', input: {} }, { type: 'import', input: 'x' }],
			...[
				{ type: 1, input: {} },
				{ type: 'import', input: {}, extra: 1 },
				{ type: 'import', input: {}, owner: 1 },
			],
			...[
				{ type: 'api_image_import', input: {} },
				{ type: 'import', input: { refuse: true } },
			],
		];
		for (const body of bodies) {
			const { status, headers } = await api.ask('POST', '/v2/tasks', { body });
			assert.deepEqual([status, headers['content-type']], [400, 'text/plain; charset=UTF-8'], JSON.stringify(body));
		}
		assert.equal((await api.ask('POST', '/v2/tasks')).status, 400);
		assert.equal(
			(await api.ask('POST', '/v2/tasks', { body: { type: 'import', input: { x: 'x'.repeat(70_000) } } })).status,
			413,
		);
		assert.deepEqual((await api.ask('GET', '/v2/tasks')).json.tasks, []);
	});
	it('cannot be deleted, be it there or not', async () => {
		await using api = await start();
		for (const id of [await create(api), 'x']) {
			const { status, headers } = await api.ask('DELETE', `/v2/tasks/${id}`);
			assert.deepEqual([status, headers.allow], [405, 'GET']);
		}
		assert.deepEqual((await api.ask('PUT', '/v2/tasks/x')).headers.allow, 'GET, DELETE');
		assert.deepEqual((await api.ask('PUT', '/v2/tasks')).headers.allow, 'GET, POST');
	});
	it('is nothing that projects are told of, whatever they ask', async () => {
		await using api = await start();
		const id = await create(api);
		for (const [method, path] of [
			['GET', ''],
			['POST', ''],
			['GET', `/${id}`],
			['GET', '/x'],
			['DELETE', `/${id}`],
			['GET', '?sort_dir=x'],
		] as const)
			assert.equal((await api.ask(method, `/v2/tasks${path}`, as('other'))).status, 403, `${method} ${path}`);
	});
	it('is seen by its own project where rules let projects use tasks', async () => {
		const policy = createRulePolicy({ log: silentLog, overrides: { tasks_api_access: '' } });
		await using api = await start({ policy });
		const { id } = (await api.ask('POST', '/v2/tasks', as('one', { body: { type: 'import', input: {} } }))).json;
		assert.equal((await api.ask('GET', `/v2/tasks/${id}`, as('one'))).status, 200);
		assert.equal((await api.ask('GET', `/v2/tasks/${id}`, as('two'))).status, 404);
		assert.deepEqual((await api.ask('GET', '/v2/tasks', as('two'))).json.tasks, []);
		assert.equal((await api.ask('GET', `/v2/tasks?marker=${id}`, as('two'))).status, 400);
		assert.equal((await api.ask('GET', `/v2/tasks/${id}`)).status, 200);
	});
});

describe('a list of tasks', () => {
	it('has stubs, the newest first, in pages that follow each other', async () => {
		let now = Date.UTC(2026, 0, 1);
		await using api = await start({ clock: () => (now += 1000) });
		const ids = [];
		for (let n = 0; n < 5; n += 1) ids.unshift(await create(api, { fail: n % 2 === 0 }));
		await api.executor.idle();
		const first = (await api.ask('GET', '/v2/tasks?limit=2&foo=bar')).json;
		assert.equal(first.first, '/v2/tasks?limit=2&foo=bar');
		assert.equal(first.next, `/v2/tasks?limit=2&foo=bar&marker=${ids[1]}`);
		assert.equal(first.schema, '/v2/schemas/tasks');
		assert.deepEqual(Object.keys(first.tasks[0]), [
			'id',
			'type',
			'status',
			'owner',
			'created_at',
			'updated_at',
			'self',
			'schema',
			'expires_at',
		]);
		const seen = [...first.tasks];
		for (let next = first.next; next !== undefined; ) {
			const page = (await api.ask('GET', next)).json;
			seen.push(...page.tasks);
			next = page.next;
		}
		assert.deepEqual(
			seen.map(({ id }) => id),
			ids,
		);
		const list = async (query: string) =>
			(await api.ask('GET', `/v2/tasks?${query}`)).json.tasks.map(({ id }: { id: string }) => id);
		assert.deepEqual(await list('sort_dir=asc'), ids.toReversed());
		assert.deepEqual(await list('status=success'), [ids[1], ids[3]]);
		assert.deepEqual(await list('sort_key=status&sort_dir=asc'), [ids[4], ids[2], ids[0], ids[3], ids[1]]);
		assert.deepEqual(await list('type=import&owner=admin'), ids);
		for (const none of ['status=', 'owner=x', 'id=x', 'limit=0', 'type=']) assert.deepEqual(await list(none), [], none);
	});
	it('refuses what Glance refuses', async () => {
		await using api = await start();
		const queries = [
			'status=x',
			'type=api_image_import',
			'sort_key=foo',
			'sort_key=input',
			'sort_dir=x',
			'limit=-1',
			'limit=x',
			'limit=',
		];
		for (const query of [...queries, 'marker=x', 'marker=', `marker=${crypto.randomUUID()}`])
			assert.equal((await api.ask('GET', `/v2/tasks?${query}`)).status, 400, query);
	});
	it('forgets a task when its time has come', async () => {
		let now = Date.UTC(2026, 0, 1);
		await using api = await start({ clock: () => now });
		const id = await create(api);
		await api.executor.idle();
		now += 48 * 3600_000 - 1;
		assert.equal((await api.ask('GET', `/v2/tasks/${id}`)).status, 200);
		now += 1;
		assert.equal((await api.ask('GET', `/v2/tasks/${id}`)).status, 404);
		assert.deepEqual((await api.ask('GET', '/v2/tasks')).json.tasks, []);
	});
});

describe('the tasks of an image', () => {
	it('have every column, for who sees the image and owns the task', async () => {
		await using api = await start({ clock: () => Date.UTC(2026, 0, 2, 3, 4, 5, 678) });
		const { id: image } = (await api.ask('POST', '/v2/images', { body: { visibility: 'public' } })).json;
		const input = { image_id: image };
		const id = await create(api, input);
		await api.executor.idle();
		const { status, json } = await api.ask('GET', `/v2/images/${image}/tasks`);
		const [{ request_id: request, ...task }] = json.tasks;
		assert.equal(status, 200);
		assert.match(request, /^req-/);
		assert.deepEqual(task, {
			...{ id, type: 'import', status: 'success', owner: 'admin', expires_at: '2026-01-04T03:04:05.678000' },
			...{ created_at: '2026-01-02T03:04:05.678000', updated_at: '2026-01-02T03:04:05.678000', deleted_at: null, deleted: false },
			...{ image_id: image, user_id: 'user of admin', input, result: { done: input }, message: 'begun' },
		});
		assert.deepEqual((await api.ask('GET', `/v2/images/${image}/tasks`, as('other'))).json, { tasks: [] });
		assert.equal((await api.ask('GET', `/v2/images/${crypto.randomUUID()}/tasks`)).status, 404);
	});
});

describe('a task of type import', () => {
	async function importing(
		answer: WebAnswer,
		input: object,
		check: (api: ApiServer, task: Record<string, unknown>, url: string) => Promise<void>,
	) {
		await using server = await startWebServer(answer);
		const web = createWebSource({ filtering: { allowedHosts: ['127.0.0.1'], allowedPorts: [server.port] } });
		await using api = await startApi({ identity: byToken, site: await testSite({ web }) });
		const body = { type: 'import', input: { import_from: `${server.url}/image`, import_from_format: 'raw', ...input } };
		const { status, json, text } = await api.ask('POST', '/v2/tasks', { body });
		assert.equal(status, 201, text);
		await api.executor.idle();
		await check(api, (await api.ask('GET', `/v2/tasks/${json.id}`)).json, server.url);
	}
	const FORMATS = { disk_format: 'raw', container_format: 'bare' };

	it('makes an image of what is there', () =>
		importing(
			(_request, response) => void response.end('the bytes'),
			{ image_properties: { name: 'imported', ...FORMATS, colour: 'red', visibility: 'public' } },
			async (api, { status, result }) => {
				assert.equal(status, 'success');
				const { image_id: id } = result as { image_id: string };
				const image = (await api.ask('GET', `/v2/images/${id}`)).json;
				assert.partialDeepStrictEqual(image, {
					name: 'imported',
					status: 'active',
					size: 9,
					colour: 'red',
					visibility: 'public',
					owner: 'admin',
				});
				assert.equal((await api.ask('GET', `/v2/images/${id}/file`)).text, 'the bytes');
			},
		));

	const answers: readonly (readonly [what: string, answer: WebAnswer, properties: unknown, message: RegExp])[] = [
		['the server has none', (_request, response) => void response.writeHead(404).end(), FORMATS, /answered 404/],
		[
			'its bytes end early',
			(_request, response) => void response.writeHead(200, { 'content-length': 9 }).write('x', () => response.destroy()),
			FORMATS,
			/broke off/,
		],
		[
			'it is protected, and the server has none',
			(_request, response) => void response.writeHead(500).end(),
			{ ...FORMATS, protected: true },
			/answered 500/,
		],
		['formats are not known', (_request, response) => void response.end('x'), {}, /disk_format/],
		['properties are none', (_request, response) => void response.end('x'), 'x', /JSON object/],
		['a property is read-only', (_request, response) => void response.end('x'), { ...FORMATS, status: 'active' }, /status/],
	];
	for (const [what, answer, properties, message] of answers)
		it(`leaves no image when ${what}`, () =>
			importing(answer, { image_properties: properties }, async (api, task) => {
				assert.equal(task.status, 'failure');
				assert.match(String(task.message), message);
				assert.deepEqual((await api.ask('GET', '/v2/images')).json.images, []);
			}));

	it('fails as in Glance when its input says too little', () =>
		importing(
			(_request, response) => void response.end('x'),
			{},
			async (_api, { status, message }) => {
				assert.deepEqual([status, message], ['failure', "the task's input has no image_properties"]);
			},
		));

	it('leaves alone an image whose id it would have taken', async () => {
		await using server = await startWebServer((_request, response) => void response.end('x'));
		const web = createWebSource({ filtering: { allowedHosts: ['127.0.0.1'], allowedPorts: [server.port] } });
		await using api = await startApi({ identity: byToken, site: await testSite({ web }) });
		const id = await api.queued();
		const input = { import_from: server.url, import_from_format: 'raw', image_properties: { ...FORMATS, id } };
		const task = await api.tasks.create(administrator(), { type: 'import', input });
		await api.executor.idle();
		assert.equal((await api.ask('GET', `/v2/tasks/${task.id}`)).json.status, 'failure');
		assert.equal((await api.ask('GET', `/v2/images/${id}`)).json.status, 'queued');
	});

	it('is refused at once when nothing could ever come of its URL', async () => {
		await using api = await startApi({ identity: byToken });
		for (const from of [
			undefined,
			null,
			'',
			1,
			'file:///etc/passwd',
			'filesystem:///x',
			'ftp://a/x',
			'http://127.0.0.1/x',
			'http://0x7f.1/',
			'x',
		]) {
			const { status } = await api.ask('POST', '/v2/tasks', { body: { type: 'import', input: { import_from: from } } });
			assert.equal(status, 400, String(from));
		}
		assert.equal((await api.ask('POST', '/v2/tasks', { body: { type: 'import', input: null } })).status, 400);
	});
});
