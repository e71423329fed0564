/** Ops about metadata definitions that other nodes may send: what has another shape is refused before it is folded. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assertOp } from '#catalogue/registry/op-shape.ts';
import { codeOf } from '#domain/errors.ts';

const schema = { type: 'string', title: 't' };
const fields = { displayName: null, description: null, visibility: 'public', protected: false, owner: null };
const put = (kind: unknown, ...values: readonly unknown[]) => ({
	type: 'metadef.put',
	id: 'n',
	kind,
	items: values.map((value) => ({ value })),
});

const GOOD: readonly unknown[] = [
	{ type: 'metadef.create', id: 'n', fields },
	{ type: 'metadef.create', id: 'a/b ☃', fields, createdAt: 0 },
	{ type: 'metadef.update', id: 'n', set: {} },
	put('property', { name: '__proto__', schema }),
	put('object', { name: 'o', description: null, required: null, properties: [{ name: '', schema }] }),
	put('tag'),
	put('association', { name: 'a', prefix: '', propertiesTarget: null }),
	{ type: 'metadef.drop', id: 'n', kind: 'tag', names: [] },
	{ type: 'metadef.delete', id: 'n' },
];

const BAD: Readonly<Record<string, unknown>> = {
	'no name': { type: 'metadef.create', id: '', fields },
	'a name too long': { type: 'metadef.delete', id: 'x'.repeat(1025) },
	'half a character': { type: 'metadef.delete', id: '\ud800' },
	'a name that is no text': { type: 'metadef.delete', id: 5 },
	'a field missing': { type: 'metadef.create', id: 'n', fields: { ...fields, owner: undefined } },
	'another visibility': { type: 'metadef.update', id: 'n', set: { visibility: 'shared' } },
	'an unknown field': { type: 'metadef.update', id: 'n', set: { site: 'mine' } },
	'a time before time': { type: 'metadef.create', id: 'n', fields, createdAt: -1 },
	'a time that is none': { type: 'metadef.create', id: 'n', fields, createdAt: 1.5 },
	'no kind': { type: 'metadef.put', id: 'n', items: [] },
	'an unknown kind': put('toString', { name: 'x' }),
	'a value of another kind': put('tag', { name: 'x', schema }),
	'an item twice': put('tag', { name: 'x' }, { name: 'x' }),
	'too many items': put('tag', ...Array.from({ length: 1025 }, (_, n) => ({ name: `${n}` }))),
	'an item that was nobody': { type: 'metadef.put', id: 'n', kind: 'tag', items: [{ was: '', value: { name: 'x' } }] },
	'a property without type': put('property', { name: 'x', schema: { title: 't' } }),
	'a key that is none': put('property', { name: 'x', schema: { ...schema, extra: 1 } }),
	'a key of a prototype': put('property', { name: 'x', schema: JSON.parse('{"type":"string","title":"t","__proto__":{}}') }),
	'a bound that is no number': put('property', { name: 'x', schema: { ...schema, minimum: Number.NaN } }),
	'a length below nothing': put('property', { name: 'x', schema: { ...schema, minLength: -1 } }),
	'a default that is no text': put('property', { name: 'x', schema: { ...schema, default: {} } }),
	'items without type': put('property', { name: 'x', schema: { ...schema, items: {} } }),
	'properties as a map': put('object', { name: 'o', description: null, required: null, properties: { a: schema } }),
	'a text too long': put('object', { name: 'o', description: 'x'.repeat(65_536), required: null, properties: null }),
	'names that are none': { type: 'metadef.drop', id: 'n', kind: 'tag', names: [5] },
};

describe('ops about metadata definitions', () => {
	it('of the right shape are taken', () => {
		for (const op of GOOD) assertOp(op);
	});

	for (const [what, op] of Object.entries(BAD))
		it(`with ${what} are refused`, () => {
			assert.throws(
				() => assertOp(op),
				(error) => codeOf(error) === 'invalid',
			);
		});
});
