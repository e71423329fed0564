/** Random questions of policy: rules as operators write and miswrite them, over credentials and targets of any shape. */
import fc from 'fast-check';
import type { RuleSource } from '#policy/rule.ts';

export interface PolicyQuestion {
	readonly rules: Readonly<Record<string, RuleSource>>;
	readonly rule: string;
	readonly credentials: Readonly<Record<string, unknown>>;
	readonly target: Readonly<Record<string, unknown>>;
}

/** Few, so that the two sides of a check often meet. */
const WORDS = [
	'p',
	'None',
	'True',
	'1',
	'1.5',
	"['p']",
	'member',
	'ADMIN',
	'é',
	"it's",
	'',
	'[]',
	'{}',
	'%',
	"{'id': 'p'}",
	'😀',
];
const KEYS = ['project_id', 'owner', 'user', 'id', 'roles', 'list', 'a.b', 'None', 'é', 'a)b', 'x'];
const NAMES = ['first', 'second', 'third', 'default', 'unknown', 'loop', ''];
const LITERALS = [
	"'p'",
	'"p"',
	'None',
	'True',
	'False',
	'1',
	'-1',
	'--1',
	'0x1',
	'0b1',
	'1.5',
	'1.50',
	'1e3',
	'1E400',
	'.5',
	'007',
	'00',
	'1_000',
	'1__0',
	'()',
	'(1,)',
	"('p',1.0)",
	"['p']",
	'[]',
	'[[1],None,True]',
	'{}',
	"b'p'",
	"r'\\p'",
	"'\\x70'",
	"'\\u00e9'",
	"'\\x7'",
	"'p''p'",
	"'p'b'p'",
	"u'é'",
	"'",
	'...',
	"'it\\'s'",
	'"it\'s"',
	"-'p'",
	"f'p'",
	'1+1',
	'~1',
	'+1.0',
	'-0.0',
	'1e16',
	'1e-5',
	'123456789012345678901234567890',
];
const PATHS = [
	'project_id',
	'user',
	'user.id',
	'list',
	'list.id',
	'user.list.id',
	'roles',
	'a.b',
	'project-id',
	'missing',
	'',
	'.',
	'user.',
	'é',
	'class',
	'x1.y',
	'1x',
	'x[0]',
	'f(x)',
	'f(x',
	'not',
	'a$',
	'user..id',
	'None.x',
	'id',
	'x',
];
const HOLES = [
	'%(project_id)s',
	'%(owner)s',
	'%(id)s',
	'%(list)s',
	'%(user)s',
	'%(é)s',
	'%(missing)s',
	'%(a.b)s',
	'%(x)s',
	'%(x)d',
	'%(x)5d',
	'%(x)05d',
	'%(x)-5d|',
	'%(x)+.3d',
	'%(x)x',
	'%(x)#X',
	'%(x)o',
	'%(x)c',
	'%(x)r',
	'%(user)r',
	'%(x)a',
	'%(é)a',
	'%(x).2s',
	'%(x)6s',
	'%(x)ls',
	'%(x)',
	'%(x',
	'%(a(b)c)s',
	'%(x)y',
	'%',
	'%%',
	'%s',
	'%d',
	'%r',
	'%(x)*d',
	'%(x)%',
	'%(missing)%',
	'%5%',
	'%.',
	'%(x)s%s',
	'%(x)%%s',
];
/** What a slip of the keyboard adds. */
const SLIPS = [
	'(',
	')',
	"'",
	'"',
	' ',
	':',
	'%',
	'\t',
	'\u00a0',
	'\u001c',
	'\ufeff',
	'.',
	',',
	'-',
	'[',
	']',
	'\\',
	'#',
	'\0',
	'not ',
	' and ',
	'OR',
	'@',
	'!',
];

const text = fc.constantFrom(...WORDS);
const scalar = fc.oneof(
	{ weight: 5, arbitrary: text },
	fc.constantFrom<unknown>(null, true, false, 0, 1, -7, 97, 1.5, 1e-7, 0.00012, 1e20, 1e21, 2 ** 53, -1.5e300),
);
const value = fc.letrec<{ value: unknown; list: unknown; object: unknown }>((tie) => ({
	value: fc.oneof({ depthSize: 'small' }, { weight: 4, arbitrary: scalar }, tie('list'), tie('object')),
	list: fc.array(tie('value'), { maxLength: 3 }),
	object: fc.dictionary(fc.constantFrom(...KEYS), tie('value'), { maxKeys: 3 }),
})).value;
const mapping = fc.dictionary(fc.constantFrom(...KEYS), value, { maxKeys: 6 });
const roles = fc.oneof({ weight: 9, arbitrary: fc.array(text, { maxLength: 3 }) }, value);
const credentials = fc.tuple(mapping, fc.option(roles)).map(([rest, roles]) => (roles === null ? rest : { ...rest, roles }));

const match = fc
	.array(fc.oneof(text, fc.constantFrom(...HOLES), fc.constantFrom(...HOLES.slice(0, 9))), { minLength: 1, maxLength: 2 })
	.map((parts) => parts.join(''));
const check = fc.oneof(
	{ weight: 5, arbitrary: fc.tuple(fc.constantFrom(...PATHS), match).map((pair) => pair.join(':')) },
	{ weight: 4, arbitrary: fc.tuple(fc.constantFrom(...LITERALS), match).map((pair) => pair.join(':')) },
	{ weight: 3, arbitrary: match.map((name) => `role:${name}`) },
	{ weight: 3, arbitrary: fc.constantFrom(...NAMES).map((name) => `rule:${name}`) },
	{ weight: 2, arbitrary: fc.constantFrom('@', '!') },
	fc.constantFrom('member', "'quoted'", '"a:b"', ':', ':x', "''", '"'),
);
const space = fc.constantFrom(' ', ' ', ' ', '  ', '\t', '\n ', '\u3000');
const word = (name: string) =>
	fc.constantFrom(name, name, name.toUpperCase(), `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`);
const expression = fc.letrec<{ whole: string; binary: string; negated: string; bracketed: string }>((tie) => ({
	whole: fc.oneof({ depthSize: 'medium' }, { weight: 3, arbitrary: check }, tie('binary'), tie('negated'), tie('bracketed')),
	binary: fc.tuple(tie('whole'), space, fc.oneof(word('and'), word('or')), space, tie('whole')).map((parts) => parts.join('')),
	negated: fc.tuple(word('not'), space, tie('whole')).map((parts) => parts.join('')),
	bracketed: fc
		.tuple(fc.constantFrom('(', '( ', '(('), tie('whole'), fc.constantFrom(')', ' )', '))', ')'))
		.map((parts) => parts.join('')),
})).whole;
const slipped = fc.tuple(expression, fc.nat(), fc.nat(2), fc.constantFrom(...SLIPS)).map(([rule, at, dropped, added]) => {
	const chars = [...rule];
	chars.splice(at % (chars.length + 1), dropped, added);
	return chars.join('');
});
/** 600 is further than Python recurses when it evaluates, and not when it parses: there it would refuse the whole file. */
const deep = fc
	.tuple(
		fc.constantFrom(2, 90, 600),
		expression,
		fc.constantFrom<readonly [string, string]>(['not ', ''], ['(', ')'], ['@ and (', ')']),
	)
	.map(([depth, rule, [before, after]]) => `${before.repeat(depth)}${rule}${after.repeat(depth)}`);
const lists = fc.array(
	fc.oneof(
		check,
		fc.constant(''),
		fc.array(fc.oneof(check, fc.constantFrom<unknown>(1, null, '', 'a b:p', "' ':p")), { maxLength: 3 }),
	),
	{ maxLength: 3 },
);
const source: fc.Arbitrary<RuleSource> = fc.oneof(
	{ weight: 12, arbitrary: expression },
	{ weight: 4, arbitrary: slipped },
	{ weight: 1, arbitrary: fc.constantFrom('', ' ', '@', '!', '(', ')', 'and', 'not', '\t') },
	{ weight: 1, arbitrary: deep },
	{ weight: 2, arbitrary: lists },
);

export const policyQuestion: fc.Arbitrary<PolicyQuestion> = fc.record({
	rules: fc
		.record({ first: source, second: source, third: source, default: source }, { requiredKeys: ['first', 'second'] })
		.map((rules) => ({ ...rules, loop: 'rule:loop' })),
	rule: fc.constantFrom('first', 'first', 'second', 'unknown'),
	credentials,
	target: mapping,
});
