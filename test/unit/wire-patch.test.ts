import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { codeOf, type ErrorCode } from '#domain/errors.ts';
import { PATCH_TYPES, parseImagePatch } from '#http/wire/image-patch.ts';
import { DEFAULT_RULES } from '#http/wire/image-rules.ts';

const [V20, V21] = PATCH_TYPES;
const parse = (body: unknown) => parseImagePatch(V21, body, DEFAULT_RULES);
const parseOld = (body: unknown) => parseImagePatch(V20, body, DEFAULT_RULES);
const refused = (code: ErrorCode) => (error: unknown) => {
	assert.equal(codeOf(error), code, String(error));
	return true;
};

describe('JSON patch v2.1', () => {
	it('becomes changes in the same order', () => {
		assert.deepEqual(
			parse([
				{ op: 'replace', path: '/name', value: 'n' },
				{ op: 'add', path: '/min_disk', value: 3 },
				{ op: 'add', path: '/colour', value: 'red' },
				{ op: 'replace', path: '/colour', value: 'blue' },
				{ op: 'remove', path: '/colour' },
				{ op: 'replace', path: '/tags', value: ['a', 'b'] },
			]),
			[
				{ set: { name: 'n' } },
				{ set: { minDisk: 3 } },
				{ setProperty: 'colour', value: 'red', when: 'always' },
				{ setProperty: 'colour', value: 'blue', when: 'present' },
				{ dropProperty: 'colour' },
				{ setTags: ['a', 'b'] },
			],
		);
	});

	it('unescapes pointers', () => {
		assert.deepEqual(parse([{ op: 'add', path: '/a~1b~0c', value: 'x' }]), [
			{ setProperty: 'a/b~c', value: 'x', when: 'always' },
		]);
	});

	it('an empty list changes nothing', () => {
		assert.deepEqual(parse([]), []);
	});

	const INVALID: readonly unknown[] = [
		{},
		'x',
		[1],
		[[]],
		[null],
		[{ op: 'test', path: '/name', value: 'x' }],
		[{ op: 'move', path: '/name', from: '/x' }],
		[{ op: 'copy', path: '/name', from: '/x' }],
		[{ path: '/name', value: 'x' }],
		[{ op: 'add', path: '/name' }],
		[{ op: 'add', value: 'x' }],
		[{ op: 'add', path: 3, value: 'x' }],
		...[
			'',
			'name',
			'//name',
			'/name/',
			'/',
			'/a//b',
			'/a~2',
			'/a~',
			'/a/b',
			'/tags/-',
			'/tags/0',
			'/locations/x',
			'/locations',
		].map((path) => [{ op: 'add', path, value: 'x' }]),
		[{ op: 'remove', path: '/locations/-' }],
		[{ op: 'replace', path: '/locations/0', value: {} }],
		...[
			['/colour', null],
			['/colour', 3],
			['/name', 'n'.repeat(256)],
			['/name', '\ud800'],
			['/name', 'a\0'],
			['/visibility', 'secret'],
			['/protected', 'true'],
			['/min_disk', -1],
			['/min_ram', 2 ** 31],
			['/min_ram', 1.5],
			['/min_ram', null],
			['/disk_format', 'zip'],
			['/tags', 'a'],
			['/tags', ['a'.repeat(256)]],
			['/__proto__', 'x'],
			['/kernel_id', 'not-a-uuid'],
		].map(([path, value]) => [{ op: 'replace', path, value }]),
	];
	for (const body of INVALID)
		it(`is invalid: ${JSON.stringify(body).slice(0, 70)}`, () => {
			assert.throws(() => parse(body), refused('invalid'));
		});

	const READ_ONLY =
		'created_at updated_at status checksum size virtual_size direct_url self file schema id os_hash_algo os_hash_value stores';
	for (const name of `${READ_ONLY} location deleted deleted_at os_glance_failed_import`.split(' '))
		it(`${name} is not the client's`, () => {
			assert.throws(() => parse([{ op: 'replace', path: `/${name}`, value: 'x' }]), refused('forbidden'));
		});

	it('base properties may not be removed', () => {
		for (const path of ['/name', '/tags', '/visibility', '/owner', '/min_ram'])
			assert.throws(() => parse([{ op: 'remove', path }]), refused('forbidden'));
	});

	it('locations may not be touched in any form', () => {
		const ops = [
			{ op: 'add', path: '/locations/-', value: {} },
			{ op: 'add', path: '/locations/1', value: {} },
			{ op: 'remove', path: '/locations/0' },
			{ op: 'replace', path: '/locations', value: [] },
		];
		for (const op of ops) assert.throws(() => parse([op]), refused('forbidden'));
	});
});

describe('JSON patch v2.0', () => {
	it('names the operation by its key, and adds only what is missing', () => {
		assert.deepEqual(parseOld([{ add: '/colour', value: 'red' }, { replace: '/name', value: 'n' }, { remove: '/x' }]), [
			{ setProperty: 'colour', value: 'red', when: 'absent' },
			{ set: { name: 'n' } },
			{ dropProperty: 'x' },
		]);
	});
	it('cannot add a base property: it is always there', () => {
		assert.throws(() => parseOld([{ add: '/name', value: 'n' }]), refused('conflict'));
	});
	it('needs exactly one operation', () => {
		for (const item of [{}, { add: '/a', remove: '/a', value: 'x' }, { op: 'add', path: '/a', value: 'x' }])
			assert.throws(() => parseOld([item]), refused('invalid'));
	});
});

it('any JSON is parsed or refused with a code', () => {
	fc.assert(
		fc.property(
			fc.constantFrom(...PATCH_TYPES),
			fc.array(fc.dictionary(fc.constantFrom('op', 'path', 'value', 'add', 'remove', 'replace'), fc.jsonValue())),
			(type, body) => {
				try {
					parseImagePatch(type, body, DEFAULT_RULES);
					return true;
				} catch (error) {
					return codeOf(error) !== undefined;
				}
			},
		),
	);
});
