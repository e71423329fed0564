import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { codeOf, type ErrorCode } from '#domain/errors.ts';
import { readSchemaFile } from '#http/schema-file.ts';
import { ATTRIBUTES } from '#http/wire/attributes.ts';
import { customProperties, SHIPPED_PROPERTIES } from '#http/wire/custom-properties.ts';
import { temporaryDir } from '../support/temporary-dir.ts';

const of = (document: unknown) => customProperties(document, ATTRIBUTES);
const refused = (code: ErrorCode) => (error: unknown) => codeOf(error) === code;

describe('a described property', () => {
	const CASES: readonly (readonly [schema: object, good: readonly unknown[], bad: readonly unknown[]])[] = [
		[{ type: 'string' }, ['', 'x'], [null, 3, true, [], {}]],
		[{ type: 'integer' }, [0, -3, 2 ** 53 - 1], ['3', 1.5, null, true, 2 ** 60]],
		[{ type: 'number', minimum: 1, maximum: 2 }, [1, 1.5, 2], [0.9, 2.1, '1']],
		[{ type: 'number', minimum: 1, exclusiveMinimum: true, exclusiveMaximum: 2 }, [1.5], [1, 2]],
		[{ type: 'boolean' }, [true, false], ['true', 0, null]],
		[{ type: ['null', 'string'], pattern: '^a' }, [null, 'ab'], ['b', 3]],
		[{ enum: ['a', 3, null] }, ['a', 3, null], ['b', '3', false]],
		[{ const: 'x' }, ['x'], ['y']],
		[{ type: 'string', minLength: 2, maxLength: 3 }, ['ab', '\u{1f600}\u{1f600}\u{1f600}'], ['a', 'abcd']],
		[{ type: 'integer', multipleOf: 3 }, [9, 0], [10]],
		[
			{ type: 'array', items: { type: 'integer' }, minItems: 1, maxItems: 2, uniqueItems: true },
			[[1], [1, 2]],
			[[], ['1'], [1, 1]],
		],
		[{ type: 'object' }, [{}, { a: [1] }], [[], null, 'x']],
		[{ anyOf: [{ type: 'integer' }, { enum: ['auto'] }] }, [3, 'auto'], ['x', null]],
		[{ type: 'number', oneOf: [{ type: 'integer' }, { minimum: 5 }] }, [3, 5.5], [6]],
		[{ allOf: [{ type: 'string' }, { not: { enum: ['no'] } }] }, ['yes'], ['no', 3]],
		[{ type: 'string', format: 'x', description: 'd', default: 3, unknown: 1 }, ['x'], [3]],
	];
	for (const [schema, good, bad] of CASES)
		it(`takes what ${JSON.stringify(schema).slice(0, 70)} says, and shows it again`, () => {
			const { toText, toValue } = of({ it: schema });
			for (const value of good) assert.deepEqual(toValue('it', toText('it', value)), value);
			for (const value of bad) assert.throws(() => toText('it', value), refused('invalid'), JSON.stringify(value));
		});
	it('that is not described is a string', () => {
		const { toText, toValue } = of({ it: { type: 'integer' } });
		assert.equal(toValue('other', toText('other', '3')), '3');
		for (const value of [null, 3, true, {}]) assert.throws(() => toText('other', value), refused('invalid'));
	});
	it('shows text from before it was described as it is', () => {
		assert.equal(of({ it: { type: 'integer' } }).toValue('it', 'many'), 'many');
	});
	it('of Glance: null where that may be', () => {
		const { toText, toValue } = SHIPPED_PROPERTIES;
		assert.equal(toValue('kernel_id', toText('kernel_id', null)), null);
		assert.throws(() => toText('os_distro', null), refused('invalid'));
		assert.throws(() => toText('cinder_encryption_key_deletion_policy', 'perhaps'), refused('invalid'));
	});
	it('of any type comes back as it went in', () => {
		const value = fc.oneof(fc.string(), fc.maxSafeInteger(), fc.boolean(), fc.array(fc.integer()), fc.constant(null));
		const { toText, toValue } = of({ it: { type: ['integer', 'boolean', 'array', 'null'] } });
		fc.assert(
			fc.property(value, (given) => {
				if (typeof given !== 'string') assert.deepEqual(toValue('it', toText('it', given)), given);
				else assert.throws(() => toText('it', given), refused('invalid'));
			}),
		);
	});
});

describe('a schema file', () => {
	it('is flat, or names what every image needs', () => {
		assert.deepEqual(of({ it: { type: 'string' } }).required, []);
		const extended = of({ properties: { it: { type: 'string' }, type: { type: 'string' } }, required: ['it'] });
		assert.deepEqual([Object.keys(extended.schemas), extended.required], [['it', 'type'], ['it']]);
		for (const required of [null, undefined, []]) assert.deepEqual(of({ properties: {}, required }).required, []);
	});
	const BAD: readonly unknown[] = [
		...[
			[],
			'x',
			null,
			{ it: 3 },
			{ it: { type: 'text' } },
			{ it: { type: [] } },
			{ it: { pattern: '(' } },
			{ it: { pattern: 3 } },
		],
		...[{ it: { enum: 'x' } }, { it: { minLength: 'x' } }, { it: { items: 3 } }, { it: { anyOf: {} } }, { it: { anyOf: [3] } }],
		...['name', 'status', 'id', 'tags', 'locations', 'self', 'os_hash_value'].map((name) => ({ [name]: { type: 'string' } })),
		...[
			{ properties: {}, required: 'it' },
			{ properties: {}, required: [3] },
		],
	];
	for (const document of BAD)
		it(`is refused: ${JSON.stringify(document)}`, () => assert.throws(() => of(document), refused('invalid')));

	it('is named when it is bad, or missing', async () => {
		await using folder = await temporaryDir();
		const path = join(folder.path, 'schema-image.json');
		const reading = () => readSchemaFile(path);
		const says = (what: RegExp) => (error: Error) =>
			codeOf(error) === 'invalid' && error.message.startsWith(path) && what.test(error.message);
		await assert.rejects(reading, says(/ENOENT/));
		await writeFile(path, '{"it": ');
		await assert.rejects(reading, says(/JSON/));
		await writeFile(path, '{"it": {"items": {"type": "text"}}}');
		await assert.rejects(reading, says(/it\.items\.type names a type that there is not/));
		await writeFile(path, '{"properties": {"it": {"type": "integer"}}, "required": ["it"]}');
		assert.deepEqual((await reading()).required, ['it']);
	});
});
