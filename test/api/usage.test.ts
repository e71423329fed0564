/** What a project uses and may use, over HTTP. Image API v2, "Quota usage". */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { ImageError } from '#domain/errors.ts';
import type { Subject } from '#identity/ports.ts';
import { startApi } from '../support/api-server.ts';
import { caller, testSite, UPLOADABLE } from '../support/onion.ts';

const LIMITS = { image_size_total: 1, image_stage_total: 2, image_count_total: 3, image_count_uploading: -1 };
const unified = { of: async () => LIMITS };
const as = (subject: Subject) => ({ identity: { challenge: 'x', identify: async () => subject } });
const member = as({ user: 'u', project: 'p', roles: ['member', 'reader'] });

describe('GET /v2/info/usage', () => {
	it('shows nothing where no unified limits hold', async () => {
		await using api = await startApi({ ...member, site: await testSite({ limits: { userStorage: 5 } }) });
		const { status, json, headers } = await api.ask('GET', '/v2/info/usage');
		assert.deepEqual([status, json, headers['content-type']], [200, { usage: {} }, 'application/json']);
	});
	it("shows the four resources of the caller's project", async () => {
		await using api = await startApi({ ...member, site: await testSite({ unified }) });
		await api.active(new Uint8Array(1024 * 1024 - 1));
		await api.queued();
		assert.deepEqual((await api.ask('GET', '/v2/info/usage')).json, {
			usage: {
				image_size_total: { usage: 0, limit: 1 },
				image_stage_total: { usage: 0, limit: 2 },
				image_count_total: { usage: 2, limit: 3 },
				image_count_uploading: { usage: 0, limit: -1 },
			},
		});
	});
	it('takes no body and no other method, and is nothing for who has no project', async () => {
		await using api = await startApi({ ...as({ user: null, project: null, roles: [] }), site: await testSite({ unified }) });
		assert.equal((await api.ask('GET', '/v2/info/usage')).status, 403);
		assert.equal((await api.ask('GET', '/v2/info/usage', { body: {} })).status, 400);
		const { status, headers } = await api.ask('POST', '/v2/info/usage');
		assert.deepEqual([status, headers.allow], [405, 'GET']);
	});
});

describe('over a limit', () => {
	it('of numbers or of bytes the answer is what the client likes', async () => {
		await using api = await startApi({
			...member,
			site: await testSite({ unified: { of: async () => ({ ...LIMITS, image_count_total: 1 }) } }),
		});
		const id = await api.queued();
		const headers = { accept: 'application/json' };
		const create = await api.ask('POST', '/v2/images', { body: {}, headers });
		assert.deepEqual([create.status, create.headers['content-type']], [413, 'application/json']);
		const octets = { ...headers, 'content-type': 'application/octet-stream' };
		const upload = await api.ask('PUT', `/v2/images/${id}/file`, { headers: octets, body: new Uint8Array(1024 * 1024 + 1) });
		assert.deepEqual([upload.status, upload.json.title], [413, 'Request Entity Too Large']);
		assert.match(upload.json.message, /project p would exceed its limit image_size_total of 1 MiB/);
	});
	for (const [what, site, status] of [
		['is told so', () => testSite({ limits: { userStorage: 10 } }), 413],
		[
			'or cannot be judged, is told so',
			() => testSite({ unified: { of: async () => Promise.reject(new ImageError('unavailable', 'keystone is away')) } }),
			503,
		],
	] as const)
		it(`a client that waits for 100 Continue ${what} instead`, async () => {
			const { images, ...rest } = await site();
			const open = await testSite({ catalogue: rest.catalogue });
			await using api = await startApi({ ...member, site: { images, ...rest } });
			const { id } = await open.images.create(caller({ project: 'p' }), UPLOADABLE);
			const socket = api.connect();
			socket.write(
				`PUT /v2/images/${id}/file HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n`,
			);
			const [answer] = (await once(socket, 'data')) as [Buffer];
			assert.match(answer.toString(), new RegExp(`^HTTP/1\\.1 ${status} `));
			socket.destroy();
		});
});
