/** The door itself: versions, methods, errors, request ids, health, administrators, who is let in. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { codeOf, ImageError } from '#domain/errors.ts';
import { createApp } from '#http/app.ts';
import { startHttpServer } from '#http/server.ts';
import { createTokenIdentity } from '#identity/token.ts';
import type { Log } from '#lib/log.ts';
import { silentLog } from '#lib/log.ts';
import { type ApiServer, startApi } from '../support/api-server.ts';
import { eventually } from '../support/eventually.ts';
import { testSite } from '../support/onion.ts';
import { temporaryDir } from '../support/temporary-dir.ts';

let api: ApiServer;
before(async () => {
	api = await startApi();
});
after(() => api[Symbol.asyncDispose]());

describe('versions', () => {
	it('/ is 300 and /versions 200, with the same document', async () => {
		const [root, versions] = [await api.ask('GET', '/'), await api.ask('GET', '/versions')];
		assert.deepEqual([root.status, versions.status], [300, 200]);
		assert.equal(root.text, versions.text);
		const items: { id: string; status: string; links: { href: string }[] }[] = root.json.versions;
		assert.deepEqual(
			items.map(({ id }) => id),
			'15 13 12 11 10 9 8 17 7 6 5 4 3 2 1 0'.split(' ').map((minor) => `v2.${minor}`),
		);
		assert.deepEqual(
			items.filter(({ status }) => status === 'CURRENT').map(({ id }) => id),
			['v2.17'],
		);
		for (const { links } of items) assert.equal(links[0]?.href, `${api.url}/v2/`);
	});
	it("the public endpoint takes the place of the request's host", async () => {
		await using other = await startApi({ api: { publicEndpoint: 'https://images.example' } });
		assert.equal((await other.ask('GET', '/')).json.versions[0].links[0].href, 'https://images.example/v2/');
		assert.match(
			String((await other.ask('POST', '/v2/images', { body: {} })).headers.location),
			/^https:\/\/images\.example\/v2\/images\//,
		);
	});
	it('a node with a cache lists its minors too, the newest first', async () => {
		await using caching = await startApi({ api: { caching: true } });
		const { json } = await caching.ask('GET', '/versions');
		const items: { id: string; status: string }[] = json.versions;
		assert.deepEqual(
			items.map(({ id, status }) => `${id} ${status}`),
			Array.from({ length: 19 }, (_, n) => `v2.${18 - n} ${n === 0 ? 'CURRENT' : 'SUPPORTED'}`),
		);
		assert.equal((await caching.ask('GET', '/v2.14/images')).status, 200);
	});
	it('every listed minor is the same API, others are choices by any method', async () => {
		for (const minor of ['v2', 'v2.0', 'v2.7', 'v2.8', 'v2.13', 'v2.17'])
			assert.equal((await api.ask('GET', `/${minor}/images`)).status, 200, minor);
		for (const path of ['/v2.14/images', '/v2.18/images', '/v2.01/images', '/V2/images', '/v3/images', '/v1', '/foo/bar', '/'])
			for (const method of ['GET', 'POST', 'PROPFIND'])
				assert.equal((await api.ask(method, path)).status, 300, `${method} ${path}`);
	});
	it('whatever lies under /versions is the list', async () => {
		for (const [method, path] of [
			['GET', '/versions/'],
			['GET', '/versions/x'],
			['DELETE', '/versions'],
		] as const)
			assert.equal((await api.ask(method, path)).status, 200, `${method} ${path}`);
	});
	const ACCEPTED: readonly (readonly [accept: string, status: number])[] = [
		['application/vnd.openstack.images-v2', 200],
		['application/vnd.openstack.images-v2.7', 200],
		['APPLICATION/vnd.openstack.images-v2', 200],
		['application/json, application/vnd.openstack.images-v2;q=0.5', 200],
		['application/vnd.openstack.images-v2.71', 300],
		['application/vnd.openstack.images-v3', 300],
		['application/json', 300],
	];
	for (const [accept, status] of ACCEPTED)
		it(`an unversioned path with Accept: ${accept} is ${status}`, async () => {
			assert.equal((await api.ask('GET', '/images', { headers: { accept } })).status, status);
			assert.equal((await api.ask('GET', '/v2/images', { headers: { accept } })).status, 200);
		});
	it('/v2 leads to /v2/, where nothing is', async () => {
		for (const [method, path] of [
			['GET', '/v2'],
			['GET', '/v2.7'],
			['POST', '/v2'],
		] as const) {
			const { status, headers } = await api.ask(method, path);
			assert.deepEqual([status, headers.location], [302, `${api.url}/v2/`]);
		}
		assert.equal((await api.ask('GET', '/v2/')).status, 404);
	});
});

describe('paths', () => {
	const raw = async (path: string, method = 'GET') => {
		const socket = api.connect();
		socket.end(`${method} ${path} HTTP/1.1\r\nHost: ${new URL(api.url).host}\r\nConnection: close\r\n\r\n`);
		return Number(/^HTTP\/1\.1 (\d+)/.exec(await text(socket))?.[1]);
	};
	const CASES: readonly (readonly [path: string, status: number])[] = [
		['/v2/%69mages', 200],
		['/%76%32/images', 200],
		['//v2/images', 200],
		['/v2//images', 200],
		['/v2%2fimages', 200],
		['http://elsewhere/v2/images', 200],
		['/v2/images/', 404],
		['/v2/images/x/', 404],
		['/v2/IMAGES', 404],
		['/v2/images/..', 404],
		['/v2/images/%2e%2e', 404],
		['/v2/images/../images', 404],
		['/v2/images/..%2fimages', 404],
		['/v2/images/a%2fb', 404],
		['/v2/images/a%252fb', 404],
		['/v2/images/%00', 404],
		['/v2/images/%', 404],
		['/v2/images/%zz', 404],
		['/v2/images/%ff', 404],
		['/v2/images/%c0%ae%c0%ae', 404],
		['/v2/images/%ed%a0%80', 404],
		['/v2/images/x;y=z', 404],
		['/v2/images/\\', 400],
		[`/v2/images/${'x'.repeat(8000)}`, 404],
		[`/v2/images/${'%2e'.repeat(4000)}`, 404],
		[`/v2/images?${'x'.repeat(20_000)}`, 431],
		['/v2/../admin/v1/node', 404],
		['/%2e%2e/v2/images', 300],
		['*', 400],
		['images', 400],
		['ftp://x/v2/images', 400],
	];
	for (const [path, status] of CASES) it(`${path.slice(0, 40)} is ${status}`, async () => assert.equal(await raw(path), status));
	it('a tag is decoded once, and a slash in it is no part of a tag', async () => {
		const id = await api.queued();
		for (const tag of ['%2541', 'a%20b', '100%25', '%E2%82%AC'])
			assert.equal((await api.ask('PUT', `/v2/images/${id}/tags/${tag}`)).status, 204);
		assert.deepEqual((await api.ask('GET', `/v2/images/${id}`)).json.tags.toSorted(), ['%41', '100%', 'a b', '€']);
		for (const [tag, status] of [
			['a%2Fb', 404],
			['%00', 400],
			['x'.repeat(256), 400],
		] as const)
			assert.equal((await api.ask('PUT', `/v2/images/${id}/tags/${tag}`)).status, status, tag);
	});
});

describe('methods', () => {
	const KNOWN: readonly (readonly [path: string, allow: string])[] = [
		['/v2/images', 'GET, POST'],
		['/v2/images/x', 'GET, PATCH, DELETE'],
		['/v2/images/x/file', 'GET, HEAD, PUT'],
		['/v2/images/x/tags/y', 'PUT, DELETE'],
		['/v2/images/x/actions/deactivate', 'POST'],
		['/v2/schemas/image', 'GET'],
	];
	for (const [path, allow] of KNOWN)
		it(`${path} allows ${allow}`, async () => {
			for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND'].filter(
				(each) => !allow.split(', ').includes(each),
			)) {
				const { status, headers } = await api.ask(method, path);
				assert.deepEqual([status, headers.allow], [405, allow], method);
			}
		});
	it('what is not there is 404 by any method of the API, 501 by others', async () => {
		for (const method of ['GET', 'POST', 'HEAD', 'PUT', 'PATCH', 'DELETE'])
			assert.equal((await api.ask(method, '/v2/nothing')).status, 404, method);
		for (const method of ['PROPFIND', 'TRACE', 'SEARCH'])
			assert.equal((await api.ask(method, '/v2/nothing')).status, 501, method);
	});
	it('an answer without body has the type Glance gives it', async () => {
		const { status, headers, bytes } = await api.ask('DELETE', `/v2/images/${await api.queued()}`);
		assert.deepEqual([status, headers['content-type'], bytes.length], [204, 'text/html; charset=UTF-8', 0]);
	});
});

describe('error bodies', () => {
	const missing = (accept?: string) => api.ask('GET', '/v2/images/x', accept === undefined ? {} : { headers: { accept } });
	it('are plain text without Accept', async () => {
		const { headers, text: body } = await missing();
		assert.equal(headers['content-type'], 'text/plain; charset=UTF-8');
		assert.equal(body, '404 Not Found\n\nno image found with id x\n\n   ');
	});
	it('are HTML for browsers and for everything', async () => {
		for (const accept of ['*/*', 'text/html', 'text/html,application/json', 'application/json;q=0.5, text/*']) {
			const { headers, text: body } = await missing(accept);
			assert.equal(headers['content-type'], 'text/html; charset=UTF-8', accept);
			assert.match(body, /<title>404 Not Found<\/title>[\s\S]*<h1>404 Not Found<\/h1>/);
		}
	});
	it('are JSON when that is liked best', async () => {
		for (const accept of ['application/json', 'application/json, */*;q=0.1', 'APPLICATION/*']) {
			const { headers, json } = await missing(accept);
			assert.equal(headers['content-type'], 'application/json', accept);
			assert.deepEqual(json, {
				message: 'no image found with id x<br /><br />\n\n\n',
				code: '404 Not Found',
				title: 'Not Found',
			});
		}
	});
	it('are plain text for anything else', async () => {
		assert.equal((await missing('image/png')).headers['content-type'], 'text/plain; charset=UTF-8');
	});
	it('escape what a client sent as Glance does, in HTML alone', async () => {
		const ask = (accept: string) => api.ask('GET', `/v2/images/${encodeURIComponent('<script>&"\'é')}`, { headers: { accept } });
		const text404 = (text: string) =>
			`<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n  ${text}<br /><br />\n\n\n\n </body>\n</html>`;
		const html = await ask('text/html');
		assert.equal(html.text, text404('no image found with id &lt;script&gt;&amp;&quot;&#x27;é'));
		assert.equal(html.headers['x-content-type-options'], 'nosniff');
		assert.equal((await ask('application/json')).json.message, 'no image found with id <script>&"\'é<br /><br />\n\n\n');
	});
	it('a fault of the program is 500 and tells nothing', async () => {
		const site = await testSite();
		const images = { ...site.images, show: () => Promise.reject(new Error('secret detail')) };
		await using broken = await startApi({ images });
		const { status, text: body } = await broken.ask('GET', '/v2/images/x');
		assert.equal(status, 500);
		assert.ok(!body.includes('secret'));
	});
	it('503 says when to come back', async () => {
		const site = await testSite();
		const images = { ...site.images, show: () => Promise.reject(new ImageError('unavailable', 'no holder')) };
		await using broken = await startApi({ images });
		const { status, headers } = await broken.ask('GET', '/v2/images/x');
		assert.deepEqual([status, headers['retry-after']], [503, '10']);
	});
});

describe('request ids', () => {
	const idFor = async (given?: string) =>
		(await api.ask('GET', '/v2/images', given === undefined ? {} : { headers: { 'x-openstack-request-id': given } })).headers[
			'x-openstack-request-id'
		];
	it('are given, and differ', async () => {
		const [one, two] = [await idFor(), await idFor()];
		assert.match(String(one), /^req-[0-9a-f-]{36}$/);
		assert.notEqual(one, two);
	});
	it('are taken from the client, with the prefix', async () => {
		assert.equal(await idFor('req-mine'), 'req-mine');
		assert.equal(await idFor('mine'), 'req-mine');
	});
	it('that are too long are 431, not printable 400', async () => {
		const ask = (id: string) => api.ask('GET', '/v2/images', { headers: { 'x-openstack-request-id': id } });
		assert.equal((await ask('x'.repeat(64))).status, 200);
		assert.equal((await ask('x'.repeat(65))).status, 431);
		assert.equal((await ask('a b')).status, 400);
	});
	it('may be as long as the operator likes', async () => {
		for (const [maxRequestIdLength, status] of [
			[10, 431],
			[100, 200],
			[0, 200],
		] as const) {
			await using other = await startApi({ api: { maxRequestIdLength } });
			const headers = { 'x-openstack-request-id': 'x'.repeat(65) };
			assert.equal((await other.ask('GET', '/v2/images', { headers })).status, status);
		}
	});
});

describe('health', () => {
	const FORMS: readonly (readonly [accept: string | undefined, type: string])[] = [
		[undefined, 'text/plain; charset=UTF-8'],
		['*/*', 'text/plain; charset=UTF-8'],
		['image/png', 'text/plain; charset=UTF-8'],
		['text/html', 'text/html; charset=UTF-8'],
		['application/json', 'application/json'],
		['text/html;q=0.5, application/json', 'application/json'],
	];
	for (const [accept, type] of FORMS)
		it(`/healthcheck for Accept: ${accept} is ${type}`, async () => {
			const { status, headers } = await api.ask('GET', '/healthcheck', accept === undefined ? {} : { headers: { accept } });
			assert.deepEqual([status, headers['content-type']], [200, type]);
		});
	it('/healthcheck says OK to any method, and nothing to HEAD', async () => {
		assert.equal((await api.ask('GET', '/healthcheck')).text, 'OK');
		assert.deepEqual((await api.ask('GET', '/healthcheck', { headers: { accept: 'application/json' } })).json, {
			detailed: false,
			reasons: ['OK'],
		});
		assert.equal((await api.ask('HEAD', '/healthcheck')).status, 204);
		assert.equal((await api.ask('POST', '/healthcheck')).status, 200);
		assert.equal((await api.ask('GET', '/livez')).status, 200);
	});
	it('a file takes the node out, while it is there', async () => {
		await using folder = await temporaryDir();
		const healthDisableFile = join(folder.path, 'out');
		await using other = await startApi({ api: { healthDisableFile } });
		assert.equal((await other.ask('GET', '/healthcheck')).status, 200);
		await writeFile(healthDisableFile, '');
		const out = await other.ask('GET', '/healthcheck');
		assert.deepEqual([out.status, out.text], [503, 'DISABLED BY FILE']);
		assert.equal((await other.ask('HEAD', '/healthcheck')).status, 503);
		assert.deepEqual((await other.ask('GET', '/healthcheck', { headers: { accept: 'application/json' } })).json.reasons, [
			'DISABLED BY FILE',
		]);
		await rm(healthDisableFile);
		assert.equal((await other.ask('GET', '/healthcheck')).status, 200);
	});
	it('/readyz names each capability, and is 503 when one fails', async () => {
		assert.deepEqual((await api.ask('GET', '/readyz')).json, { ready: true, capabilities: [{ name: 'catalogue', ready: true }] });
		const capabilities = [{ name: 'content', ready: false, detail: 'disk full' }];
		await using sick = await startApi({ health: { readiness: async () => capabilities } });
		const { status, json } = await sick.ask('GET', '/readyz');
		assert.deepEqual([status, json], [503, { ready: false, capabilities }]);
	});
});

describe('schemas', () => {
	it('are draft-4 documents with the shipped custom properties', async () => {
		const { json: image } = await api.ask('GET', '/v2/schemas/image');
		assert.equal(image.name, 'image');
		assert.deepEqual(image.additionalProperties, { type: 'string' });
		const custom = Object.entries<{ is_base?: boolean }>(image.properties).filter(([, property]) => property.is_base === false);
		assert.deepEqual(
			custom.map(([name]) => name),
			[
				...['kernel_id', 'ramdisk_id', 'instance_uuid', 'architecture', 'os_distro', 'os_version'],
				...['description', 'cinder_encryption_key_id', 'cinder_encryption_key_deletion_policy'],
			],
		);
		const { json: images } = await api.ask('GET', '/v2/schemas/images');
		assert.deepEqual(images.properties.images, { type: 'array', items: image });
	});
	it('cover every key an image is shown with', async () => {
		const { json: schema } = await api.ask('GET', '/v2/schemas/image');
		const { json: image } = await api.ask('GET', `/v2/images/${await api.active(Buffer.from('x'))}`);
		const unknown = Object.keys(image).filter((key) => !Object.hasOwn(schema.properties, key));
		// a name of its own, which glanceclient would make a second --stores option of
		assert.deepEqual(unknown, ['stores']);
	});
});

describe('administrators', () => {
	const invitations = '/admin/v1/fleet/invitations';
	it('get an invitation, facts and transfers', async () => {
		const { status, json, headers } = await api.ask('POST', invitations, {
			headers: { 'content-type': 'application/json' },
			body: { site: 'paris' },
		});
		assert.deepEqual([status, json, headers['cache-control']], [201, { token: 'token-for-paris' }, 'no-store']);
		assert.deepEqual((await api.ask('GET', '/admin/v1/node')).json, { site: 'centre' });
		assert.deepEqual((await api.ask('GET', '/admin/v1/transfers')).json, { transfers: [] });
	});
	it('must ask in JSON: a page of another origin cannot', async () => {
		for (const type of ['text/plain', 'application/x-www-form-urlencoded'])
			assert.equal(
				(await api.ask('POST', invitations, { headers: { 'content-type': type }, body: { site: 'paris' } })).status,
				415,
			);
		assert.equal(
			(await api.ask('POST', invitations, { headers: { 'content-type': 'application/json' }, body: { site: 3 } })).status,
			400,
		);
	});
	it('are the only ones', async () => {
		const identity = { challenge: 'x', identify: async () => ({ user: 'u', project: 'p', roles: ['member'] }) };
		await using other = await startApi({ identity });
		for (const path of ['/admin/v1/node', '/admin/v1/transfers']) assert.equal((await other.ask('GET', path)).status, 403);
		const options = { headers: { 'content-type': 'application/json' }, body: { site: 'x' } };
		assert.equal((await other.ask('POST', invitations, options)).status, 403);
	});
});

describe('who is let in', () => {
	it('pages of another origin may not change anything, nor reach this machine by another name', async () => {
		assert.equal((await api.ask('POST', '/v2/images', { headers: { origin: 'https://evil.example' }, body: {} })).status, 403);
		assert.equal((await api.ask('POST', '/v2/images', { headers: { origin: api.url }, body: {} })).status, 201);
		assert.equal((await api.ask('GET', '/v2/images', { headers: { host: 'evil.example' } })).status, 401);
	});
	it('by token: 401 with a challenge without it, open doors stay open', async () => {
		await using locked = await startApi({ identity: createTokenIdentity({ adminToken: 'secret' }) });
		for (const headers of [{}, { 'x-auth-token': 'wrong' }, { 'x-roles': 'admin', 'x-identity-status': 'Confirmed' }]) {
			const reply = await locked.ask('GET', '/v2/images', { headers });
			assert.equal(reply.status, 401);
			assert.equal(reply.headers['www-authenticate'], 'Token realm="sundog"');
		}
		for (const path of ['/admin/v1/node', '/v2/schemas/image', '/v2/nothing'])
			assert.equal((await locked.ask('GET', path)).status, 401, path);
		for (const path of ['/', '/versions', '/healthcheck', '/livez', '/readyz'])
			assert.ok((await locked.ask('GET', path)).status < 400, path);
		const { json } = await locked.ask('POST', '/v2/images', { headers: { 'x-auth-token': 'secret' }, body: {} });
		assert.equal(json.owner, 'admin');
	});
	it('the access log has a line a request and never a token', async () => {
		const lines: string[] = [];
		const log: Log = { ...silentLog, info: (fields, message) => void lines.push(JSON.stringify({ ...fields, message })) };
		await using logged = await startApi({ identity: createTokenIdentity({ adminToken: 'secret' }), log });
		await logged.ask('GET', '/v2/images?name=secret', {
			headers: { 'x-auth-token': 'secret', 'x-openstack-request-id': 'req-1' },
		});
		assert.equal(lines.length, 1);
		const { method, path, status, request, ms } = JSON.parse(lines[0] ?? '');
		assert.deepEqual([method, path, status, request, typeof ms], ['GET', '/v2/images', 200, 'req-1', 'number']);
		assert.ok(!lines.join().includes('secret'));
	});
});

describe('the server', () => {
	const start = async (port = 0) => {
		const parts = {
			health: { readiness: async () => [] },
			admin: { invite: async () => '', node: async () => ({}), transfers: async () => [] },
			adopter: { adopt: async () => {} },
			deleted: { async *list() {}, restore: async () => {} },
		};
		const app = createApp({
			...(await testSite()),
			identity: createTokenIdentity({ adminToken: 'x' }),
			usage: { report: async () => undefined },
			isAdmin: () => false,
			log: silentLog,
			...parts,
		});
		return startHttpServer({ app, host: '127.0.0.1', port, log: silentLog });
	};
	it('says clearly that an address is in use', async () => {
		const other = createServer();
		await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
		const { port } = other.address() as { port: number };
		await assert.rejects(
			start(port),
			(error: Error) => codeOf(error) === 'conflict' && error.message === `address 127.0.0.1:${port} is in use`,
		);
		other.close();
	});
	it('closes idle connections at once and waits for running requests', async () => {
		const entered = Promise.withResolvers<void>();
		const release = Promise.withResolvers<void>();
		const readiness = async () => {
			entered.resolve();
			await release.promise;
			return [];
		};
		const slow = await startApi({ health: { readiness } });
		const idle = slow.connect().unref();
		await new Promise((resolve) => idle.once('connect', resolve));
		const running = slow.ask('GET', '/readyz');
		await entered.promise;
		let closed = false;
		const closing = slow.server.close(60_000).then(() => {
			closed = true;
		});
		await assert.rejects(slow.ask('GET', '/livez'), { code: 'ECONNREFUSED' });
		assert.equal(closed, false);
		release.resolve();
		assert.equal((await running).status, 200);
		await closing;
	});
	it('cuts what runs longer than the grace', async () => {
		const entered = Promise.withResolvers<void>();
		const readiness = () => {
			entered.resolve();
			return new Promise<never>(() => {});
		};
		const slow = await startApi({ health: { readiness } });
		const running = slow.ask('GET', '/readyz');
		await entered.promise;
		await Promise.all([slow.server.close(10), assert.rejects(running)]);
	});
	it('answers 400 to what is no request', async () => {
		for (const raw of [
			'NONSENSE\r\n\r\n',
			'GET /v2/images HTTP/1.1\r\nHost: a b\r\n\r\n',
			'GET \\x HTTP/1.1\r\nHost: x\r\n\r\n',
		]) {
			const socket = api.connect();
			socket.end(raw);
			assert.match(await text(socket), /^HTTP\/1\.1 4\d\d /, raw);
		}
	});
	it('lets the oldest of silent connections go when one address has too many', async () => {
		await using crowded = await startApi({ http: { maxNewcomers: 3 } });
		const ended: number[] = [];
		const sockets: Socket[] = [];
		for (let n = 0; n < 5; n += 1) {
			const socket = crowded.connect();
			sockets.push(socket.resume().on('close', () => void ended.push(n)));
			socket.write('GET /livez HTTP/1.1\r\nX: ');
			await once(socket, 'connect');
		}
		await eventually('two to be ended', () => (ended.length === 2 ? true : undefined));
		assert.deepEqual(ended, [0, 1]);
		// whoever speaks makes room, and needs none
		assert.equal((await crowded.ask('GET', '/livez')).status, 200);
		sockets[4]?.write(`y\r\nHost: ${new URL(crowded.url).host}\r\n\r\n`);
		assert.match(String(await once(sockets[4] ?? assert.fail(), 'data')), /^HTTP\/1\.1 200/);
		for (const socket of sockets) socket.destroy();
	});
	it('refuses more than 128 headers, which the parser would leave out', async () => {
		const headers = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`x-${n}`, '']));
		assert.equal((await api.ask('GET', '/livez', { headers: headers(120) })).status, 200);
		assert.equal((await api.ask('GET', '/livez', { headers: headers(129) })).status, 431);
	});
	it('refuses headers beyond 16 KiB', async () => {
		const request = httpRequest(`${api.url}/livez`, { headers: { 'x-long': 'x'.repeat(20_000) } });
		const status = new Promise((resolve, reject) => request.once('response', (r) => resolve(r.statusCode)).once('error', reject));
		request.end();
		assert.equal(await status, 431);
	});
});
