/**
 * Whatever anybody does with a few images and namespaces, this server and Debian's Glance do the same. The same sequences
 * in each run, so that a run says something of the change it is made for; `TEST_SEED=random` looks further, and a failure
 * names its seed and the shortest sequence that shows the difference.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { openReference } from '../support/reference.ts';
import { findAllowed } from './differential/allowed.ts';
import { createPair } from './differential/pair.ts';
import type { Difference } from './differential/portrait.ts';
import { sequences } from './differential/sequences.ts';
import { nameOf, type Step } from './differential/step.ts';
import { type Sundog, startSundog } from './differential/sundog.ts';

const RUNS = 25;
const FIXED_SEED = '20261125';
/** Shrinking asks real servers: it may not take for ever. */
const TIME_LIMIT_MS = 200_000;

const reference = await openReference();
let sundog: Sundog | undefined;
before(async () => {
	if (reference.missing === false) sundog = await startSundog(reference.cloud);
});
after(async () => {
	await sundog?.[Symbol.asyncDispose]();
	if (reference.missing === false) await reference.cloud[Symbol.asyncDispose]();
});

/** A request with two faults may be refused for either. */
function areTwoFaults({ at, glance, sundog }: Difference): boolean {
	const isRefusal = (status: unknown) => Number(status) >= 400 && Number(status) < 500;
	return at === 'status' && isRefusal(glance) && isRefusal(sundog);
}

async function agree(steps: readonly Step[]): Promise<void> {
	if (reference.missing !== false || sundog === undefined) return;
	const pair = createPair(reference.cloud, sundog.url);
	try {
		for (const step of steps) {
			const { found } = await pair.ask(step);
			const left = found.filter((difference) => !areTwoFaults(difference) && findAllowed(step, difference) === undefined);
			assert.deepEqual(left, [], nameOf(step));
		}
	} finally {
		await pair.clear();
	}
}

test('any sequence of operations ends the same', { skip: reference.missing }, async (t) => {
	const { TEST_SEED: wanted = FIXED_SEED } = process.env;
	const seed = wanted === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(wanted);
	t.diagnostic(`seed ${seed}: TEST_SEED=${seed} repeats it`);
	const property = fc.asyncProperty(sequences, agree);
	await fc.assert(property, { seed, numRuns: RUNS, interruptAfterTimeLimit: TIME_LIMIT_MS, markInterruptAsFailure: false });
});
