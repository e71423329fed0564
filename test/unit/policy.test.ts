import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PolicyTarget } from '#domain/ports/policy.ts';
import { silentLog } from '#lib/log.ts';
import { createPropertyProtections } from '#policy/property-protections.ts';
import type { RuleSource } from '#policy/rule.ts';
import { createRulePolicy } from '#policy/rule-policy.ts';
import { caller } from '../support/onion.ts';

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

describe('property protections', () => {
	const protections = createPropertyProtections([
		{ pattern: /^billing_/, roles: { create: ['admin'], read: ['@'], update: ['Admin'], delete: [] } },
		{ pattern: /secret/, roles: { create: ['admin'], read: ['admin'], update: ['admin'], delete: ['admin'] } },
		{ pattern: /^x_/, roles: { create: ['@'], read: ['@'], update: ['@'], delete: ['@'] } },
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
	it('the properties of the service are open', () => {
		assert.equal(protections.allows(caller(), 'read', 'os_glance_failed_import'), true);
	});
});
