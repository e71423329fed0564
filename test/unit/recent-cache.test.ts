import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { recentCache } from '#lib/recent-cache.ts';

describe('a cache of what was used of late', () => {
	it('keeps the latest half of its room, however often others were used before', () => {
		const cache = recentCache<number>(8);
		for (let n = 0; n < 100; n++) cache.set(String(n), n);
		assert.deepEqual([96, 97, 98, 99].map(String).map(cache.get), [96, 97, 98, 99]);
	});
	it('keeps what is asked for again and again', () => {
		const cache = recentCache<string>(8);
		cache.set('dear', 'value');
		for (let n = 0; n < 100; n++) {
			assert.equal(cache.get('dear'), 'value');
			cache.set(String(n), 'other');
		}
	});
	it('never gives a value that was replaced, nor keeps more than its room', () => {
		const use = fc.record({ key: fc.constantFrom(...'abcdefghij'), look: fc.boolean() });
		fc.assert(
			fc.property(fc.integer({ min: 1, max: 9 }), fc.array(use, { maxLength: 200 }), (max, uses) => {
				const cache = recentCache<number>(max);
				const latest = new Map<string, number>();
				for (const [at, { key, look }] of uses.entries()) {
					if (look) assert.ok([undefined, latest.get(key)].includes(cache.get(key)));
					else {
						cache.set(key, at);
						latest.set(key, at);
					}
				}
				// asking moves what is found and may push out what is asked for later: no more is found than was held
				const kept = [...latest.keys()].filter((key) => cache.get(key) !== undefined);
				assert.ok(kept.length <= max, `${kept.length} of ${max}`);
			}),
		);
	});
});
