/** The same requests to this server and to Debian's Glance, behind the same Keystone: the answers must be the same. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openReference } from '../support/reference.ts';
import { ALLOWED, type Allowed, findAllowed } from './differential/allowed.ts';
import { createPair, type Pair } from './differential/pair.ts';
import { SCENARIOS } from './differential/scenarios/index.ts';
import { nameOf, type Step } from './differential/step.ts';
import { startSundog } from './differential/sundog.ts';

const reference = await openReference();
const used = new Set<Allowed>();
let sundog: Awaited<ReturnType<typeof startSundog>>;

before(async () => {
	if (reference.missing === false) sundog = await startSundog(reference.cloud);
});
after(async () => {
	await sundog?.[Symbol.asyncDispose]();
	if (reference.missing === false) await reference.cloud[Symbol.asyncDispose]();
});

async function same(pair: Pair, step: Step): Promise<void> {
	const { found, glance, sundog } = await pair.ask(step);
	const left = found.filter((difference) => {
		const entry = findAllowed(step, difference);
		if (entry !== undefined) used.add(entry);
		return entry === undefined;
	});
	if (left.length === 0) return;
	const texts = { glance: glance.bytes.toString().slice(0, 600), sundog: sundog.bytes.toString().slice(0, 600) };
	assert.fail(`answers differ\n${left.map((each) => `  ${JSON.stringify(each)}`).join('\n')}\n${JSON.stringify(texts, null, 1)}`);
}

for (const { title, steps } of SCENARIOS)
	describe(title, { skip: reference.missing }, () => {
		let pair: Pair;
		before(() => {
			if (reference.missing === false) pair = createPair(reference.cloud, sundog.url);
		});
		after(() => pair?.clear());
		for (const step of steps) it(nameOf(step), () => same(pair, step));
	});

describe('the list of allowed differences', { skip: reference.missing }, () => {
	for (const entry of ALLOWED)
		it(`still needed: ${entry.reason}`, () => assert.ok(used.has(entry), 'no answer differs in this way any more'));
});
