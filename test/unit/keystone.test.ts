/** The conversation with Keystone, against a server that can be made to misbehave. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { codeOf } from '#domain/errors.ts';
import { createKeystone, type KeystoneOptions } from '#keystone/keystone.ts';
import type { Keystone } from '#keystone/ports.ts';
import { keptLog, spelledOut } from '../support/kept-log.ts';
import { type KeystoneDouble, PASSWORD, startKeystoneDouble, tokenBody } from '../support/keystone-double.ts';

const credential: KeystoneOptions['credential'] = {
	kind: 'password',
	username: { name: 'glance' },
	password: PASSWORD,
	userDomain: { name: 'Default' },
	project: { name: 'service' },
	projectDomain: { id: 'default' },
};
const never = new AbortController().signal;
const check = { method: 'GET', path: '/auth/tokens', headers: { 'x-subject-token': 'users-token' }, signal: never } as const;

async function withKeystone(
	use: (keystone: Keystone, double: KeystoneDouble, log: ReturnType<typeof keptLog>) => Promise<void>,
	options: Partial<KeystoneOptions> = {},
): Promise<void> {
	await using double = await startKeystoneDouble({ ...(options.clock && { clock: options.clock }) });
	const log = keptLog();
	const defaults = { credential, timeoutMs: 5000, insecure: false, clock: Date.now, log };
	using keystone = createKeystone({ ...defaults, url: double.url, ...options });
	double.tokens.set('users-token', tokenBody());
	await use(keystone, double, log);
	for (const secret of [PASSWORD, 'own-token-', 'users-token'])
		assert.ok(!log.lines.some((line) => line.includes(secret)), `${secret} is in the log: ${log.lines.join('\n')}`);
}

const unavailable = (error: unknown) => {
	assert.equal(codeOf(error), 'unavailable');
	for (const secret of [PASSWORD, 'own-token-', 'users-token']) assert.ok(!spelledOut(error).includes(secret), spelledOut(error));
	return true;
};

describe('keystone', () => {
	it('logs in once, however many ask, and asks with that token', () =>
		withKeystone(async (keystone, double) => {
			const answers = await Promise.all(Array.from({ length: 64 }, () => keystone.ask(check)));
			assert.ok(answers.every(({ status }) => status === 200));
			assert.deepEqual(double.logins, [
				{
					auth: {
						identity: {
							methods: ['password'],
							password: { user: { name: 'glance', domain: { name: 'Default' }, password: PASSWORD } },
						},
						scope: { project: { name: 'service', domain: { id: 'default' } } },
					},
				},
			]);
		}));

	it('has a token of its own for the system', () =>
		withKeystone(async (keystone, double) => {
			await keystone.ask({ ...check, scope: 'system' });
			await keystone.ask(check);
			await keystone.ask({ ...check, scope: 'system' });
			assert.deepEqual(
				double.logins.map((login) => (login as { auth: { scope: object } }).auth.scope),
				[{ system: { all: true } }, { project: { name: 'service', domain: { id: 'default' } } }],
			);
		}));

	it('logs in with an application credential, which has no system to speak for', () =>
		withKeystone(
			async (keystone, double) => {
				assert.equal((await keystone.ask(check)).status, 200);
				const application_credential = { id: 'ac', secret: 'of-ac' };
				assert.deepEqual(double.logins, [
					{ auth: { identity: { methods: ['application_credential'], application_credential } } },
				]);
				await assert.rejects(keystone.ask({ ...check, scope: 'system' }), unavailable);
			},
			{ credential: { kind: 'application-credential', id: 'ac', secret: 'of-ac' } },
		));

	it('takes its address with a version, with a slash, and with neither', async () => {
		for (const end of ['/v3', '/v3/', '/', '/v2.0'])
			await withKeystone(async (_, double) => {
				using keystone = createKeystone({
					url: `${double.url}${end}`,
					credential,
					timeoutMs: 5000,
					insecure: false,
					clock: Date.now,
					log: keptLog(),
				});
				assert.equal((await keystone.ask(check)).status, 200);
			});
	});

	it('renews its token before it ends', async () => {
		let now = 1_800_000_000_000;
		await withKeystone(
			async (keystone, double) => {
				await keystone.ask(check);
				now += 3600_000 - 60_001;
				await keystone.ask(check);
				assert.equal(double.logins.length, 1);
				now += 1;
				await keystone.ask(check);
				assert.equal(double.logins.length, 2);
			},
			{ clock: () => now },
		);
	});

	it('logs in again when keystone has forgotten its token, and asks again', () =>
		withKeystone(async (keystone, double) => {
			await keystone.ask(check);
			double.own.clear();
			assert.equal((await keystone.ask(check)).status, 200);
			assert.equal(double.logins.length, 2);
		}));

	it('is unavailable when keystone takes no token at all', () =>
		withKeystone(async (keystone, double) => {
			double.interrupt(({ method }, response) => method === 'GET' && Boolean(response.writeHead(401).end()));
			await assert.rejects(keystone.ask(check), unavailable);
			assert.equal(double.logins.length, 2);
		}));

	it('does not try a refused credential again at once: the account may be locked for it', async () => {
		let now = Date.now();
		await withKeystone(
			async (keystone, double) => {
				await assert.rejects(keystone.ask(check), unavailable);
				await assert.rejects(keystone.ask(check), unavailable);
				assert.equal(double.logins.length, 1);
				now += 10_000;
				await assert.rejects(keystone.ask(check), unavailable);
				assert.equal(double.logins.length, 2);
			},
			{ clock: () => now, credential: { ...credential, password: 'wrong-password' } },
		);
	});

	it('is unavailable when keystone is not there, and says once that it is gone and once that it is back', () =>
		withKeystone(async (keystone, double, log) => {
			let away = true;
			double.interrupt((request) => away && Boolean(request.socket.destroy()));
			await assert.rejects(keystone.ask(check), unavailable);
			await assert.rejects(keystone.ask(check), unavailable);
			away = false;
			await keystone.ask(check);
			assert.equal(log.lines.filter((line) => line.startsWith('warn')).length, 1);
			assert.equal(log.lines.filter((line) => line.includes('answers again')).length, 1);
		}));

	it('is unavailable when keystone takes too long', () =>
		withKeystone(
			async (keystone, double) => {
				double.interrupt(() => true);
				await assert.rejects(keystone.ask(check), unavailable);
			},
			{ timeoutMs: 50 },
		));

	it('lets go of a slow keystone when nobody waits any more', () =>
		withKeystone(async (keystone, double) => {
			await keystone.ask(check);
			const controller = new AbortController();
			double.interrupt((request) => {
				request.socket.once('close', () => hungUp.resolve());
				controller.abort(new Error('gone'));
				return true;
			});
			const hungUp = Promise.withResolvers<void>();
			await assert.rejects(keystone.ask({ ...check, signal: controller.signal }), /gone/);
			await hungUp.promise;
		}));

	it('is unavailable when an answer has no end', () =>
		withKeystone(async (keystone, double) => {
			await keystone.ask(check);
			double.interrupt((_, response) => {
				response.writeHead(200).write('x'.repeat(1024 * 1024 + 1));
				return true;
			});
			await assert.rejects(keystone.ask(check), unavailable);
		}));

	it('gives an answer that is no JSON without body', () =>
		withKeystone(async (keystone, double) => {
			await keystone.ask(check);
			double.interrupt((_, response) => Boolean(response.writeHead(200).end('{"token":')));
			const { status, body } = await keystone.ask(check);
			assert.deepEqual([status, body], [200, undefined]);
		}));

	it('follows no redirect', () =>
		withKeystone(async (keystone, double) => {
			await keystone.ask(check);
			const before = double.requests.length;
			double.interrupt((_, response) => Boolean(response.writeHead(302, { location: `${double.url}/elsewhere` }).end()));
			assert.equal((await keystone.ask(check)).status, 302);
			assert.equal(double.requests.length, before + 1);
		}));

	it('asks again when a kept connection has died', () =>
		withKeystone(async (keystone, double) => {
			await keystone.ask(check);
			let first = true;
			double.interrupt((request) => {
				const dies = first;
				first = false;
				if (dies) request.socket.destroy();
				return dies;
			});
			assert.equal((await keystone.ask(check)).status, 200);
		}));

	it('asks no proxy, whatever the environment says', async () => {
		const before = process.env.http_proxy;
		process.env.http_proxy = 'http://127.0.0.1:1';
		try {
			await withKeystone(async (keystone) => assert.equal((await keystone.ask(check)).status, 200));
		} finally {
			if (before === undefined) delete process.env.http_proxy;
			else process.env.http_proxy = before;
		}
	});

	it('does not start with certificates that cannot be read', () => {
		const options = { credential, timeoutMs: 1, insecure: false, clock: Date.now, log: keptLog(), caFile: '/nowhere.pem' };
		assert.throws(() => createKeystone({ ...options, url: 'https://127.0.0.1:1' }), /cannot be read/);
	});
});
