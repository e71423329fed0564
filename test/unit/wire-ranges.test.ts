import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { codeOf } from '#domain/errors.ts';
import { holdsAlready, rangeApplies } from '#http/wire/conditions.ts';
import { requestedRange } from '#http/wire/ranges.ts';

const SIZE = 10;
const UNSATISFIABLE = 'unsatisfiable';

describe('a Range of ten bytes is read as Glance reads it', () => {
	const cases: readonly (readonly [header: string, expected: readonly [number, number] | typeof UNSATISFIABLE])[] = [
		['bytes=0-4', [0, 5]],
		['bytes=0-0', [0, 1]],
		['bytes=9-9', [9, 10]],
		['bytes=4-', [4, 10]],
		['bytes=4-100', [4, 10]],
		['bytes=-2', [8, 10]],
		['bytes=-20', [0, 10]],
		['bytes=0-99999999999999999999999', [0, 10]],
		['bytes=10-', UNSATISFIABLE],
		['bytes=99999999999999999999999-', UNSATISFIABLE],
		['bytes=-0', UNSATISFIABLE],
		['bytes=5-2', UNSATISFIABLE],
		['bytes=-', UNSATISFIABLE],
		['bytes=', UNSATISFIABLE],
		['bytes=a-b', UNSATISFIABLE],
		['bytes=1-2x', UNSATISFIABLE],
		['lines=1-2', UNSATISFIABLE],
		['foo', UNSATISFIABLE],
		['', UNSATISFIABLE],
	];
	for (const [range, expected] of cases)
		it(range === '' ? 'an empty header' : range, () => {
			const wanted = requestedRange({ range }, SIZE);
			if (expected === UNSATISFIABLE) assert.equal(wanted.kind, UNSATISFIABLE);
			else assert.deepEqual(wanted, { kind: 'part', range: { start: expected[0], end: expected[1] } });
		});

	it('several ranges are invalid', () => {
		assert.throws(
			() => requestedRange({ range: 'bytes=0-1,3-4' }, SIZE),
			(error) => codeOf(error) === 'invalid',
		);
	});

	it('no header asks for the whole', () => {
		assert.deepEqual(requestedRange({}, SIZE), { kind: 'whole' });
	});

	it('nothing can be had of an empty image', () => {
		assert.equal(requestedRange({ range: 'bytes=0-' }, 0).kind, UNSATISFIABLE);
	});
});

describe('the legacy Content-Range request header', () => {
	it('names bytes of the image', () => {
		for (const contentRange of ['bytes 1-3/*', 'bytes 1-3/10'])
			assert.deepEqual(requestedRange({ contentRange }, SIZE), { kind: 'part', range: { start: 1, end: 4 } });
	});
	it('cannot reach beyond the image, nor speak of another size', () => {
		for (const contentRange of ['bytes 1-10/*', 'bytes 1-3/11', 'bytes 3-1/*', 'foo'])
			assert.equal(requestedRange({ contentRange }, SIZE).kind, UNSATISFIABLE);
	});
	it('gives way to Range', () => {
		assert.deepEqual(requestedRange({ range: 'bytes=0-0', contentRange: 'bytes 5-6/*' }, SIZE), {
			kind: 'part',
			range: { start: 0, end: 1 },
		});
	});
});

it('whatever is sent, a part lies within the image and is not empty', () => {
	const numbers = fc.oneof(
		fc.nat({ max: 30 }).map(String),
		fc.constant(''),
		fc.constant('-1'),
		fc.constant('99999999999999999999'),
	);
	fc.assert(
		fc.property(numbers, numbers, fc.nat({ max: 20 }), (first, last, size) => {
			const wanted = requestedRange({ range: `bytes=${first}-${last}` }, size);
			if (wanted.kind !== 'part') return true;
			const { start, end } = wanted.range;
			return Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start < end && end <= size;
		}),
	);
});

describe('conditions', () => {
	it('If-None-Match holds for the tag, strong or weak, in a list, and for a star', () => {
		for (const header of ['"a"', 'W/"a"', '"b", "a"', '*']) assert.equal(holdsAlready(header, '"a"'), true, header);
		for (const header of [undefined, '"b"', 'a', '']) assert.equal(holdsAlready(header, '"a"'), false, String(header));
	});
	it('If-Range lets a part pass only for the very same strong tag', () => {
		assert.equal(rangeApplies(undefined, '"a"'), true);
		assert.equal(rangeApplies('"a"', '"a"'), true);
		for (const header of ['W/"a"', '"b"', 'Mon, 23 Nov 2026 10:00:00 GMT']) assert.equal(rangeApplies(header, '"a"'), false);
	});
});
