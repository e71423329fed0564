/** Where a request comes from: pages of other origins, and proxies that pass it on. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { DEFAULT_CORS } from '#http/middleware/cors.ts';
import { createTokenIdentity } from '#identity/token.ts';
import { type ApiServer, startApi } from '../support/api-server.ts';

const PAGE = 'https://dashboard.example';
const OTHER = 'https://admin.example:8443';
const EVIL = 'https://evil.example';

describe('pages of named origins', () => {
	let api: ApiServer;
	before(async () => {
		api = await startApi({ api: { cors: { ...DEFAULT_CORS, origins: [PAGE, OTHER] } } });
	});
	after(() => api[Symbol.asyncDispose]());

	const preflight = (headers: Readonly<Record<string, string>>) =>
		api.ask('OPTIONS', '/v2/images', { headers: { 'access-control-request-method': 'POST', ...headers } });

	it('are told what they may do', async () => {
		for (const origin of [PAGE, OTHER]) {
			const { status, headers, bytes } = await preflight({
				origin,
				'access-control-request-headers': 'x-auth-token, Content-Type',
			});
			assert.deepEqual([status, bytes.length], [200, 0]);
			assert.deepEqual(
				Object.entries(headers).filter(([name]) => name.startsWith('access-control') || name === 'vary'),
				Object.entries({
					vary: 'Origin',
					'access-control-allow-origin': origin,
					'access-control-allow-credentials': 'true',
					'access-control-max-age': '3600',
					'access-control-allow-methods': 'POST',
					'access-control-allow-headers': 'x-auth-token,Content-Type',
				}),
			);
		}
	});
	const REFUSED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
		'another origin': { origin: EVIL },
		'the origin in capitals': { origin: PAGE.toUpperCase() },
		'a longer origin': { origin: `${PAGE}.evil.example` },
		'no origin': {},
		'a method that is not allowed': { origin: PAGE, 'access-control-request-method': 'TRACE' },
		'a header that is not allowed': { origin: PAGE, 'access-control-request-headers': 'x-evil' },
	};
	for (const [what, headers] of Object.entries(REFUSED))
		it(`${what}: 200, and nothing allowed`, async () => {
			const reply = await preflight(headers);
			assert.equal(reply.status, 200);
			assert.deepEqual(
				Object.keys(reply.headers).filter((name) => name.startsWith('access-control')),
				[],
			);
		});
	it('may read every answer: JSON, errors, image data', async () => {
		const id = await api.active(Buffer.from('data'));
		for (const path of ['/v2/images', '/v2/images/x', `/v2/images/${id}/file`, '/versions']) {
			const { headers } = await api.ask('GET', path, { headers: { origin: PAGE } });
			assert.deepEqual(
				[headers['access-control-allow-origin'], headers['access-control-allow-credentials'], headers.vary],
				[PAGE, 'true', 'Origin'],
				path,
			);
			assert.match(String(headers['access-control-expose-headers']), /X-OpenStack-Request-ID/);
			const others = await api.ask('GET', path, { headers: { origin: EVIL } });
			assert.equal(others.headers['access-control-allow-origin'], undefined, path);
		}
	});
	it('may write, others not', async () => {
		const post = async (origin: string) => (await api.ask('POST', '/v2/images', { headers: { origin }, body: {} })).status;
		assert.deepEqual([await post(PAGE), await post(OTHER), await post(EVIL), await post('null')], [201, 201, 403, 403]);
	});
});

describe('where every origin is allowed', () => {
	it('a page may read, and write with a token that it must bring itself', async () => {
		await using api = await startApi({
			api: { cors: { ...DEFAULT_CORS, origins: ['*'], credentials: false, exposeHeaders: [], maxAgeSeconds: 0 } },
			identity: createTokenIdentity({ adminToken: 'secret' }),
		});
		const post = (headers: Readonly<Record<string, string>>) =>
			api.ask('POST', '/v2/images', { headers: { origin: EVIL, ...headers }, body: {} });
		assert.equal((await post({})).status, 403);
		const written = await post({ 'x-auth-token': 'secret' });
		assert.deepEqual([written.status, written.headers['access-control-allow-origin']], [201, '*']);
		assert.equal(written.headers['access-control-allow-credentials'], undefined);
		assert.equal(written.headers['access-control-expose-headers'], undefined);
		const { headers } = await api.ask('OPTIONS', '/', { headers: { origin: EVIL, 'access-control-request-method': 'GET' } });
		assert.deepEqual([headers['access-control-allow-origin'], headers['access-control-max-age']], ['*', undefined]);
	});
});

it('OPTIONS is 200 and empty without any origin being named, whatever the path and whoever asks', async () => {
	await using api = await startApi({ identity: createTokenIdentity({ adminToken: 'secret' }) });
	for (const path of ['/v2/images', '/v2/nothing', '/foo', '/']) {
		const { status, bytes, headers } = await api.ask('OPTIONS', path, { headers: { origin: PAGE } });
		assert.deepEqual([status, bytes.length, headers['access-control-allow-origin']], [200, 0, undefined], path);
	}
});

describe('a proxy', () => {
	const hrefOf = async (api: ApiServer, headers: Readonly<Record<string, string>>) =>
		(await api.ask('GET', '/versions', { headers })).json.versions[0].links[0].href;
	let behind: ApiServer;
	before(async () => {
		behind = await startApi({ api: { proxyHeaders: true } });
	});
	after(() => behind[Symbol.asyncDispose]());

	const older = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'images.example' };
	const CASES: readonly (readonly [headers: Readonly<Record<string, string>>, href: string])[] = [
		[older, 'https://images.example/v2/'],
		[{ ...older, 'x-forwarded-port': '8443' }, 'https://images.example:8443/v2/'],
		[{ ...older, 'x-forwarded-port': '443' }, 'https://images.example/v2/'],
		[{ ...older, 'x-forwarded-host': 'images.example:9000', 'x-forwarded-port': '8443' }, 'https://images.example:9000/v2/'],
		[{ ...older, 'x-forwarded-host': 'images.example, inner.example' }, 'https://images.example/v2/'],
		[{ ...older, 'x-forwarded-prefix': '/image/' }, 'https://images.example/image/v2/'],
		[{ forwarded: 'for=192.0.2.1;proto=https;host="images.example:8443", for=10.0.0.1' }, 'https://images.example:8443/v2/'],
		[{ forwarded: 'host=images.example;proto=https', ...older, 'x-forwarded-host': 'no.example' }, 'https://images.example/v2/'],
		[{ ...older, 'x-forwarded-host': '[2001:db8::1]:80' }, 'https://[2001:db8::1]:80/v2/'],
	];
	for (const [headers, href] of CASES)
		it(`is believed: ${JSON.stringify(headers)}`, async () => assert.equal(await hrefOf(behind, headers), href));

	it('names the place of what was made, and the origin of pages of the same host', async () => {
		const headers = { ...older, origin: 'https://images.example' };
		const { status, headers: answer } = await behind.ask('POST', '/v2/images', { headers, body: {} });
		assert.equal(status, 201);
		assert.match(String(answer.location), /^https:\/\/images\.example\/v2\/images\//);
		assert.equal((await behind.ask('GET', '/v2', { headers: older })).headers.location, 'https://images.example/v2/');
	});
	it('that writes nonsense is not believed', async () => {
		for (const headers of [
			{ 'x-forwarded-proto': 'javascript' },
			{ 'x-forwarded-host': 'evil.example/x' },
			{ 'x-forwarded-host': 'a@evil.example' },
			{ 'x-forwarded-prefix': '//evil.example' },
			{ 'x-forwarded-prefix': '/a"onclick' },
			{ 'x-forwarded-port': '99999999' },
			{ forwarded: 'host="evil.example' },
		])
			assert.equal(await hrefOf(behind, headers), `${behind.url}/v2/`, JSON.stringify(headers));
	});
	it('is not believed where there is none, nor where the name is given', async () => {
		await using direct = await startApi();
		assert.equal(await hrefOf(direct, { ...older, forwarded: 'host=evil.example' }), `${direct.url}/v2/`);
		await using named = await startApi({ api: { proxyHeaders: true, publicEndpoint: 'https://named.example/image/' } });
		assert.equal(await hrefOf(named, older), 'https://named.example/image/v2/');
	});
});
