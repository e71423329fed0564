import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ConfigError } from '#config/config.ts';
import { parseIni } from '#config/glance/ini.ts';
import { honoured } from '#config/glance/option.ts';
import { bool, bracketed, dict, host, int, list, multi, type OsloType, text } from '#config/glance/oslo-types.ts';
import { createValues } from '#config/glance/values.ts';

const rows = [
	...honoured('DEFAULT', { only: text }),
	...['DEFAULT', 'grp'].flatMap((group) =>
		honoured(group, {
			a: text,
			b: text,
			c: text,
			flag: bool,
			items: list,
			many: multi,
			former: { type: text, formerly: ['DEFAULT.old'] },
		}),
	),
];
const table = {
	find: (ref: string) => rows.find(({ group, name, formerly }) => ref === `${group}.${name}` || formerly.includes(ref)),
	wholeGroup: () => undefined,
	names: () => [],
	groups: [],
};

function meant(ref: string, ...texts: readonly string[]): unknown {
	return createValues(
		texts.map((content, index) => parseIni(content, `${index}.conf`)),
		table,
	).said(ref)?.value;
}

const texts = (content: string) => parseIni(content, 'x.conf').map(({ group, name, text }) => [group, name, text]);

describe('the reader', () => {
	test('takes = and : alike, the first of them', () => {
		assert.deepEqual(texts('[g]\na = b:c\nd : e=f\n'), [
			['g', 'a', 'b:c'],
			['g', 'd', 'e=f'],
		]);
	});

	test('joins indented lines, also those that look like comments, until an empty one', () => {
		assert.deepEqual(texts('[g]\na = b\n  c\n\t# d\n\ne = f\n'), [
			['g', 'a', 'b\nc\n# d'],
			['g', 'e', 'f'],
		]);
	});

	test('takes one pair of quotes off', () => {
		assert.deepEqual(texts(`[g]\na = "b "\nc = 'd"\n`), [
			['g', 'a', 'b '],
			['g', 'c', `'d"`],
		]);
	});

	test('compares groups without case, except DEFAULT', () => {
		assert.deepEqual(
			texts('[Grp]\na=1\n[DEFAULT]\na=2\n[default]\na=3').map(([group]) => group),
			['grp', 'DEFAULT', 'default'],
		);
	});

	const wrong: readonly [string, string, string][] = [
		['an option before any group', 'a = b\n', 'x.conf:1: a [group] must come before the first option'],
		['a line that is nothing', '[g]\npassword hush\n', 'x.conf:2: neither a group, an option nor a comment'],
		['a group without its bracket', '[g\n', 'x.conf:1: a group is a name in brackets'],
		['a group without a name', '[]\n', 'x.conf:1: a group is a name in brackets'],
		['an option without a name', '[g]\n= hush\n', 'x.conf:2: an option needs a name'],
		['a continuation of nothing', '[g]\n  hush\n', 'x.conf:2: an indented line continues no option'],
		['a NUL character', '[g]\na = b\0c\n', 'x.conf:2: a NUL character'],
	];
	for (const [claim, content, message] of wrong)
		test(`refuses ${claim}, without repeating it`, () => {
			assert.throws(() => parseIni(content, 'x.conf'), { name: 'ConfigError', message });
		});

	test('never fails otherwise than with a ConfigError', () => {
		fc.assert(
			fc.property(fc.string(), (content) => {
				try {
					parseIni(content, 'x');
				} catch (error) {
					assert.ok(error instanceof ConfigError);
				}
			}),
		);
	});
});

describe('types', () => {
	const cases: readonly [OsloType, string, unknown][] = [
		[bool, 'ON', true],
		[bool, '0', false],
		[int(), ' 1_000 ', 1000],
		[int(), '', undefined],
		[list, ' a, b ,,', ['a', 'b']],
		[list, '[a,b]', ['[a', 'b]']],
		[bracketed, `['a,b', "c" , d]`, ['a,b', 'c', 'd']],
		[bracketed, '[]', []],
		[
			dict,
			'a:b, c : d:e',
			new Map([
				['a', 'b'],
				['c', 'd:e'],
			]),
		], // prettier-ignore
		[host, 'glance.example.org.', 'glance.example.org'],
		[host, '::1', '::1'],
	];
	for (const [type, value, expected] of cases)
		test(`${JSON.stringify(value)} is ${JSON.stringify(expected)}`, () => assert.deepEqual(type.read(value), expected));

	const wrong: readonly [OsloType, string][] = [
		[bool, 'maybe'],
		[int({ min: 1 }), '0'],
		[int(), '1.5'],
		[bracketed, 'a,b'],
		[bracketed, '["a]'],
		[dict, 'a'],
		[dict, 'a:1,a:2'],
		[host, '10.0.0.300'],
	];
	for (const [type, value] of wrong)
		test(`${JSON.stringify(value)} is refused`, () =>
			assert.throws(
				() => type.read(value),
				(error: Error) => !error.message.includes(`"${value}"`),
			));
});

describe('values', () => {
	test('the later file wins, and in a file the later line', () => {
		assert.equal(meant('DEFAULT.a', '[DEFAULT]\na=1\na=2\n', '[DEFAULT]\nb=3\n'), '2');
		assert.equal(meant('DEFAULT.a', '[DEFAULT]\na=1\n', '[DEFAULT]\na=3\n'), '3');
	});

	test('what may be said often adds up, over files', () => {
		assert.deepEqual(meant('DEFAULT.many', '[DEFAULT]\nmany=1\nmany=2\n', '[DEFAULT]\nmany=3\n'), ['1', '2', '3']);
	});

	test('an older name counts, less than the present one of the same file', () => {
		assert.equal(meant('grp.former', '[DEFAULT]\nold=1\n'), '1');
		assert.equal(meant('grp.former', '[grp]\nformer=2\n[DEFAULT]\nold=1\n'), '2');
		assert.equal(meant('grp.former', '[grp]\nformer=2\n', '[DEFAULT]\nold=1\n'), '1');
	});

	test('$name is the option of its own group, else of [DEFAULT]; $$ is a dollar sign', () => {
		const content = `[DEFAULT]\na=1\nonly=2\n[grp]\na=3\nc=$a \${only} \${grp.a} $$a \\$a $ $9 \${\n`;
		assert.equal(meant('grp.c', content), '3 2 3 $a $a $ $9 ${');
	});

	test('what is not text is written as Python does', () => {
		assert.equal(meant('DEFAULT.c', '[DEFAULT]\nflag=on\nitems=a,b\nc=$flag $items\n'), "True ['a', 'b']");
	});

	const refused: readonly [claim: string, content: string, message: RegExp][] = [
		['an unknown reference', 'a=pa$word', /^0\.conf:2: \[DEFAULT\] a: "\$word" is no option; write \$\$ for a dollar sign$/],
		['a reference to what no file sets', 'a=$b', /"\$b" refers to an option that no file sets$/],
		['a circle', 'a=$b\nb=$c\nc=$a', /leads from option to option without an end$/],
		['a circle of one', 'a=$a', /leads from option to option without an end$/],
		['a text that doubles and doubles', `b=${'x'.repeat(40_000)}\na=$b$b`, /"\$" makes the value too long$/],
		['a million references', `b=x\na=${'$b'.repeat(400_000)}`, /makes the value too long$/],
	];
	for (const [claim, content, message] of refused)
		test(`refuses ${claim}`, () => {
			assert.throws(() => meant('DEFAULT.a', `[DEFAULT]\n${content}\n`), { name: 'ConfigError', message });
		});
});
