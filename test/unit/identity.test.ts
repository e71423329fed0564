import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { codeOf } from '#domain/errors.ts';
import { createNoneIdentity } from '#identity/none.ts';
import { withOperator } from '#identity/operator.ts';
import type { Subject } from '#identity/ports.ts';
import { createProxyIdentity } from '#identity/proxy.ts';
import { createTokenIdentity } from '#identity/token.ts';
import { type SentHeaders, credentials as sent } from '../support/credentials.ts';

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

describe('a proxy that authenticates', () => {
	const identity = createProxyIdentity({ trusted: ['10.1.0.0/16', '192.0.2.7', 'fd00::/8'], anonymousRead: false });
	const confirmed = {
		'x-identity-status': 'Confirmed',
		'x-user-id': 'u1',
		'x-user-domain-id': 'ud1',
		'x-project-id': 'p1',
		'x-project-domain-id': 'pd1',
		'x-roles': 'Member, reader,,',
	};
	const from = (remoteAddress: string, headers: SentHeaders = confirmed) => identity.identify(sent(headers, { remoteAddress }));

	it('is believed in what it says', async () => {
		assert.deepEqual(await from('10.1.2.3'), {
			user: 'u1',
			project: 'p1',
			roles: ['member', 'reader'],
			token: { userDomain: 'ud1', projectDomain: 'pd1', domain: null, systemScope: null, adminProject: true, service: null },
		});
	});
	it('hands on the token of whom it has confirmed, when it is one', async () => {
		assert.equal((await from('10.1.2.3', { ...confirmed, 'x-auth-token': 'gAAA-b_c' })).credential?.token(), 'gAAA-b_c');
		assert.equal((await from('10.1.2.3', { ...confirmed, 'x-auth-token': 'no token' })).credential, undefined);
	});
	it('is known by the address of its connection, also in the clothes of IPv6', async () => {
		for (const address of ['10.1.255.255', '::ffff:10.1.0.1', '192.0.2.7', '::FFFF:192.0.2.7', 'fd12::1', 'fd12::1%eth0'])
			assert.equal((await from(address)).user, 'u1', address);
		for (const address of ['10.2.0.1', '::ffff:10.2.0.1', '192.0.2.8', '127.0.0.1', '::1', 'fe80::1', '', 'garbage'])
			await assert.rejects(from(address), unauthenticated, address);
	});
	it('may be given as a range of IPv4 written as IPv6', async () => {
		const mapped = createProxyIdentity({ trusted: ['::ffff:10.0.0.0/104'], anonymousRead: false });
		await mapped.identify(sent(confirmed, { remoteAddress: '10.9.9.9' }));
		await assert.rejects(mapped.identify(sent(confirmed, { remoteAddress: '11.0.0.1' })), unauthenticated);
	});
	it('cannot be given as what is no address', () => {
		for (const text of [
			'proxy.example',
			'10.0.0.0/33',
			'10.0.0.0/-1',
			'10.0.0.0/x',
			'10.0.0.0/',
			'10.0.0.0/8/8',
			'::ffff:10.0.0.0/8',
			'',
		])
			assert.throws(() => createProxyIdentity({ trusted: [text], anonymousRead: false }), TypeError, text);
	});
	it('must confirm the identity', async () => {
		for (const status of ['Invalid', 'confirmed', '', 'Confirmed, Confirmed'])
			await assert.rejects(from('10.1.0.1', { ...confirmed, 'x-identity-status': status }), unauthenticated);
		const { 'x-identity-status': _, ...unsaid } = confirmed;
		await assert.rejects(from('10.1.0.1', unsaid), unauthenticated);
	});
	it('says the older names too, where it does not say the new ones', async () => {
		const { 'x-project-id': _, 'x-user-id': __, ...rest } = confirmed;
		const old = { ...rest, 'x-tenant-id': 't1', 'x-user': 'u0', 'x-tenant': 't0' };
		assert.deepEqual(subjectOf(await from('10.1.0.1', old)), ['u0', 't1']);
		assert.deepEqual(subjectOf(await from('10.1.0.1', { ...rest, 'x-tenant': 't0' })), [null, 't0']);
		assert.deepEqual(subjectOf(await from('10.1.0.1', { ...old, 'x-project-id': '' })), ['u0', null]);
		const { 'x-roles': ___, ...roleless } = confirmed;
		assert.deepEqual((await from('10.1.0.1', { ...roleless, 'x-role': 'Reader' })).roles, ['reader']);
	});
	it('is refused when a header is there twice, or an id is a list: one of them may be the client’s', async () => {
		for (const name of ['x-identity-status', 'x-user-id', 'x-project-id', 'x-roles', 'x-service-roles', 'openstack-system-scope'])
			await assert.rejects(from('10.1.0.1', { ...confirmed, [name]: ['Confirmed', 'Confirmed'] }), unauthenticated, name);
		for (const name of ['x-user-id', 'x-project-id', 'x-domain-id', 'x-service-user-id'])
			await assert.rejects(from('10.1.0.1', { ...confirmed, [name]: 'p1,p2' }), unauthenticated, name);
	});
	it('says what a token is scoped to, and which service speaks', async () => {
		const { token } = await from('10.1.0.1', {
			...confirmed,
			'openstack-system-scope': 'all',
			'x-domain-id': 'd1',
			'x-is-admin-project': 'False',
			'x-service-user-id': 'nova',
			'x-service-project-id': 'service',
			'x-service-user-domain-id': 'sud',
			'x-service-project-domain-id': 'spd',
			'x-service-roles': 'Service',
			'x-service-catalog': '{not json',
		});
		const service = { user: 'nova', project: 'service', userDomain: 'sud', projectDomain: 'spd', roles: ['service'] };
		assert.deepEqual(token, {
			userDomain: 'ud1',
			projectDomain: 'pd1',
			domain: 'd1',
			systemScope: 'all',
			adminProject: false,
			service,
		});
		const invalid = { ...confirmed, 'x-service-user-id': 'nova', 'x-service-identity-status': 'Invalid' };
		assert.equal((await from('10.1.0.1', invalid)).token?.service, null);
	});
	it('may let nobody read, but not who failed to prove somebody', async () => {
		const open = createProxyIdentity({ trusted: ['10.1.0.1'], anonymousRead: true });
		const remoteAddress = '10.1.0.1';
		assert.equal((await open.identify(sent({ 'x-identity-status': 'Invalid' }, { remoteAddress }))).readOnly, true);
		const tried = { 'x-identity-status': 'Invalid', 'x-auth-token': 'bad' };
		await assert.rejects(open.identify(sent(tried, { remoteAddress })), unauthenticated);
		await assert.rejects(open.identify(sent({}, { remoteAddress: '10.1.0.2' })), unauthenticated);
	});
});

function subjectOf({ user, project }: Subject): readonly (string | null)[] {
	return [user, project];
}

describe('the operator on the node itself', () => {
	const others = createProxyIdentity({ trusted: ['192.0.2.1'], anonymousRead: false });
	const identity = withOperator({ adminToken: 'correct horse', others });
	const from = (remoteAddress: string, headers: SentHeaders) => sent(headers, { remoteAddress });
	it('needs nobody else, from loopback only', async () => {
		for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1'])
			assert.equal((await identity.identify(from(address, { 'x-auth-token': 'correct horse' }))).admin, true);
		for (const address of ['192.0.2.1', '192.0.2.2', ''])
			await assert.rejects(identity.identify(from(address, { 'x-auth-token': 'correct horse' })), unauthenticated);
	});
	it('is not who asks by way of a proxy on the same machine', async () => {
		for (const name of ['x-forwarded-for', 'forwarded', 'via', 'x-real-ip'])
			await assert.rejects(
				identity.identify(from('127.0.0.1', { 'x-auth-token': 'correct horse', [name]: '203.0.113.9' })),
				unauthenticated,
			);
	});
	it('leaves everybody else to those who know them', async () => {
		const headers = { 'x-identity-status': 'Confirmed', 'x-project-id': 'p', 'x-user-id': 'u', 'x-roles': 'member' };
		assert.equal((await identity.identify(from('192.0.2.1', headers))).project, 'p');
		await assert.rejects(identity.identify(from('127.0.0.1', { ...headers, 'x-auth-token': 'wrong' })), unauthenticated);
		assert.equal(identity.challenge, others.challenge);
	});
});
