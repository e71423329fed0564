/** Users of a real Keystone at the clients' door: who they are, what their credentials allow, and when that ends. */
import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { after, before, describe, it } from 'node:test';
import type { RequestContext } from '#domain/context.ts';
import { createKeystoneIdentity, type KeystoneIdentityOptions } from '#identity/keystone.ts';
import { createKeystone, type KeystoneOptions } from '#keystone/keystone.ts';
import { silentLog } from '#lib/log.ts';
import { createRulePolicy } from '#policy/rule-policy.ts';
import { type ApiServer, OCTETS, type Reply, startApi } from '../support/api-server.ts';
import { eventually } from '../support/eventually.ts';
import { keptLog } from '../support/kept-log.ts';
import { testSite } from '../support/onion.ts';
import { type RealKeystone, type RealUser, realKeystone } from '../support/real-keystone.ts';

const found = await realKeystone();
const skip = typeof found === 'string' ? found : false;
const keystone = found as RealKeystone;

interface Door extends AsyncDisposable {
	readonly api: ApiServer;
	/** contexts in which lists were asked for */
	readonly seen: RequestContext[];
	as(
		token: string,
		method: string,
		path: string,
		options?: { readonly body?: unknown; readonly service?: string },
	): Promise<Reply>;
}

interface DoorOptions {
	readonly credential?: KeystoneOptions['credential'];
	readonly identity?: Partial<KeystoneIdentityOptions>;
	readonly log?: KeystoneOptions['log'];
	readonly of?: RealKeystone;
}

async function openDoor({ credential, identity = {}, log = silentLog, of = keystone }: DoorOptions = {}): Promise<Door> {
	await using stack = new AsyncDisposableStack();
	const own = credential ?? passwordOf(await of.user('service'));
	const client = stack.use(
		createKeystone({ url: of.url, credential: own, timeoutMs: 20_000, insecure: false, clock: Date.now, log }),
	);
	const policy = createRulePolicy({ log });
	const site = await testSite({ policy });
	const seen: RequestContext[] = [];
	const list: typeof site.images.list = (ctx, query) => {
		seen.push(ctx);
		return site.images.list(ctx, query);
	};
	const api = stack.use(
		await startApi({
			site: { ...site, images: { ...site.images, list } },
			isAdmin: (ctx) => policy.allows(ctx, 'context_is_admin', {}),
			identity: createKeystoneIdentity({
				keystone: client,
				publicUrl: of.url,
				tokenCacheMs: 300_000,
				serviceTokenRoles: ['service'],
				serviceTokenRolesRequired: true,
				serviceType: 'image',
				anonymousRead: false,
				clock: Date.now,
				log,
				...identity,
			}),
			log,
		}),
	);
	const parts = stack.move();
	return {
		api,
		seen,
		as: (token, method, path, { body, service } = {}) =>
			api.ask(method, path, {
				headers: { 'x-auth-token': token, ...(service !== undefined && { 'x-service-token': service }) },
				...(body !== undefined && { body }),
			}),
		[Symbol.asyncDispose]: () => parts.disposeAsync(),
	};
}

function passwordOf({ name, password, project }: RealUser): KeystoneOptions['credential'] {
	const domain = { id: 'default' };
	return { kind: 'password', username: { name }, password, userDomain: domain, project: { id: project }, projectDomain: domain };
}

const LIST = '/v2/images';
const NEW = { disk_format: 'raw', container_format: 'bare' };

describe('users of a real keystone', { skip }, () => {
	let door: Door;
	before(async () => {
		door = await openDoor();
	});
	after(async () => {
		await door?.[Symbol.asyncDispose]();
		await keystone[Symbol.asyncDispose]();
	});
	const status = async (token: string, method = 'GET', path = LIST, options = {}) =>
		(await door.as(token, method, path, options)).status;

	it('are who keystone says they are', async () => {
		const user = await keystone.user('member', 'reader');
		assert.equal(await status(await user.token()), 200);
		const { user: id, project, roles, admin, token } = door.seen.at(-1) ?? assert.fail();
		assert.deepEqual([id, project, admin], [user.id, user.project, false]);
		assert.deepEqual([...roles].sort(), ['member', 'reader']);
		assert.deepEqual(token, {
			userDomain: 'default',
			projectDomain: 'default',
			domain: null,
			systemScope: null,
			adminProject: true,
			service: null,
		});
	});

	it('may do what their roles say', async () => {
		const [reader, member, admin] = await Promise.all([keystone.user('reader'), keystone.user('member'), keystone.user('admin')]);
		assert.equal(await status(await reader.token(), 'POST', LIST, { body: NEW }), 403);
		const created = await door.as(await member.token(), 'POST', LIST, { body: NEW });
		assert.deepEqual([created.status, created.json.owner], [201, member.project]);
		const image = `${LIST}/${created.json.id}`;
		assert.equal(await status(await reader.token(), 'GET', image), 404);
		assert.equal(await status(await admin.token(), 'GET', image), 200);
		assert.equal(await status(await member.token(), 'DELETE', image), 204);
	});

	it('who speak for the system, a domain or nothing are taken as such', async () => {
		const user = await keystone.user('member');
		const [role] = (await keystone.admin('GET', '/roles?name=reader')).json.roles;
		await keystone.admin('PUT', `/system/users/${user.id}/roles/${role.id}`);
		await keystone.admin('PUT', `/domains/default/users/${user.id}/roles/${role.id}`);
		const contextOf = async (scope: object) => {
			const before = door.seen.length;
			const answer = await status(await user.token(scope));
			return { answer, ctx: door.seen.slice(before).at(-1) };
		};
		for (const [scope, expected] of [
			[{ system: { all: true } }, { systemScope: 'all', domain: null }],
			[{ domain: { id: 'default' } }, { systemScope: null, domain: 'default' }],
		] as const) {
			const { answer, ctx } = await contextOf(scope);
			assert.equal(answer, 403);
			assert.equal(ctx?.project, null);
			assert.deepEqual({ systemScope: ctx?.token?.systemScope, domain: ctx?.token?.domain }, expected);
		}
		const unscoped = await keystone.token({
			methods: ['password'],
			password: { user: { id: user.id, password: user.password } },
		});
		assert.equal(await status(unscoped), 403);
	});

	it('are told where to log in when their token is none', async () => {
		const reply = await door.as('gAAAAABnonsense', 'GET', LIST);
		assert.equal(reply.status, 401);
		assert.equal(reply.headers['www-authenticate'], `Keystone uri="${keystone.url}"`);
	});

	it('are out within the bound when their token is revoked', async () => {
		// the clock of the door alone runs ahead: keystone's list of revocations is what tells
		let ahead = 0;
		await using quick = await openDoor({ identity: { clock: () => Date.now() + ahead, revocationMs: 60_000 } });
		const user = await keystone.user('member', 'reader');
		const [first, second] = [await user.token(), await user.token()];
		for (let use = 0; use < 2; use++)
			for (const token of [first, second]) assert.equal((await quick.as(token, 'GET', LIST)).status, 200);
		const revoked = await fetch(`${keystone.url}/auth/tokens`, {
			method: 'DELETE',
			headers: { 'x-auth-token': first, 'x-subject-token': first },
		});
		assert.equal(revoked.status, 204);
		ahead = 60_000;
		assert.equal((await quick.as(first, 'GET', LIST)).status, 401);
		assert.equal((await quick.as(second, 'GET', LIST)).status, 200);
	});

	it('are out when they are disabled', async () => {
		let ahead = 0;
		await using quick = await openDoor({ identity: { clock: () => Date.now() + ahead, revocationMs: 60_000 } });
		const user = await keystone.user('member', 'reader');
		const token = await user.token();
		for (let use = 0; use < 2; use++) assert.equal((await quick.as(token, 'GET', LIST)).status, 200);
		await keystone.admin('PATCH', `/users/${user.id}`, { user: { enabled: false } });
		ahead = 60_000;
		assert.equal((await quick.as(token, 'GET', LIST)).status, 401);
	});

	it('reach with an application credential what its access rules name, and nothing else', async () => {
		const user = await keystone.user('member', 'reader');
		const rules = [
			{ service: 'image', method: 'GET', path: '/v2/images' },
			{ service: 'image', method: 'DELETE', path: '/v2/images/{image_id}/tags/*' },
			{ service: 'compute', method: 'POST', path: '/v2/images' },
		];
		const restricted = await (await user.applicationCredential({ access_rules: rules })).token();
		assert.equal(await status(restricted), 200);
		assert.equal(await status(restricted, 'GET', '/v2.7/images'), 200);
		assert.equal(await status(restricted, 'POST', LIST, { body: NEW }), 401);
		assert.equal(await status(restricted, 'GET', '/v2/schemas/image'), 401);
		const id = '7f7c5f1a-0000-4000-8000-000000000000';
		assert.equal(await status(restricted, 'DELETE', `${LIST}/${id}/tags/t`), 404);
		assert.equal(await status(restricted, 'DELETE', `${LIST}/${id}`), 401);
		// a service that acts for them comes by another way; junk in its place opens nothing
		const service = await (await keystone.user('service')).token();
		assert.equal(await status(restricted, 'GET', '/v2/schemas/image', { service }), 200);
		assert.equal(await status(restricted, 'GET', '/v2/schemas/image', { service: 'junk' }), 401);
		const whole = await (await user.applicationCredential()).token();
		assert.equal(await status(whole, 'POST', LIST, { body: NEW }), 201);
	});

	it('whose token has ended are served while a service acts for them, and not otherwise', async () => {
		const user = await keystone.user('member', 'reader');
		const token = await endingToken(user);
		const service = await (await keystone.user('service')).token();
		const stranger = await (await keystone.user('member')).token();
		await eventually('the token to end', async () => ((await status(token)) === 401 ? true : undefined));
		assert.equal(await status(token, 'GET', LIST, { service }), 200);
		assert.equal(door.seen.at(-1)?.user, user.id);
		assert.deepEqual(door.seen.at(-1)?.token?.service?.roles, ['service']);
		assert.equal(await status(token, 'GET', LIST, { service: stranger }), 401);
		assert.equal(await status(token, 'GET', LIST, { service: token }), 401);
		assert.equal(await status(token), 401);
	});

	it('lose no upload that began before their token ended', async () => {
		const user = await keystone.user('member', 'reader');
		const created = await door.as(await user.token(), 'POST', LIST, { body: NEW });
		const token = await endingToken(user);
		const upload = startUpload(door, token, created.json.id);
		upload.write(Buffer.alloc(70_000, 1));
		await eventually('the upload to have begun', async () => {
			const { json } = await door.as(await user.token(), 'GET', `${LIST}/${created.json.id}`);
			return json.status === 'saving' ? true : undefined;
		});
		await eventually('the token to end', async () => ((await status(token)) === 401 ? true : undefined));
		upload.write(Buffer.alloc(70_000, 2));
		assert.equal(await upload.end(), 204);
		const { json } = await door.as(await user.token(), 'GET', `${LIST}/${created.json.id}`);
		assert.deepEqual([json.status, json.size], ['active', 140_000]);
	});

	it('are asked about by application credential too, until its owner is disabled', async () => {
		const node = await keystone.user('service', 'reader');
		const { id, secret } = await node.applicationCredential();
		const log = keptLog();
		await using other = await openDoor({
			credential: { kind: 'application-credential', id, secret },
			identity: { tokenCacheMs: 0 },
			log,
		});
		const user = await keystone.user('reader');
		const token = await user.token();
		assert.equal((await other.as(token, 'GET', LIST)).status, 200);
		await keystone.admin('PATCH', `/users/${node.id}`, { user: { enabled: false } });
		assert.equal((await other.as(token, 'GET', LIST)).status, 503);
		for (const secretText of [secret, token]) assert.ok(!log.lines.some((line) => line.includes(secretText)));
		assert.ok(log.lines.length > 0);
	});

	it('are 503 while the node itself is refused', async () => {
		const credential = { ...passwordOf(await keystone.user('service')), password: 'wrong' } as KeystoneOptions['credential'];
		await using other = await openDoor({ credential });
		const reply = await other.as(await (await keystone.user('reader')).token(), 'GET', LIST);
		assert.equal(reply.status, 503);
	});

	it('are 503 where the node may not ask about them', async () => {
		await using other = await openDoor({ credential: passwordOf(await keystone.user('member')) });
		assert.equal((await other.as(await (await keystone.user('reader')).token(), 'GET', LIST)).status, 503);
	});

	it('are served by a node whose own token was revoked', async () => {
		const node = await keystone.user('service');
		await using other = await openDoor({ credential: passwordOf(node), identity: { tokenCacheMs: 0 } });
		const token = await (await keystone.user('reader')).token();
		assert.equal((await other.as(token, 'GET', LIST)).status, 200);
		// a new password ends every token that was got with the old one; the old one is put back
		await keystone.admin('PATCH', `/users/${node.id}`, { user: { password: 'another-password' } });
		await keystone.admin('PATCH', `/users/${node.id}`, { user: { password: node.password } });
		// to keystone what was issued in the second of a revocation is revoked too
		await eventually('the node to be believed again', async () =>
			(await other.as(token, 'GET', LIST)).status === 200 ? true : undefined,
		);
	});
});

describe('signed tokens of a real keystone', () => {
	it('are checked by keystone like any other', async (t) => {
		const signing = await realKeystone({ jws: true });
		if (typeof signing === 'string') return t.skip(signing);
		await using there = signing;
		await using door = await openDoor({ of: there });
		const user = await there.user('member', 'reader');
		const token = await user.token();
		assert.match(token, /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/);
		assert.equal((await door.as(token, 'GET', LIST)).status, 200);
		assert.equal(door.seen.at(-1)?.project, user.project);
		const forged = `${token.slice(0, -8)}${token.endsWith('AAAAAAAA') ? 'BBBBBBBB' : 'AAAAAAAA'}`;
		assert.equal((await door.as(forged, 'GET', LIST)).status, 401);
	});
});

/** A token that ends in a few seconds: those of an application credential end with it. */
async function endingToken(user: RealUser): Promise<string> {
	const expires_at = new Date(Date.now() + 3000).toISOString().replace('Z', '');
	return (await user.applicationCredential({ expires_at })).token();
}

function startUpload(door: Door, token: string, id: string) {
	const request = httpRequest(new URL(`/v2/images/${id}/file`, door.api.url), {
		method: 'PUT',
		headers: { ...OCTETS, 'x-auth-token': token, 'transfer-encoding': 'chunked' },
	});
	const answered = new Promise<IncomingMessage>((resolve, reject) => request.once('response', resolve).once('error', reject));
	return {
		write: (bytes: Buffer) => void request.write(bytes),
		async end(): Promise<number | undefined> {
			request.end();
			const response = await answered;
			response.resume();
			return response.statusCode;
		},
	};
}
