/** Users' tokens and Keystone's answers, against a server that counts what it is asked. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { codeOf } from '#domain/errors.ts';
import { createKeystoneIdentity, type KeystoneIdentityOptions } from '#identity/keystone.ts';
import type { Identity } from '#identity/ports.ts';
import { createKeystone } from '#keystone/keystone.ts';
import { credentials, type SentHeaders } from '../support/credentials.ts';
import { keptLog, spelledOut } from '../support/kept-log.ts';
import { type KeystoneDouble, PASSWORD, startKeystoneDouble, tokenBody } from '../support/keystone-double.ts';

interface Bench {
	readonly identity: Identity;
	readonly keystone: KeystoneDouble;
	readonly log: ReturnType<typeof keptLog>;
	/** lets time pass */
	wait(ms: number): void;
	now(): number;
	/** who sends these headers, `user-token` in X-Auth-Token if nothing is said */
	who(headers?: SentHeaders, request?: Parameters<typeof credentials>[1]): ReturnType<Identity['identify']>;
}

const TOKEN = 'user-token-canary';
const SERVICE = 'service-token-canary';

async function bench(use: (bench: Bench) => Promise<void>, options: Partial<KeystoneIdentityOptions> = {}): Promise<void> {
	let now = 1_800_000_000_000;
	const clock = () => now;
	await using double = await startKeystoneDouble({ clock, ownLifeMs: 86_400_000 });
	const log = keptLog();
	using keystone = createKeystone({
		url: double.url,
		credential: { kind: 'application-credential', id: 'node', secret: PASSWORD },
		timeoutMs: 5000,
		insecure: false,
		clock,
		log,
	});
	const identity = createKeystoneIdentity({
		keystone,
		publicUrl: 'https://keystone.example',
		tokenCacheMs: 300_000,
		revocationMs: 300_000,
		serviceTokenRoles: ['service'],
		serviceTokenRolesRequired: true,
		serviceType: 'image',
		anonymousRead: false,
		clock,
		log,
		...options,
	});
	double.tokens.set(TOKEN, tokenBody({ expiresAt: now + 3600_000 }));
	await use({
		identity,
		keystone: double,
		log,
		wait(ms) {
			now += ms;
		},
		now: clock,
		who: (headers = { 'x-auth-token': TOKEN }, request = {}) => identity.identify(credentials(headers, request)),
	});
	for (const secret of [PASSWORD, TOKEN, SERVICE, 'own-token-'])
		assert.ok(!log.lines.some((line) => line.includes(secret)), `${secret} is in the log: ${log.lines.join('\n')}`);
}

const refusedAs = (code: string) => (error: unknown) => {
	assert.equal(codeOf(error), code);
	for (const secret of [PASSWORD, TOKEN, SERVICE, 'own-token-']) assert.ok(!spelledOut(error).includes(secret));
	return true;
};
const unauthenticated = refusedAs('unauthenticated');
const unavailable = refusedAs('unavailable');

describe('identity by keystone', () => {
	it('is who the token says', () =>
		bench(async ({ who, keystone }) => {
			const { credential, ...subject } = await who();
			assert.equal(credential?.token(), TOKEN);
			assert.deepEqual(subject, {
				user: 'demo-user',
				project: 'demo-project',
				roles: ['member', 'reader'],
				token: {
					userDomain: 'default',
					projectDomain: 'project-domain',
					domain: null,
					systemScope: null,
					adminProject: true,
					service: null,
				},
			});
			const { url, headers } = keystone.requests.at(-1) ?? assert.fail();
			assert.equal(url, '/v3/auth/tokens?nocatalog=');
			assert.equal(headers['openstack-identity-access-rules'], '1.0');
		}));

	it('knows scopes and the absence of one', () =>
		bench(async ({ who, keystone, now }) => {
			const expiresAt = now() + 1000;
			const scoped = async (fields: object) => {
				const { project: _, ...unscoped } = tokenBody({ expiresAt });
				const name = `token-${keystone.tokens.size}`;
				keystone.tokens.set(name, { ...unscoped, ...fields });
				return who({ 'x-auth-token': name });
			};
			assert.equal((await scoped({ system: { all: true } })).token?.systemScope, 'all');
			assert.equal((await scoped({ domain: { id: 'd1', name: 'D' } })).token?.domain, 'd1');
			assert.equal((await scoped({ is_admin_project: false })).token?.adminProject, false);
			const unscoped = await scoped({ roles: undefined });
			assert.deepEqual([unscoped.project, unscoped.roles], [null, []]);
		}));

	it('asks once for sixty-four requests at the same time, and not again for five minutes', () =>
		bench(async ({ who, keystone, wait }) => {
			await Promise.all(Array.from({ length: 64 }, () => who()));
			assert.equal(keystone.validations(), 1);
			wait(299_999);
			await who();
			assert.equal(keystone.validations(), 1);
			wait(1);
			await who({ 'x-auth-token': ` ${TOKEN}\t` });
			assert.equal(keystone.validations(), 2);
		}));

	it('asks each time when nothing may be kept', () =>
		bench(
			async ({ who, keystone }) => {
				await who();
				await who();
				assert.equal(keystone.validations(), 2);
			},
			{ tokenCacheMs: 0 },
		));

	it('knows by itself that a token has ended, to the millisecond', () =>
		bench(async ({ who, keystone, wait, now }) => {
			keystone.tokens.set(TOKEN, tokenBody({ expiresAt: now() + 60_000 }));
			await who();
			wait(59_999);
			await who();
			wait(1);
			await assert.rejects(who(), unauthenticated);
			assert.equal(keystone.validations(), 1);
		}));

	it('takes a time without zone for UTC: tokens of an application credential that ends have one', () =>
		bench(async ({ who, keystone, wait, now }) => {
			const expires_at = new Date(now() + 60_000).toISOString().replace('.000Z', '');
			keystone.tokens.set(TOKEN, { ...tokenBody(), expires_at });
			await who();
			wait(59_999);
			await who();
			wait(1);
			await assert.rejects(who(), unauthenticated);
		}));

	it('refuses what keystone does not know, and remembers that for five seconds', () =>
		bench(async ({ who, keystone, wait, now }) => {
			const later = { 'x-auth-token': 'issued-later' };
			await assert.rejects(who(later), unauthenticated);
			await assert.rejects(who(later), unauthenticated);
			assert.equal(keystone.validations(), 1);
			keystone.tokens.set('issued-later', tokenBody({ expiresAt: now() + 60_000 }));
			wait(5000);
			await who(later);
		}));

	it('learns of a revocation within the bound, though the answer is kept for longer', () =>
		bench(
			async ({ who, keystone, wait }) => {
				await who();
				keystone.tokens.delete(TOKEN);
				keystone.revocations.push({ audit_id: 'a1', issued_before: 'x', revoked_at: 'y' });
				// the first use of a kept answer looks at what had been revoked before
				await assert.rejects(who(), unauthenticated);
				keystone.tokens.set(TOKEN, tokenBody({ expiresAt: 1_800_003_600_000 }));
				wait(5000);
				await who();
				keystone.tokens.delete(TOKEN);
				keystone.revocations.push({ audit_id: 'a2', issued_before: 'x', revoked_at: 'y' });
				wait(54_999);
				await who();
				wait(1);
				await assert.rejects(who(), unauthenticated);
				assert.equal(keystone.requests.filter(({ url }) => url.includes('OS-REVOKE')).length, 2);
			},
			{ revocationMs: 60_000 },
		));

	it('keeps to the age of answers where revocations are not to be had', () =>
		bench(
			async ({ who, keystone, wait, log }) => {
				keystone.interrupt(({ url = '' }, response) => url.includes('OS-REVOKE') && Boolean(response.writeHead(403).end()));
				await who();
				wait(1000);
				await who();
				wait(100_000);
				await who();
				assert.equal(keystone.validations(), 1);
				assert.equal(log.lines.filter((line) => line.includes('revocations cannot be read')).length, 1);
			},
			{ revocationMs: 60_000 },
		));

	it('is unavailable when keystone is, and believes what it heard while that lasts', () =>
		bench(async ({ who, keystone, wait }) => {
			await who();
			keystone.interrupt((_, response) => Boolean(response.writeHead(503).end()));
			await who();
			await assert.rejects(who({ 'x-auth-token': 'another' }), unavailable);
			keystone.interrupt((request) => Boolean(request.socket.destroy()));
			await assert.rejects(who({ 'x-auth-token': 'another' }), unavailable);
			wait(300_000);
			await assert.rejects(who(), unavailable);
		}));

	it('is unavailable when keystone says what cannot be read', () =>
		bench(async ({ who, keystone, now }) => {
			const body = tokenBody({ expiresAt: now() + 1000 });
			const broken = [
				{},
				{ ...body, user: undefined },
				{ ...body, expires_at: 'soon' },
				{ ...body, roles: 'admin' },
				{ ...body, roles: [{ name: 7 }] },
				{ ...body, application_credential: { access_rules: 'none' } },
				{ ...body, application_credential: { access_rules: [{ path: '/v2/images' }] } },
			];
			for (const [index, said] of broken.entries()) {
				keystone.tokens.set(`broken-${index}`, said);
				await assert.rejects(who({ 'x-auth-token': `broken-${index}` }), unavailable, JSON.stringify(said));
			}
		}));

	it('lets a client go that does not wait, and keeps the answer for the next', () =>
		bench(async ({ who, keystone }) => {
			const controller = new AbortController();
			let answer = (): void => {};
			const asked = Promise.withResolvers<void>();
			let held = false;
			keystone.interrupt(({ method }, response) => {
				if (method !== 'GET' || held) return false;
				held = true;
				answer = () => void response.end(JSON.stringify({ token: keystone.tokens.get(TOKEN) }));
				asked.resolve();
				return true;
			});
			const impatient = who(undefined, { signal: controller.signal });
			const patient = who();
			await asked.promise;
			controller.abort(new Error('gone'));
			await assert.rejects(impatient, /gone/);
			answer();
			assert.equal((await patient).user, 'demo-user');
			await who();
			assert.equal(keystone.validations(), 1);
		}));

	it('asks keystone nothing about what cannot be a token', () =>
		bench(async ({ who, keystone }) => {
			for (const bad of ['a b', 'a,b', 'ä', 'x'.repeat(8193), '"quoted"', 'a\u0000b', '===']) {
				await assert.rejects(who({ 'x-auth-token': bad }), unauthenticated, bad.slice(0, 20));
			}
			await assert.rejects(who({ 'x-auth-token': [TOKEN, TOKEN] }), unauthenticated);
			assert.equal(keystone.requests.length, 0);
		}));

	it('without a token is nobody who may only read, where that is allowed, and is refused elsewhere', async () => {
		await bench(async ({ who, identity }) => {
			await assert.rejects(who({}), unauthenticated);
			await assert.rejects(who({ 'x-auth-token': ' ' }), unauthenticated);
			assert.equal(identity.challenge, 'Keystone uri="https://keystone.example"');
		});
		await bench(
			async ({ who }) => {
				assert.deepEqual(await who({}), { user: null, project: null, roles: [], readOnly: true });
				await assert.rejects(who({ 'x-auth-token': 'unknown' }), unauthenticated);
			},
			{ anonymousRead: true },
		);
	});
});

describe('access rules of an application credential', () => {
	const restricted = (now: number, access_rules: unknown) =>
		tokenBody({ expiresAt: now + 60_000, application_credential: { id: 'ac', restricted: true, access_rules } });
	const rules = [
		{ service: 'image', method: 'GET', path: '/v2/images' },
		{ service: 'image', method: 'GET', path: '/v2/images/{id}/file' },
		{ service: 'compute', method: 'DELETE', path: '/v2/images/*' },
	];
	it('let pass what they name and nothing else, one answer of keystone serving both', () =>
		bench(async ({ who, keystone, now }) => {
			keystone.tokens.set(TOKEN, restricted(now(), rules));
			await who(undefined, { path: '/v2/images' });
			await who(undefined, { path: '/v2/images/a/file' });
			await assert.rejects(who(undefined, { path: '/v2/images/a' }), unauthenticated);
			await assert.rejects(who(undefined, { path: '/v2/images', method: 'POST' }), unauthenticated);
			await assert.rejects(who(undefined, { path: '/v2/images/a', method: 'DELETE' }), unauthenticated);
			assert.equal(keystone.validations(), 1);
		}));
	it('allow nothing when the list is empty, everything when there is none', () =>
		bench(async ({ who, keystone, now }) => {
			keystone.tokens.set('empty', restricted(now(), []));
			keystone.tokens.set('none', restricted(now(), undefined));
			keystone.tokens.set('null', restricted(now(), null));
			await assert.rejects(who({ 'x-auth-token': 'empty' }), unauthenticated);
			await who({ 'x-auth-token': 'none' });
			await who({ 'x-auth-token': 'null' });
		}));
	it('do not bind a service that acts for the user, and a bad service token unbinds nobody', () =>
		bench(async ({ who, keystone, now }) => {
			keystone.tokens.set(TOKEN, restricted(now(), rules));
			keystone.tokens.set(SERVICE, tokenBody({ expiresAt: now() + 60_000, roles: [{ name: 'service' }] }));
			await who({ 'x-auth-token': TOKEN, 'x-service-token': SERVICE }, { path: '/v2/images/a' });
			await assert.rejects(who({ 'x-auth-token': TOKEN, 'x-service-token': 'junk' }, { path: '/v2/images/a' }), unauthenticated);
		}));
});

describe('a service token', () => {
	const both = { 'x-auth-token': TOKEN, 'x-service-token': SERVICE };
	const nova = (now: number, role: string) =>
		tokenBody({
			expiresAt: now + 7200_000,
			user: { id: 'nova', domain: { id: 'sd' } },
			project: { id: 'service', domain: { id: 'spd' } },
			roles: [{ name: role }, { name: 'Admin' }],
		});

	it('says which service acts', () =>
		bench(async ({ who, keystone, now }) => {
			keystone.tokens.set(SERVICE, nova(now(), 'service'));
			const { user, token } = await who(both);
			assert.equal(user, 'demo-user');
			assert.deepEqual(token?.service, {
				user: 'nova',
				project: 'service',
				userDomain: 'sd',
				projectDomain: 'spd',
				roles: ['service', 'admin'],
			});
		}));

	it('lets a token pass that has ended, by a question of its own', () =>
		bench(async ({ who, keystone, now, wait }) => {
			keystone.tokens.set(SERVICE, nova(now(), 'service'));
			await who();
			wait(3600_000);
			await assert.rejects(who(), unauthenticated);
			assert.equal((await who(both)).user, 'demo-user');
			assert.match(keystone.requests.at(-1)?.url ?? '', /allow_expired=1/);
			// what is kept for the one question does not answer the other
			await assert.rejects(who(), unauthenticated);
		}));

	it('that is not valid, has ended or lacks the role is as good as none', () =>
		bench(async ({ who, keystone, now, wait }) => {
			assert.equal((await who(both)).token?.service, null);
			keystone.tokens.set('no-role', nova(now(), 'member'));
			assert.equal((await who({ ...both, 'x-service-token': 'no-role' })).token?.service, null);
			keystone.tokens.set('ended', tokenBody({ expiresAt: now() - 1, roles: [{ name: 'service' }] }));
			assert.equal((await who({ ...both, 'x-service-token': 'ended' })).token?.service, null);
			assert.equal((await who({ ...both, 'x-service-token': 'not a token' })).token?.service, null);
			wait(3600_000);
			await assert.rejects(who({ ...both, 'x-service-token': 'no-role' }), unauthenticated);
		}));

	it('without the role counts where that is allowed, and still lets nothing pass that has ended', () =>
		bench(
			async ({ who, keystone, now, wait }) => {
				keystone.tokens.set(SERVICE, nova(now(), 'member'));
				assert.equal((await who(both)).token?.service?.user, 'nova');
				wait(3600_000);
				await assert.rejects(who(both), unauthenticated);
			},
			{ serviceTokenRolesRequired: false },
		));

	it('that cannot be checked is not taken for a bad one', () =>
		bench(async ({ who, keystone }) => {
			await who();
			keystone.interrupt((_, response) => Boolean(response.writeHead(500).end()));
			await assert.rejects(who(both), unavailable);
		}));
});
