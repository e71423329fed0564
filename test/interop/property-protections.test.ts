/** Property protections against Glance's own code: random files, properties and callers, and every answer the same. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import fc from 'fast-check';
import { silentLog } from '#lib/log.ts';
import { openPropertyProtections, ProtectionsError } from '#policy/property-protections.ts';
import { createRulePolicy } from '#policy/rule-policy.ts';
import { caller } from '../support/onion.ts';
import { askPython, missingPython } from '../support/python-oracle.ts';
import { temporaryDir } from '../support/temporary-dir.ts';

const FILES = 3000;
const SEED = Number(process.env.SUNDOG_POLICY_SEED ?? Math.floor(Math.random() * 2 ** 31));
const POLICIES = { keeps: 'role:keeper', nobody: '!', either: 'role:keeper or role:admin', default: 'role:member' };

const ROLES = ['admin', 'Keeper', 'KEEPER', 'member', 'other', 'Admin', ''];
const word = {
	roles: fc.oneof(
		{ weight: 8, arbitrary: fc.array(fc.constantFrom(...ROLES), { maxLength: 3 }).map((roles) => roles.join(', ')) },
		{ weight: 4, arbitrary: fc.constantFrom('@', '!', 'admin,@', '!, Keeper') },
		fc.constantFrom('', '@,!', 'member, !,@'),
	),
	policies: fc.oneof(
		{ weight: 12, arbitrary: fc.constantFrom('keeps', 'nobody', 'either', 'unknown', '@', '!') },
		fc.constantFrom('', 'keeps,either', 'keeps, @'),
	),
};
const PIECES = [
	'x',
	'y_',
	'a',
	'A',
	'.',
	'\\.',
	'\\d',
	'\\w',
	'\\W',
	'\\s',
	'\\b',
	'\\B',
	'[xy]',
	'[^a]',
	'[a-c_]',
	'[]a]',
	'[\\d-]',
	'^',
	'$',
	'\\A',
	'\\Z',
	'(?:xa|y)',
	'(a|b|)',
	'(?P<n>x)',
	'(?i:A)',
	'(?=x)',
	'(?!x)',
	'(?<=a)',
	'(?<!a)',
	'(?#no)',
	'é',
	'\\x61',
	'\\u00e9',
	'|',
	'{',
	'\\-',
	'-',
];
const REPEATS = [...Array(24).fill(''), '*', '+', '?', '*?', '{2}', '{1,}', '{,2}', '{0,1}'];
/** Nobody may use these. */
const MALFORMED = ['(', ')x', '[', 'x**', '*x', '\\q', '[b-a]', '(?<n>x)', '{2}', 'x{3,1}', 'x??*', '\\'];
const pattern = fc
	.tuple(
		fc.constantFrom('', '', '(?i)', '(?s)'),
		fc.array(fc.tuple(fc.constantFrom(...PIECES), fc.constantFrom(...REPEATS)), { minLength: 1, maxLength: 4 }),
		fc.oneof({ weight: 40, arbitrary: fc.constant('') }, fc.constantFrom(...MALFORMED)),
	)
	.map(([flags, pieces, malformed]) => flags + pieces.flat().join('') + malformed);
const property = fc
	.array(fc.constantFrom('x', 'y', '_', 'a', 'A', 'b', '1', '-', '.', 'é', ' ', '\n', '{', '\u00a0'), { maxLength: 6 })
	.map((chars) => chars.join(''));

const fileOf = (format: 'roles' | 'policies') =>
	fc
		.array(
			fc.tuple(
				pattern,
				fc.record({ create: word[format], read: word[format], update: word[format], delete: word[format] }),
				fc.constantFrom('=', ' = ', ': '),
				fc.nat(60),
			),
			{ minLength: 1, maxLength: 3 },
		)
		.map((sections) =>
			sections
				.flatMap(([name, actions, delimiter, slip]) => {
					const lines = Object.entries(actions).map(
						([action, words]) => `${slip % 2 ? action : action.toUpperCase()}${delimiter}${words}`,
					);
					if (slip === 0) lines.pop();
					if (slip === 1) lines.push('read = admin');
					if (slip === 2) lines.push('  , more');
					if (slip === 3) lines.push('no option');
					return [`[${name}]`, '# a remark', ...lines, ''];
				})
				.join('\n'),
		);
const question = fc.record({
	property,
	action: fc.constantFrom('create', 'read', 'update', 'delete'),
	roles: fc.subarray(['admin', 'keeper', 'member']),
	serviceRoles: fc.subarray(['admin', 'keeper']),
});
const questions = fc.array(question, { minLength: 8, maxLength: 8 });
const file = fc
	.constantFrom('roles', 'policies')
	.chain((format) =>
		fc.record({ format: fc.constant(format), text: fileOf(format), policies: fc.constant(POLICIES), questions }),
	);

it(`${FILES} random files protect as in Glance`, {
	skip: missingPython('glance.common.property_utils'),
	timeout: 300_000,
}, async (t) => {
	t.diagnostic(`seed ${SEED}`);
	const files = fc.sample(file, { numRuns: FILES, seed: SEED });
	const theirs = await askPython('property-utils.py', files);
	await using dir = await temporaryDir();
	const path = join(dir.path, 'protections.conf');
	const policy = createRulePolicy({ overrides: POLICIES, log: silentLog });
	const TOKEN = { userDomain: null, projectDomain: null, domain: null, systemScope: null, adminProject: true };
	for (const [index, { text, format, questions }] of files.entries()) {
		await writeFile(path, text);
		const protections = await openPropertyProtections({ file: path, format, policy, log: silentLog }).catch((error) => {
			assert.ok(error instanceof ProtectionsError, String(error));
			return undefined;
		});
		const ours = protections
			? questions.map(({ property, action, roles, serviceRoles }) => {
					// Glance's rules see the roles of both, because it has written the ones to the others
					const all = format === 'policies' ? [...roles, ...serviceRoles] : roles;
					const service = { user: null, project: null, userDomain: null, projectDomain: null, roles: serviceRoles };
					return protections.allows(caller({ roles: all, token: { ...TOKEN, service } }), action as 'read', property);
				})
			: 'invalid';
		assert.deepEqual(ours, theirs[index], `seed ${SEED}\n${text}\n${JSON.stringify(questions)}`);
	}
	const invalid = theirs.filter((answer) => answer === 'invalid').length;
	t.diagnostic(`${invalid} files are invalid`);
	assert.ok(invalid > FILES / 50 && invalid < (FILES * 2) / 3, 'the files are one-sided');
});
