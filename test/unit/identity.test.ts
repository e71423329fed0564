import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { codeOf } from '#domain/errors.ts';
import { createNoneIdentity } from '#identity/none.ts';
import { createTokenIdentity } from '#identity/token.ts';

const sent = (headers: Readonly<Record<string, string>>) => ({
	header: (name: string) => headers[name],
	method: 'GET',
	path: '/v2/images',
	remoteAddress: '127.0.0.1',
	signal: AbortSignal.timeout(5000),
});
const unauthenticated = (error: unknown) => codeOf(error) === 'unauthenticated';

describe('no authentication', () => {
	const identity = createNoneIdentity();
	it('makes everybody the administrator, without a project', async () => {
		assert.deepEqual(await identity.identify(sent({ host: '127.0.0.1:9292' })), {
			user: null,
			project: null,
			roles: ['admin'],
			admin: true,
		});
	});
	it('answers to names of loopback only: a web page may call this machine by another', async () => {
		for (const host of ['localhost', 'localhost:9292', 'x.localhost:1', '127.1.2.3', '[::1]:9292', 'LOCALHOST'])
			await identity.identify(sent({ host }));
		for (const host of ['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example', '10.0.0.1:9292', ''])
			await assert.rejects(identity.identify(sent({ host })), unauthenticated, host);
	});
});

describe('one shared token', () => {
	const identity = createTokenIdentity({ adminToken: 'correct horse' });
	it('is the administrator of the project admin', async () => {
		const subject = await identity.identify(sent({ 'x-auth-token': ' correct horse ' }));
		assert.equal(subject.admin, true);
		assert.equal(subject.project, 'admin');
	});
	it('refuses any other token, and none', async () => {
		for (const headers of [{}, { 'x-auth-token': '' }, { 'x-auth-token': 'correct horsf' }, { 'x-auth-token': 'correct' }])
			await assert.rejects(identity.identify(sent(headers)), unauthenticated);
	});
	it('never believes who a client says it is', async () => {
		const claims = { 'x-roles': 'admin', 'x-project-id': 'admin', 'x-user-id': 'admin', 'x-identity-status': 'Confirmed' };
		await assert.rejects(identity.identify(sent(claims)), unauthenticated);
	});
	it('cannot be empty', () => {
		assert.throws(() => createTokenIdentity({ adminToken: '' }), TypeError);
	});
});
