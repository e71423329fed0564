/** Who is let in, over the wire: every way of saying who one is, and every way of lying about it. */
import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { Hono } from 'hono';
import type { RequestContext } from '#domain/context.ts';
import { ImageError } from '#domain/errors.ts';
import type { AppEnv } from '#http/env.ts';
import { identify } from '#http/middleware/identity.ts';
import { startHttpServer } from '#http/server.ts';
import { createKeystoneIdentity } from '#identity/keystone.ts';
import { createNoneIdentity } from '#identity/none.ts';
import type { Identity } from '#identity/ports.ts';
import { createProxyIdentity } from '#identity/proxy.ts';
import { createTokenIdentity } from '#identity/token.ts';
import { createKeystone } from '#keystone/keystone.ts';
import { silentLog } from '#lib/log.ts';
import { type ApiServer, startApi } from '../support/api-server.ts';
import { FORGERIES } from '../support/forged-headers.ts';
import { keptLog } from '../support/kept-log.ts';
import { type KeystoneDouble, PASSWORD, startKeystoneDouble, tokenBody } from '../support/keystone-double.ts';
import { testSite } from '../support/onion.ts';

const TOKEN = 'canary-user-token';

interface Door {
	readonly api: ApiServer;
	/** contexts in which lists were asked for */
	readonly seen: RequestContext[];
	/** Sends these header lines as they are; the status. */
	raw(lines: readonly string[], method?: string): Promise<string>;
}

async function withDoor(identity: Identity, use: (door: Door) => Promise<void>, log = silentLog): Promise<void> {
	const site = await testSite();
	const seen: RequestContext[] = [];
	const images = {
		...site.images,
		list: (ctx: RequestContext, query: Parameters<typeof site.images.list>[1]) => {
			seen.push(ctx);
			return site.images.list(ctx, query);
		},
	};
	await using api = await startApi({ site: { ...site, images }, identity, log });
	const raw: Door['raw'] = async (lines, method = 'GET') => {
		const socket = api.connect();
		socket.write(
			`${[`${method} /v2/images HTTP/1.1`, 'Host: 127.0.0.1', 'Connection: close', 'Content-Length: 0', ...lines].join('\r\n')}\r\n\r\n`,
		);
		return (await text(socket)).split('\r\n', 1)[0] ?? '';
	};
	await use({ api, seen, raw });
}

async function withKeystone(
	use: (identity: Identity, keystone: KeystoneDouble) => Promise<void>,
	{ anonymousRead = false, log = silentLog } = {},
): Promise<void> {
	await using double = await startKeystoneDouble();
	double.tokens.set(TOKEN, tokenBody());
	using keystone = createKeystone({
		url: double.url,
		credential: { kind: 'application-credential', id: 'node', secret: PASSWORD },
		timeoutMs: 5000,
		insecure: false,
		clock: Date.now,
		log,
	});
	const identity = createKeystoneIdentity({
		keystone,
		publicUrl: 'https://keystone.example',
		tokenCacheMs: 300_000,
		serviceTokenRoles: ['service'],
		serviceTokenRolesRequired: true,
		serviceType: 'image',
		anonymousRead,
		clock: Date.now,
		log,
	});
	await use(identity, double);
}

async function changesNothing(identity: Identity, honest: readonly string[]): Promise<void> {
	await withDoor(identity, async ({ raw, seen }) => {
		assert.equal(await raw(honest), 'HTTP/1.1 200 OK');
		const [first] = seen.splice(0);
		for (const forgery of FORGERIES) {
			assert.equal(await raw([...forgery, ...honest]), 'HTTP/1.1 200 OK', forgery.join());
			assert.equal(await raw([...honest, ...forgery]), 'HTTP/1.1 200 OK', forgery.join());
			for (const ctx of seen.splice(0)) assert.deepEqual(whoIn(ctx), first && whoIn(first), forgery.join());
		}
	});
}

/** A credential is a function: it is the same when it gives the same token. */
function whoIn({ requestId: _, signal: __, credential, ...who }: RequestContext): object {
	return { ...who, credential: credential?.token() };
}

describe('forged identity headers', () => {
	it('change nothing where nobody is asked who they are', () => changesNothing(createNoneIdentity(), []));
	it('change nothing beside a shared token', () =>
		changesNothing(createTokenIdentity({ adminToken: 'secret' }), ['X-Auth-Token: secret']));
	it('change nothing beside a token of keystone', () =>
		withKeystone((identity) => changesNothing(identity, [`X-Auth-Token: ${TOKEN}`])));
	it('let nobody in instead of a token, and change nothing for nobody', async () => {
		for (const anonymousRead of [false, true])
			await withKeystone(
				(identity) =>
					withDoor(identity, async ({ raw }) => {
						for (const forgery of FORGERIES) {
							assert.match(await raw(forgery), anonymousRead ? / 403 / : / 401 /, forgery.join());
							assert.match(await raw(forgery, 'POST'), anonymousRead ? / 403 / : / 401 /, forgery.join());
						}
					}),
				{ anonymousRead },
			);
	});
	it('are 401 from whoever is not the proxy', () =>
		withDoor(createProxyIdentity({ trusted: ['192.0.2.1'], anonymousRead: true }), async ({ raw }) => {
			for (const forgery of FORGERIES) assert.match(await raw(forgery), / 401 /, forgery.join());
		}));
	it('through the proxy itself are what it says, unless it says it twice', () =>
		withDoor(createProxyIdentity({ trusted: ['127.0.0.0/8'], anonymousRead: false }), async ({ raw, seen }) => {
			const said = ['X-Identity-Status: Confirmed', 'X-User-Id: u', 'X-Project-Id: p', 'X-Roles: reader'];
			assert.match(await raw(said), / 200 /);
			assert.match(await raw(['X_Roles: admin', 'X_Project_Id: victim', ...said]), / 200 /);
			for (const ctx of seen) assert.deepEqual([ctx.project, ctx.roles, ctx.admin], ['p', ['reader'], false]);
			assert.match(await raw([...said, 'X-Roles: admin']), / 401 /);
			assert.match(await raw([...said, 'x-project-id: victim']), / 401 /);
		}));

	it('are gone for whatever comes behind', async () => {
		const app = new Hono<AppEnv>();
		app.use(identify(createNoneIdentity(), () => false));
		app.all('*', (c) => c.json({ web: c.req.header(), node: c.env.incoming.headers }));
		const server = await startHttpServer({ app, host: '127.0.0.1', port: 0, log: silentLog });
		try {
			for (const forgery of FORGERIES) {
				const claims = forgery.filter((line) => /^[a-z-]+:/i.test(line) && !/forwarded|real-ip/i.test(line));
				const headers = new Headers();
				for (const line of claims) headers.append(line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1));
				headers.set('x-image-meta-name', 'kept');
				const got = (await (await fetch(server.url, { headers })).json()) as Record<'web' | 'node', Record<string, string>>;
				for (const seen of [got.web, got.node]) {
					assert.deepEqual(
						[...headers.keys()].filter((name) => name in seen),
						['x-image-meta-name'],
						forgery.join(),
					);
				}
			}
		} finally {
			await server.close(0);
		}
	});
});

describe('a refusal', () => {
	it('says where a token is to be had, also when it comes from behind', () =>
		withKeystone(async (identity) => {
			const site = await testSite();
			const refuse = async () => {
				throw new ImageError('unauthenticated', 'from behind');
			};
			await using api = await startApi({ site: { ...site, images: { ...site.images, list: refuse } }, identity });
			for (const headers of [{}, { 'x-auth-token': 'unknown' }, { 'x-auth-token': TOKEN }]) {
				const reply = await api.ask('GET', '/v2/images', { headers });
				assert.equal(reply.status, 401);
				assert.equal(reply.headers['www-authenticate'], 'Keystone uri="https://keystone.example"');
			}
		}));

	it('is 503 with a time to come back when keystone does not answer', () =>
		withKeystone((identity, keystone) =>
			withDoor(identity, async ({ api }) => {
				keystone.interrupt((request) => Boolean(request.socket.destroy()));
				const reply = await api.ask('GET', '/v2/images', { headers: { 'x-auth-token': TOKEN, accept: 'application/json' } });
				assert.equal(reply.status, 503);
				assert.equal(reply.headers['retry-after'], '10');
				assert.equal(reply.json.code, '503 Service Unavailable');
				assert.equal(reply.headers['www-authenticate'], undefined);
			}),
		));

	it('is 403 when nobody wants to change something', () =>
		withKeystone(
			(identity) =>
				withDoor(identity, async ({ api }) => {
					for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
						const reply = await api.ask(method, '/v2/images/7f7c5f1a-0000-4000-8000-000000000000');
						assert.equal(reply.status, 403, method);
						assert.match(reply.text, /read-only access/);
					}
				}),
			{ anonymousRead: true },
		));

	it('never repeats a token, and no log line does', async () => {
		const log = keptLog();
		const replies: string[] = [];
		await withKeystone(
			(identity, keystone) =>
				withDoor(
					identity,
					async ({ api }) => {
						const ask = async (headers: Readonly<Record<string, string>>) => {
							const { status, headers: got, text: body } = await api.ask('GET', '/v2/images', { headers });
							replies.push(`${status} ${JSON.stringify(got)} ${body}`);
						};
						await ask({ 'x-auth-token': TOKEN });
						await ask({ 'x-auth-token': 'canary-unknown' });
						await ask({ 'x-auth-token': 'canary with blanks' });
						await ask({ 'x-auth-token': TOKEN, 'x-service-token': 'canary-service' });
						for (const status of [403, 404, 500, 200, 401]) {
							keystone.interrupt((_, response) => Boolean(response.writeHead(status).end(`{"canary": "${PASSWORD}`)));
							await ask({ 'x-auth-token': `canary-${status}` });
						}
						keystone.interrupt((request) => Boolean(request.socket.destroy()));
						await ask({ 'x-auth-token': 'canary-away' });
					},
					log,
				),
			{ log },
		);
		assert.deepEqual(
			replies.map((reply) => reply.slice(0, 3)),
			['200', '401', '401', '200', '503', '401', '503', '503', '503', '503'],
		);
		assert.ok(log.lines.length > 10);
		for (const line of [...replies, ...log.lines]) assert.doesNotMatch(line, /canary|own-token-/);
	});
});
