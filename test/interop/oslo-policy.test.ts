/** Rules against oslo.policy itself: random ones, and Glance's own for every persona; every answer the same. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { RequestContext, TokenFacts } from '#domain/context.ts';
import { silentLog } from '#lib/log.ts';
import { credentialsOf } from '#policy/credentials.ts';
import { DEFAULT_RULES } from '#policy/defaults.ts';
import { evaluate } from '#policy/evaluate.ts';
import { PythonError } from '#policy/python-text.ts';
import { parseRule } from '#policy/rule.ts';
import { createRulePolicy } from '#policy/rule-policy.ts';
import { caller } from '../support/onion.ts';
import { type PolicyQuestion, policyQuestion } from '../support/policy-questions.ts';
import { askPython, missingPython } from '../support/python-oracle.ts';

const ORACLE = 'oslo-policy.py';
const CASES = Number(process.env.SUNDOG_POLICY_CASES ?? 100_000);
const SEED = Number(process.env.SUNDOG_POLICY_SEED ?? Math.floor(Math.random() * 2 ** 31));
const SHOWN = 5;

function answerOfOurs({ rules, rule, credentials, target }: PolicyQuestion): boolean {
	const table = new Map(Object.entries(rules).map(([name, source]) => [name, parseRule(source).rule]));
	const get = (name: string) => table.get(name) ?? table.get('default');
	const remote = () => {
		throw new PythonError('nobody is asked');
	};
	const found = get(rule);
	return found !== undefined && evaluate(found, { rules: { get }, credentials, target, remote });
}

describe('the rule language', { skip: missingPython('oslo_policy') }, () => {
	it(`${CASES} random rules are answered as oslo.policy answers them`, { timeout: 600_000 }, async (t) => {
		t.diagnostic(`seed ${SEED}`);
		const questions = fc.sample(policyQuestion, { numRuns: CASES, seed: SEED });
		// where Python raises, its caller fails and nobody gets in
		const theirs = await askPython(ORACLE, questions);
		const tally = Object.groupBy(theirs, String);
		for (const answer of ['true', 'false', 'raises']) {
			t.diagnostic(`oslo.policy says ${answer} ${tally[answer]?.length} times`);
			assert.ok((tally[answer]?.length ?? 0) > CASES / 50, 'the questions are one-sided');
		}
		const different = questions.filter((question, index) => answerOfOurs(question) !== (theirs[index] === true));
		// the shortest say most
		const shown = different
			.map((question) => JSON.stringify(question))
			.sort((a, b) => a.length - b.length)
			.slice(0, SHOWN);
		assert.equal(different.length, 0, `seed ${SEED}: ${different.length} differ, such as\n${shown.join('\n')}`);
	});
});

const TOKEN: TokenFacts = {
	userDomain: 'ud',
	projectDomain: 'pd',
	domain: null,
	systemScope: null,
	adminProject: true,
	service: null,
};
const SERVICE = { user: 'nova', project: 'services', userDomain: 'ud', projectDomain: 'pd', roles: ['service'] };
const PERSONAS: Readonly<Record<string, Partial<RequestContext>>> = {
	admin: { roles: ['admin'] },
	'admin elsewhere': { roles: ['admin', 'member', 'reader'], project: 'project-z' },
	member: { roles: ['member', 'reader'], token: TOKEN },
	'member alone': { roles: ['member'] },
	reader: { roles: ['reader'] },
	service: { roles: ['service'], project: 'services', token: { ...TOKEN, service: SERVICE } },
	'nobody in particular': { roles: [] },
	'without project': { roles: ['member', 'reader'], project: null },
	'system admin': { roles: ['admin', 'member', 'reader'], project: null, token: { ...TOKEN, systemScope: 'all' } },
	'domain admin': { roles: ['admin', 'member', 'reader'], project: null, token: { ...TOKEN, domain: 'ud' } },
};
const TARGETS: readonly Readonly<Record<string, string | null>>[] = [
	{},
	...['project-a', 'project-b', null].flatMap((owner) =>
		['public', 'community', 'shared', 'private'].flatMap((visibility) =>
			[null, 'project-a'].map((member) => ({ project_id: owner, owner, visibility, member_id: member })),
		),
	),
];
/** Debian's Glance is older: its administrators were alone there. */
const CHANGED_SINCE = new Set(['stores_info_detail']);

describe("Glance's own rules", { skip: missingPython('oslo_policy', 'glance.policies') }, () => {
	for (const newDefaults of [true, false])
		it(`decide as Glance's, ${newDefaults ? 'new' : 'legacy'} defaults, for every persona and target`, async (t) => {
			// as administrators of the context nobody is held up by Glance's looks at the owner, which are not in its rules
			const policy = createRulePolicy({ enforceNewDefaults: newDefaults, log: silentLog });
			const questions = Object.keys(DEFAULT_RULES)
				.filter((rule) => !CHANGED_SINCE.has(rule))
				.flatMap((rule) =>
					Object.entries(PERSONAS).flatMap(([persona, over]) =>
						TARGETS.map((target) => ({ newDefaults, rule, persona, ctx: caller({ ...over, admin: true }), target })),
					),
				);
			const theirs = await askPython(
				ORACLE,
				questions.map(({ ctx, ...rest }) => ({ ...rest, credentials: credentialsOf(ctx) })),
			);
			const newer = new Set<string>();
			for (const [index, { rule, persona, ctx, target }] of questions.entries()) {
				if (theirs[index] === null) newer.add(rule);
				else assert.equal(policy.allows(ctx, rule, target), theirs[index], `${rule} for ${persona} on ${JSON.stringify(target)}`);
			}
			t.diagnostic(`not in this Glance: ${[...newer].join(', ')}`);
			assert.ok(newer.size <= 7, 'most rules have been compared');
		});

	it("credentials have oslo.context's names, without what is missing", async () => {
		const contexts = Object.values(PERSONAS).map((over) => caller(over));
		const theirs = await askPython(
			ORACLE,
			contexts.map(({ user, project, roles, token = TOKEN }) => ({
				context: {
					user_id: user,
					project_id: project,
					roles,
					user_domain_id: token.userDomain,
					project_domain_id: token.projectDomain,
					domain_id: token.domain,
					system_scope: token.systemScope,
					is_admin_project: token.adminProject,
					service_user_id: token.service?.user,
					service_user_domain_id: token.service?.userDomain,
					service_project_id: token.service?.project,
					service_project_domain_id: token.service?.projectDomain,
					service_roles: token.service?.roles,
				},
			})),
		);
		for (const [index, values] of theirs.entries()) {
			const { system, ...ours } = credentialsOf({ token: TOKEN, ...contexts[index] } as RequestContext);
			const present = Object.entries(values as object).filter(([, value]) => value !== null);
			assert.deepEqual(ours, Object.fromEntries(present));
			assert.equal(system, ours.system_scope);
		}
	});
});
