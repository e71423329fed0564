import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { codeOf } from '#domain/errors.ts';
import { parseListQuery, splitQuoted } from '#http/wire/filters.ts';

const parse = (query: string) => parseListQuery(new URLSearchParams(query));
const filtersOf = (query: string) => parse(query).filters.filter((filter) => filter.field !== 'hidden');
const DEFAULT_SORT = [
	{ key: 'createdAt', descending: true },
	{ key: 'id', descending: true },
];

describe('list parameters', () => {
	it('by default: the newest 25 that are not hidden', () => {
		assert.deepEqual(parse(''), {
			filters: [{ field: 'hidden', is: false }],
			sort: DEFAULT_SORT,
			limit: 25,
			withCommunity: false,
		});
	});

	const FILTERS: readonly (readonly [query: string, filters: readonly object[]])[] = [
		['name=x', [{ field: 'name', oneOf: ['x'] }]],
		['name=eq:x:y', [{ field: 'name', oneOf: ['x:y'] }]],
		['name=in:a,"b,c","d\\"e",', [{ field: 'name', oneOf: ['a', 'b,c', 'd"e', ''] }]],
		['status=in:queued,active', [{ field: 'status', oneOf: ['queued', 'active'] }]],
		['container_format=bare', [{ field: 'containerFormat', oneOf: ['bare'] }]],
		['checksum=in:a', [{ field: 'checksum', oneOf: ['in:a'] }]],
		['owner=p', [{ field: 'owner', oneOf: ['p'] }]],
		['size_min=3', [{ field: 'size', min: 3 }]],
		['size_min=%2B3', [{ field: 'size', min: 3 }]],
		['virtual_size_max=3', [{ field: 'virtualSize', max: 3 }]],
		['min_ram=3', [{ field: 'minRam', min: 3, max: 3 }]],
		['protected=true', [{ field: 'protected', is: true }]],
		['visibility=public', [{ field: 'visibility', is: 'public' }]],
		['visibility=all', []],
		[
			'tag=a&tag=b',
			[
				{ field: 'tag', value: 'a' },
				{ field: 'tag', value: 'b' },
			],
		],
		['os_distro=in:a', [{ field: 'property', name: 'os_distro', value: 'in:a' }]],
		['is_public=true', [{ field: 'property', name: 'is_public', value: 'true' }]],
		['name=x&name=y', [{ field: 'name', oneOf: ['y'] }]],
		['deleted=true', []],
		['created_at=gte:2026-01-02T03:04:05Z', [{ field: 'createdAt', op: 'gte', value: Date.UTC(2026, 0, 2, 3, 4, 5) }]],
		[
			'updated_at=lt:2026-01-02T03:04:05.5%2B01:00',
			[{ field: 'updatedAt', op: 'lt', value: Date.UTC(2026, 0, 2, 2, 4, 5, 500) }],
		],
		['created_at=lte:2026-01-02T03:04:05', [{ field: 'createdAt', op: 'lt', value: Date.UTC(2026, 0, 2, 3, 4, 6) }]],
		[
			'created_at=2026-01-02',
			[
				{ field: 'createdAt', op: 'gte', value: Date.UTC(2026, 0, 2) },
				{ field: 'createdAt', op: 'lt', value: Date.UTC(2026, 0, 2, 0, 0, 1) },
			],
		],
		...[
			'2026',
			'2026-01',
			'2026-1-1',
			'20260101',
			'20260101T000000Z',
			'2026-01-01 00:00',
			'2026-01-01T01:00%2B01',
			'20260101T0030%2B0030',
		].map((time): readonly [string, readonly object[]] => [
			`created_at=gte:${time}`,
			[{ field: 'createdAt', op: 'gte', value: Date.UTC(2026, 0, 1) }],
		]),
		[
			'created_at=gte:2024-02-29T23:59:59.999999-11:30',
			[{ field: 'createdAt', op: 'gte', value: Date.UTC(2024, 2, 1, 11, 29, 59, 999) }],
		],
	];
	for (const [query, filters] of FILTERS) it(query, () => assert.deepEqual(filtersOf(query), filters));

	it('os_hidden is said in any case and replaces the default', () => {
		assert.deepEqual(parse('os_hidden=TRUE').filters, [{ field: 'hidden', is: true }]);
	});
	it('community images are listed when asked for', () => {
		assert.equal(parse('visibility=community').withCommunity, true);
		assert.equal(parse('visibility=all').withCommunity, true);
		assert.equal(parse('visibility=public').withCommunity, false);
	});
	it('member_status is no filter, and accepted when it is not said', () => {
		for (const status of ['pending', 'accepted', 'rejected', 'all'] as const) {
			const { memberStatus, filters } = parse(`member_status=${status}`);
			assert.deepEqual([memberStatus, filters], [status, parse('').filters]);
		}
		assert.equal(parse('').memberStatus, undefined);
	});
	it('an empty visibility matches nothing', () => {
		assert.equal(parse('visibility=').limit, 0);
	});
	it('a limit is capped, and may be nothing', () => {
		assert.equal(parse('limit=5000').limit, 1000);
		assert.equal(parse('limit=0').limit, 0);
		assert.equal(parse('limit=%2B3').limit, 3);
		assert.equal(parse('limit=99999999999999999999').limit, 1000);
	});
	it('a marker is passed on', () => {
		assert.equal(parse('marker=x').marker, 'x');
	});

	const INVALID = [
		...[
			'limit=-1',
			'limit=x',
			'limit=1.5',
			'limit=',
			'changes-since=x',
			'visibility=secret',
			'member_status=x',
			'os_hidden=x',
			'protected=True',
		],
		...['name=neq:x', 'status=like:x', 'id=a:b', 'name=in:"a', 'name=in:a"b"', 'size_min=x', 'size=x', 'foo_min=1', 'name_max=3'],
		...[
			'created_at=x',
			'created_at=foo:2026-01-02',
			'created_at=gt:tomorrow',
			'created_at=2026-13-45',
			'created_at=2026-02-29',
			'created_at=2026-01-01T24:00',
			'created_at=2026-01-01T00:00:60',
			'created_at=2026-W01',
			'created_at=',
		],
		...[
			'sort=size&sort_key=name',
			'sort=foo',
			'sort=name:up',
			'sort=name:asc:x',
			'sort_key=foo',
			'sort_key=__proto__',
			'sort_dir=up',
			'sort_key=name&sort_dir=asc&sort_dir=desc',
		],
	];
	for (const query of INVALID)
		it(`is invalid: ${query}`, () =>
			assert.throws(
				() => parse(query),
				(error) => codeOf(error) === 'invalid',
			));
});

describe('sorting is made total', () => {
	const sortOf = (query: string) =>
		parse(query)
			.sort.map(({ key, descending }) => `${key}${descending ? '-' : '+'}`)
			.join(' ');
	const CASES: readonly (readonly [string, string])[] = [
		['sort_key=name', 'name- createdAt- id-'],
		['sort_key=name&sort_dir=asc', 'name+ createdAt+ id+'],
		['sort_dir=asc', 'createdAt+ id+'],
		['sort_key=name&sort_key=size&sort_dir=asc', 'name+ size+ createdAt+ id+'],
		['sort_key=name&sort_key=size&sort_dir=asc&sort_dir=desc', 'name+ size- createdAt- id-'],
		['sort=name:asc,size', 'name+ size- createdAt- id-'],
		['sort=name:asc', 'name+ createdAt+ id+'],
		['sort=%20name:asc%20,%20size:', 'name+ size- createdAt- id-'],
		['sort_key=%20name', 'name- createdAt- id-'],
		['sort=id:asc', 'id+ createdAt+'],
	];
	for (const [query, expected] of CASES) it(query, () => assert.equal(sortOf(query), expected));
});

it('quoted lists', () => {
	assert.deepEqual(splitQuoted('a,b'), ['a', 'b']);
	assert.deepEqual(splitQuoted('"a\\\\b"'), ['a\\b']);
	assert.deepEqual(splitQuoted(''), ['']);
});
