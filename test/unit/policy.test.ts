import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { PolicyTarget } from '#domain/ports/policy.ts';
import { silentLog } from '#lib/log.ts';
import { createPatternSearch } from '#policy/pattern-search.ts';
import { createPropertyProtections, openPropertyProtections } from '#policy/property-protections.ts';
import { PatternError } from '#policy/python-pattern.ts';
import { createRemoteCheck } from '#policy/remote-check.ts';
import type { RuleSource } from '#policy/rule.ts';
import { createRulePolicy } from '#policy/rule-policy.ts';
import { caller } from '../support/onion.ts';
import { temporaryDir } from '../support/temporary-dir.ts';

function allows(text: RuleSource, over: Parameters<typeof caller>[0] = {}, target: PolicyTarget = {}): boolean {
	return createRulePolicy({ overrides: { here: text, yes: '@', no: '!', loop: 'rule:loop' }, log: silentLog }).allows(
		caller(over),
		'here',
		target,
	);
}

describe('the rule language', () => {
	const CASES: readonly (readonly [text: string, expected: boolean])[] = [
		['', true],
		['@', true],
		['!', false],
		['not !', true],
		['NOT @', false],
		['not not @', true],
		['@ and !', false],
		['@ or !', true],
		['! and ! or @', true],
		['@ or ! and !', true],
		['(@ or !) and !', false],
		['((@))', true],
		['role:member', true],
		['role:MEMBER', true],
		['role:admin', false],
		['role:%(wanted)s', true],
		['role:%(missing)s', false],
		['rule:yes', true],
		['rule:no', false],
		// what is not defined is the default rule, as in oslo.policy
		['rule:nowhere', true],
		['rule:loop or @', false],
		['not rule:loop', false],
		['not rule:no', true],
		['rule:loop', false],
		['project_id:project-a', true],
		['project_id:%(owner)s', true],
		['project_id:%(other)s', false],
		['project_id:%(missing)s', false],
		["'shared':%(visibility)s", true],
		["'public':%(visibility)s", false],
		['None:%(nobody)s', true],
		['user_id:user', true],
		['user_domain_id:default', true],
		['is_admin:True', false],
		["'it':%(empty)s", false],
		['1:%(one)s', true],
		['1.0:%(one)s', false],
		['True:%(flag)s', true],
		["['a', 'b']:%(list)s", false],
		['service_roles:service', true],
		["'50%%':%(half)s", false],
		['project_id:%%(owner)s', false],
		['nonsense_credential:x', false],
		['project_id:%(prefix)s-a', true],
		['role:member and (project_id:nope or project_id:%(owner)s)', true],
		// malformed: refused, whatever stands around where Python raises
		['  ', false],
		["'quoted'", false],
		['not member', true],
		['not role:%(one)y', false],
		['not 1abc:%(one)s', false],
		['not user_id.name:%(one)s', false],
		[`${'('.repeat(100_000)}@${')'.repeat(100_000)}`, false],
		[`${'not '.repeat(1_000)}@`, false],
		[`${'('.repeat(10_000)}@${')'.repeat(10_000)}`, true],
		['(@', false],
		['@)', false],
		['@ @', false],
		['and @', false],
		['not', false],
		['member', false],
		[':x', false],
		['http://127.0.0.1/', false],
	];
	const target = {
		owner: 'project-a',
		other: 'project-b',
		visibility: 'shared',
		nobody: null,
		wanted: 'reader',
		prefix: 'project',
		empty: '',
		one: 1,
		flag: true,
		list: ['a', 'b'],
		half: '50%',
	};
	const token = {
		userDomain: 'default',
		projectDomain: 'default',
		domain: null,
		systemScope: null,
		adminProject: true,
		service: { user: 'nova', project: 'service', userDomain: 'default', projectDomain: 'default', roles: ['service'] },
	};
	for (const [text, expected] of CASES)
		it(`${JSON.stringify(text.slice(0, 60))} is ${expected}`, () => assert.equal(allows(text, { token }, target), expected));

	it('lists of lists are alternatives of conditions', () => {
		assert.equal(allows([['role:member', 'role:admin'], 'role:reader'], {}, target), true);
		assert.equal(allows([['role:member', 'role:admin']], {}, target), false);
		assert.equal(allows([], {}, target), true);
		assert.equal(allows([[]], {}, target), false);
	});

	it('a caller without project is not the owner of what has none', () => {
		assert.equal(allows('project_id:%(owner)s', { project: null }, { owner: null }), false);
		assert.equal(allows('not project_id:%(owner)s', { project: null }, { owner: null }), true);
	});

	it('a name without rule is the default rule', () => {
		const asked = (options: Parameters<typeof createRulePolicy>[0]) =>
			createRulePolicy(options).allows(caller(), 'constructor', {});
		assert.equal(asked({ log: silentLog }), true);
		assert.equal(asked({ log: silentLog, overrides: { default: '!' } }), false);
		assert.equal(asked({ log: silentLog, defaultRule: 'context_is_admin' }), false);
		assert.equal(asked({ log: silentLog, defaultRule: 'nowhere' }), false);
	});

	it('an override replaces a default by name', () => {
		const policy = createRulePolicy({ overrides: { get_images: 'role:auditor' }, log: silentLog });
		assert.equal(policy.allows(caller(), 'get_images', { project_id: 'project-a' }), false);
		assert.equal(policy.allows(caller({ roles: ['auditor'] }), 'get_images', {}), true);
	});
});

describe('the rules of the service', () => {
	const token = { userDomain: null, projectDomain: null, domain: null, systemScope: null, adminProject: true, service: null };
	const system = caller({ project: null, roles: ['admin', 'reader'], token: { ...token, systemScope: 'all' } });
	const domain = caller({ project: null, roles: ['admin'], token: { ...token, domain: 'default' } });
	const mine = { project_id: 'project-a', owner: 'project-a', visibility: 'private' };
	const foreign = { project_id: 'project-b', owner: 'project-b', visibility: 'public' };

	it('take tokens of a project only', () => {
		const policy = createRulePolicy({ log: silentLog });
		for (const ctx of [system, domain]) {
			assert.equal(policy.allows(ctx, 'get_image', mine), false);
			assert.equal(policy.allows(ctx, 'context_is_admin', {}), true);
			assert.equal(createRulePolicy({ enforceScope: false, log: silentLog }).allows(ctx, 'get_image', mine), true);
		}
	});
	it('take them also where the operator has replaced the check', () => {
		assert.equal(createRulePolicy({ overrides: { get_image: '@' }, log: silentLog }).allows(system, 'get_image', mine), false);
	});
	it('without new defaults everybody passes, and changes need the owner', () => {
		const policy = createRulePolicy({ enforceNewDefaults: false, log: silentLog });
		const nobody = caller({ roles: [] });
		for (const rule of ['get_image', 'download_image', 'get_metadef_namespace'])
			assert.equal(policy.allows(nobody, rule, foreign), true, rule);
		for (const rule of ['add_image', 'modify_image', 'delete_image', 'upload_image', 'deactivate', 'reactivate']) {
			assert.equal(policy.allows(nobody, rule, mine), true, rule);
			assert.equal(policy.allows(nobody, rule, foreign), false, rule);
			assert.equal(policy.allows(caller({ project: null }), rule, { owner: null }), rule === 'add_image', rule);
			assert.equal(policy.allows(caller({ admin: true }), rule, foreign), true, rule);
		}
		assert.equal(policy.allows(nobody, 'publicize_image', mine), false);
	});
	it('without new defaults the owner shares, and those who share answer', () => {
		const policy = createRulePolicy({ enforceNewDefaults: false, log: silentLog });
		const somebody = caller({ roles: [] });
		for (const [rule, ofMine, ofOthers] of [
			['add_member', true, false],
			['delete_member', true, false],
			['modify_member', false, true],
			['get_members', true, true],
		] as const) {
			assert.equal(policy.allows(somebody, rule, mine), ofMine, rule);
			assert.equal(policy.allows(somebody, rule, foreign), ofOthers, rule);
			assert.equal(policy.allows(caller({ admin: true }), rule, mine), true, rule);
		}
	});
	it('without new defaults an older name still counts, and an override ends that', () => {
		const keeper = caller({ roles: ['keeper'] });
		const overrides = { manage_image_cache: 'role:keeper' };
		const asked = (options: object) =>
			createRulePolicy({ overrides, log: silentLog, ...options }).allows(keeper, 'cache_image', {});
		assert.equal(asked({ enforceNewDefaults: false }), true);
		assert.equal(asked({ enforceNewDefaults: true }), false);
		assert.equal(asked({ enforceNewDefaults: false, overrides: { ...overrides, cache_image: '!' } }), false);
	});
});

describe('remote checks', () => {
	const answering = async (answer: string, act: (url: string, forms: URLSearchParams[]) => Promise<void>) => {
		const forms: URLSearchParams[] = [];
		const server = createServer(async (request, response) => {
			forms.push(new URLSearchParams(Buffer.concat(await Array.fromAsync(request)).toString()));
			response.end(answer);
		});
		await once(server.listen(0, '127.0.0.1'), 'listening');
		await act(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, forms);
		server.closeAllConnections();
		server.close();
	};
	const remotePolicy = (rule: string) =>
		createRulePolicy({ overrides: { here: rule }, remote: createRemoteCheck(), log: silentLog });

	it('ask the server with rule, target and credentials', () =>
		answering('"True"', async (url, forms) => {
			assert.equal(await remotePolicy(`role:member and ${url}/%(id)s`).decide(caller(), 'here', { id: 'x' }), true);
			assert.equal(forms[0]?.get('rule'), '"here"');
			assert.equal(forms[0]?.get('target'), '{"id":"x"}');
			assert.equal(JSON.parse(forms[0]?.get('credentials') ?? '').project_id, 'project-a');
		}));
	it('only True is yes, and a negation turns it', () =>
		answering('true', async (url) => {
			assert.equal(await remotePolicy(url).decide(caller(), 'here', {}), false);
			assert.equal(await remotePolicy(`not ${url}`).decide(caller(), 'here', {}), true);
			assert.equal(await remotePolicy(`role:member or ${url}`).decide(caller(), 'here', {}), true);
		}));
	it('a long answer, no server and no permission to ask are no, negated or not', async () => {
		await answering('True'.repeat(100_000), async (url) => {
			assert.equal(await remotePolicy(url).decide(caller(), 'here', {}), false);
			const errors: object[] = [];
			const log = { ...silentLog, error: (fields: object) => void errors.push(fields) };
			const deaf = createRulePolicy({ overrides: { here: `not ${url}` }, log });
			assert.equal(await deaf.decide(caller(), 'here', {}), false);
			assert.equal(deaf.allows(caller(), 'here', {}), false);
			assert.equal(errors.length, 1);
		});
		assert.equal(await remotePolicy('not http://127.0.0.1:1/').decide(caller(), 'here', {}), false);
		assert.equal(await remotePolicy('not http://127.0.0.1:1/%(missing)s').decide(caller(), 'here', {}), false);
	});
});

describe('property protections', () => {
	const protections = createPropertyProtections([
		{ pattern: /^billing_/, allows: { create: ['admin'], read: ['@'], update: ['Admin'], delete: [] } },
		{ pattern: /secret/, allows: { create: ['admin'], read: ['admin'], update: ['admin'], delete: ['admin'] } },
		{ pattern: /^x_/, allows: { create: ['@'], read: ['@'], update: ['@'], delete: ['@'] } },
	]);
	const admin = caller({ roles: ['admin'] });
	it('the first section whose pattern is found decides', () => {
		assert.equal(protections.allows(caller(), 'read', 'billing_secret'), true);
		assert.equal(protections.allows(caller(), 'create', 'billing_code'), false);
		assert.equal(protections.allows(admin, 'update', 'billing_code'), true);
		assert.equal(protections.allows(admin, 'delete', 'billing_code'), false);
		assert.equal(protections.allows(caller(), 'read', 'my_secret_x'), false);
	});
	it('without a section nobody may do anything', () => {
		assert.equal(protections.allows(admin, 'read', 'colour'), false);
	});
	it('roles of a service that asks for the user count', () => {
		const service = { user: null, project: null, userDomain: null, projectDomain: null, roles: ['admin'] };
		const token = { userDomain: null, projectDomain: null, domain: null, systemScope: null, adminProject: true, service };
		assert.equal(protections.allows(caller({ token }), 'update', 'billing_code'), true);
	});
	it('no pattern takes long, whatever the name', () => {
		const name = 'a'.repeat(255);
		for (const pattern of ['^(a+)+$', '(a|a)*b', '(a*)*(a*)*b', 'a*a*a*a*a*b', '(?=(a+)+b)', '(?<!(a|aa)+b)c'])
			createPatternSearch(pattern).test(`${name}!`);
	});
	it('what cannot be searched so, or is too large, is refused', () => {
		for (const pattern of [
			'(a)\\1',
			'(?P<n>a)(?P=n)',
			'(?(1)a|b)',
			'(?>a)',
			'a*+',
			'(?x)a',
			'((a{1000}){1000}){1000}',
			'('.repeat(9999),
		])
			assert.throws(() => createPatternSearch(pattern), PatternError, pattern.slice(0, 40));
	});
	it('a file that is not there, not complete or contradicts itself is an error that says where', async () => {
		await using dir = await temporaryDir();
		const file = join(dir.path, 'protections.conf');
		const opened = () =>
			openPropertyProtections({ file, format: 'roles', policy: createRulePolicy({ log: silentLog }), log: silentLog });
		await assert.rejects(opened(), /ENOENT/);
		const complete = 'create=admin\nread=@\nupdate=admin\ndelete=!\n';
		await writeFile(file, `[x]\n${complete.replace('read=@\n', '')}`);
		await assert.rejects(opened(), /protections\.conf: \[x\] read: missing/);
		await writeFile(file, `[x]\n${complete.replace('read=@', 'read=@,!')}`);
		await assert.rejects(opened(), /exclude each other/);
		await writeFile(file, `[x(]\n${complete}`);
		await assert.rejects(opened(), /\[x\(\] is no regular expression/);
		await writeFile(file, `[os_glance_x]\n${complete.replace('read=@', 'read=!')}[x]\n${complete}`);
		const protections = await opened();
		assert.equal(protections.allows(caller(), 'read', 'os_glance_x'), true);
		assert.equal(protections.allows(caller(), 'create', 'axb'), false);
		assert.equal(protections.allows(admin, 'create', 'axb'), true);
	});
	it('the properties of the service are open', () => {
		assert.equal(protections.allows(caller(), 'read', 'os_glance_failed_import'), true);
	});
});
