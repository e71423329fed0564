/** The rule language against oslo.policy itself: random rules, credentials and targets, and every answer the same. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { evaluate } from '#policy/evaluate.ts';
import { PythonError } from '#policy/python-text.ts';
import { parseRule } from '#policy/rule.ts';
import { type PolicyQuestion, policyQuestion } from '../support/policy-questions.ts';

const PYTHON = '/usr/bin/python3';
const ORACLE = fileURLToPath(new URL('oslo-policy.py', import.meta.url));
const CASES = Number(process.env.SUNDOG_POLICY_CASES ?? 100_000);
const SEED = Number(process.env.SUNDOG_POLICY_SEED ?? Math.floor(Math.random() * 2 ** 31));
const SHOWN = 5;

const absent = spawnSync(PYTHON, ['-c', 'import oslo_policy']).status === 0 ? false : 'python3-oslo.policy is not installed';

/** One process answers all; where Python raises, its caller fails and nobody gets in. */
async function answersOfOslo(questions: readonly PolicyQuestion[]): Promise<readonly string[]> {
	const oracle = spawn(PYTHON, [ORACLE], { stdio: ['pipe', 'pipe', 'inherit'] });
	Readable.from(questions.map((question) => `${JSON.stringify(question)}\n`)).pipe(oracle.stdin);
	const ended = once(oracle, 'close');
	const answers = await Array.fromAsync(createInterface({ input: oracle.stdout }));
	assert.deepEqual(await ended, [0, null], 'the oracle fell');
	return answers;
}

function answerOfOurs({ rules, rule, credentials, target }: PolicyQuestion): boolean {
	const table = new Map(Object.entries(rules).map(([name, source]) => [name, parseRule(source).rule]));
	const get = (name: string) => table.get(name) ?? table.get('default');
	const remote = () => {
		throw new PythonError('nobody is asked');
	};
	const found = get(rule);
	return found !== undefined && evaluate(found, { rules: { get }, credentials, target, remote });
}

it(`${CASES} random rules are answered as oslo.policy answers them`, { skip: absent, timeout: 600_000 }, async (t) => {
	t.diagnostic(`seed ${SEED}`);
	const questions = fc.sample(policyQuestion, { numRuns: CASES, seed: SEED });
	const theirs = await answersOfOslo(questions);
	assert.equal(theirs.length, questions.length);
	const tally = { true: 0, false: 0, raises: 0 };
	for (const answer of theirs) tally[answer as keyof typeof tally]++;
	t.diagnostic(`oslo.policy says: ${JSON.stringify(tally)}`);
	for (const count of Object.values(tally)) assert.ok(count > CASES / 50, 'the questions are one-sided');
	const different = questions.filter((question, index) => answerOfOurs(question) !== (theirs[index] === 'true'));
	// the shortest say most
	const shown = different
		.map((question) => JSON.stringify(question))
		.sort((a, b) => a.length - b.length)
		.slice(0, SHOWN);
	assert.equal(different.length, 0, `seed ${SEED}: ${different.length} differ, such as\n${shown.join('\n')}`);
});
