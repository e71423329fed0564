import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { silentLog } from '#lib/log.ts';
import { createPropertyProtections } from '#policy/property-protections.ts';
import { createRulePolicy } from '#policy/rule-policy.ts';
import { caller } from '../support/onion.ts';

function allows(
	text: string,
	over: Parameters<typeof caller>[0] = {},
	target: Readonly<Record<string, string | null>> = {},
): boolean {
	return createRulePolicy({ overrides: { here: text, yes: '@', no: '!', loop: 'rule:loop' }, log: silentLog }).allows(
		caller(over),
		'here',
		target,
	);
}

describe('the rule language', () => {
	const CASES: readonly (readonly [text: string, expected: boolean])[] = [
		['', true],
		['  ', true],
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
		['rule:nowhere', false],
		['rule:loop', false],
		['project_id:project-a', true],
		['project_id:%(owner)s', true],
		['project_id:%(other)s', false],
		['project_id:%(missing)s', false],
		["'shared':%(visibility)s", true],
		["'public':%(visibility)s", false],
		['None:%(nobody)s', true],
		['user_id:user', true],
		['is_admin:False', true],
		['nonsense_credential:x', false],
		['project_id:%(prefix)s-a', true],
		['role:member and (project_id:nope or project_id:%(owner)s)', true],
		// malformed: refused
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
	};
	for (const [text, expected] of CASES)
		it(`${JSON.stringify(text)} is ${expected}`, () => assert.equal(allows(text, {}, target), expected));

	it('a caller without project is not the owner of what has none', () => {
		assert.equal(allows('project_id:%(owner)s', { project: null }, { owner: null }), false);
		assert.equal(allows('project_id:%(owner)s', { project: 'None' }, { owner: null }), false);
	});

	it('a rule nobody wrote allows nobody', () => {
		assert.equal(createRulePolicy({ log: silentLog }).allows(caller({ roles: ['admin'] }), 'constructor', {}), false);
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
