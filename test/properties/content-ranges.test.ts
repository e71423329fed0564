/** Whatever ranges are read in whatever order, by whom and from whom: the bytes are those of the content. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MiB } from '#lib/sizes.ts';
import { storeSource, testSources } from '../support/block-sources.ts';
import { chunks, openContent, put, readAll } from '../support/open-content.ts';
import { patternBytes } from '../support/pattern.ts';

const SIZE = 6 * MiB + 1234;

interface Range {
	readonly start: number;
	readonly end: number;
}

/** Mostly near block borders, where mistakes live. */
const offset = fc.oneof(
	fc.integer({ min: 0, max: SIZE }),
	fc
		.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: -2, max: 2 }))
		.map(([block, off]) => Math.min(SIZE, Math.max(0, block * MiB + off))),
);
const ranges: fc.Arbitrary<Range> = fc.tuple(offset, offset).map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) }));
const steps = fc.array(fc.record({ ranges: fc.array(ranges, { minLength: 1, maxLength: 4 }), reopen: fc.boolean() }), {
	minLength: 1,
	maxLength: 4,
});

test('ranges read through two holders, one of which lies now and then, are those of the content', {
	timeout: 180_000,
}, async () => {
	await using far = await openContent({ base: '/dev/shm' });
	const bytes = Buffer.from(patternBytes(SIZE));
	bytes.fill(0, 2 * MiB, 3 * MiB);
	bytes.copy(bytes, 4 * MiB, 0, MiB);
	const { content } = await put(far.store, chunks(bytes));
	await fc.assert(
		fc.asyncProperty(steps, fc.integer({ min: 0, max: 6 }), fc.boolean(), async (plan, lie, shareBlocks) => {
			const liar = storeSource('liar', far.store, { spoil: (index, into) => void (index === lie && into.fill(7, 0, 1)) });
			const honest = storeSource('honest', far.store);
			let near = await openContent({ sources: testSources(liar, honest), shareBlocks, base: '/dev/shm' });
			for (const step of plan) {
				const read = await Promise.all(step.ranges.map((range) => readAll(near.store, content, range)));
				for (const [at, { start, end }] of step.ranges.entries())
					assert.ok(read[at]?.equals(bytes.subarray(start, end)), `${start}-${end}`);
				if (step.reopen) near = await near.reopened();
			}
			await near[Symbol.asyncDispose]();
		}),
		{ numRuns: 60 },
	);
});
