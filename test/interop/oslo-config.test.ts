/** Glance's files are read as oslo.config reads them: the same texts go through the real one. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { ConfigError } from '#config/config.ts';
import { parseIni } from '#config/glance/ini.ts';
import { type GlanceOption, honoured } from '#config/glance/option.ts';
import { options, WHOLE_GROUPS } from '#config/glance/options.ts';
import { bool, bracketed, dict, host, int, list, multi, port, text } from '#config/glance/oslo-types.ts';
import { createValues } from '#config/glance/values.ts';

const PYTHON = '/usr/bin/python3';
const SCRIPT = fileURLToPath(new URL('../support/oslo-config-values.py', import.meta.url));

const KINDS = {
	text: { type: text, byDefault: '' },
	other: { type: text, byDefault: '' },
	int: int({ min: -5, max: 5000 }),
	port,
	bool,
	list,
	bracketed,
	multi,
	dict,
	host,
	renamed: { type: text, formerly: ['DEFAULT.former'] },
};
const rows = ['DEFAULT', 'grp'].flatMap((group) => honoured(group, KINDS));
const byName = new Map<string, GlanceOption>(rows.flatMap((row) => row.formerly.map((name) => [name, row] as const)));
for (const row of rows) byName.set(`${row.group}.${row.name}`, row);
const table = {
	find: (ref: string) => (ref === 'DEFAULT.former' ? undefined : byName.get(ref)),
	wholeGroup: () => undefined,
	names: () => [],
	groups: [],
};

type Values = 'refused' | Readonly<Record<string, unknown>>;

function ours(texts: readonly string[]): Values {
	const files = orRefused(() => texts.map((text, index) => parseIni(text, `${index}.conf`)));
	if (files === 'refused') return files;
	const values = createValues(files, table);
	return Object.fromEntries(
		rows.map(({ group, name }) => [`${group}.${name}`, orRefused(() => plain(values.said(`${group}.${name}`)?.value))]),
	);
}

function orRefused<T>(act: () => T): T | 'refused' {
	try {
		return act();
	} catch (error) {
		assert.ok(error instanceof ConfigError, String(error));
		return 'refused';
	}
}

function plain(value: unknown): unknown {
	return value instanceof Map ? Object.fromEntries(value) : (value ?? null);
}

/** One a row of marks, so that blanks at the ends are seen. */
const fragments = [
	`a¦¦"¦""¦"a b"¦"x¦'a' ¦a,b¦a, b,,¦[a,b]¦[]¦[¦['a,b', c]¦["x]¦a = b¦a#b¦# a¦é\u{1f300}`,
	'1¦ 42 ¦-3¦-6¦+5¦1_000¦1e3¦65536¦true¦ON¦No¦2¦10.0.0.1¦10.0.0.300¦::1¦host-1.example.org.¦-host¦a_b',
	`$text¦\${other}¦\${grp.text}¦$$x¦\\$x¦$nosuch¦$nosuch.text¦\${bad¦$¦$1¦$TEXT`,
	'a:b,c:d¦a:b,c¦a,b:c¦a:b:c¦:b¦a:1,a:2',
].flatMap((row) => row.split('¦'));
/**
 * What others refer to does not itself refer to what is unknown: oslo then takes the option of that name in [DEFAULT],
 * where we refuse.
 */
const isRefused = ([name = '', , value = '']: readonly string[]) =>
	['text', 'other'].includes(name) && /^\$(nosuch|TEXT)/.test(value);
const assignment = fc
	.tuple(
		fc.constantFrom(...Object.keys(KINDS), 'former', 'unknown'),
		fc.constantFrom('=', ' = ', ':', ' : '),
		fc.constantFrom(...fragments),
	)
	.filter((parts) => !isRefused(parts))
	.map((parts) => parts.join(''));
const line = fc.oneof(
	{ weight: 160, arbitrary: assignment },
	{ weight: 40, arbitrary: fc.constantFrom('[DEFAULT]', '[grp]', '[Grp]', '[default]', '[other] ') },
	{ weight: 40, arbitrary: fc.constantFrom('', '  ', '# comment', '; comment') },
	{ weight: 20, arbitrary: fc.constantFrom('  more', '\t, b', '  # not a comment', '  $text') },
	{ weight: 1, arbitrary: fc.constantFrom('[', '[]', '[a', 'no separator', '= no name') },
);
const file = fc
	.tuple(fc.array(line, { maxLength: 12 }), fc.constantFrom('\n', '\r\n'))
	.map(([lines, end]) => ['[DEFAULT]', ...lines, ''].join(end));
const files = fc.array(file, { minLength: 1, maxLength: 3 });

test('generated files mean what they mean to oslo.config', (t) => {
	if (!hasOslo(t)) return;
	const cases = fc.sample(files, { numRuns: 1500, seed: 20 });
	const { stdout, stderr, status } = spawnSync(PYTHON, [SCRIPT], {
		input: JSON.stringify(cases),
		encoding: 'utf8',
		maxBuffer: 1 << 28,
	});
	assert.equal(status, 0, stderr);
	const theirs = JSON.parse(stdout) as readonly Values[];
	for (const [index, texts] of cases.entries()) assert.deepEqual(ours(texts), stricter(theirs[index]), texts.join('\n────\n'));
});

/** Python's `$` matches before a last line break, so a host may end with one there. */
function stricter(values: Values | undefined): unknown {
	if (typeof values !== 'object') return values;
	const isHost = (name: string, value: unknown) => name.endsWith('.host') && typeof value === 'string' && value.endsWith('\n');
	return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, isHost(name, value) ? 'refused' : value]));
}

const NAMESPACES = [
	'glance.api',
	'glance.store',
	'keystonemiddleware.auth_token',
	'oslo.limit',
	'oslo.policy',
	'oslo.log',
	'oslo.messaging',
].concat([
	'oslo.middleware.cors',
	'oslo.middleware.healthcheck',
	'oslo.middleware.http_proxy_to_wsgi',
	'oslo.db',
	'oslo.concurrency',
]);

test('the table knows every option that the installed Glance knows', (t) => {
	if (!hasOslo(t)) return;
	const args = ['--format', 'json', ...NAMESPACES.flatMap((name) => ['--namespace', name])];
	const { stdout, status, error } = spawnSync('oslo-config-generator', args, { encoding: 'utf8', maxBuffer: 1 << 28 });
	if (error !== undefined || status !== 0) return t.skip('Glance and its libraries are not installed');
	const known = new Set(options.flatMap(({ group, name, formerly }) => [`${group}.${name}`, ...formerly]));
	const { options: groups } = JSON.parse(stdout) as {
		readonly options: Readonly<Record<string, { readonly opts: readonly { readonly name: string }[] }>>;
	};
	const missing = Object.entries(groups)
		.filter(([group]) => !Object.hasOwn(WHOLE_GROUPS, group))
		.flatMap(([group, { opts }]) => opts.map(({ name }) => `${group}.${name.replaceAll('-', '_')}`))
		.filter((ref) => !known.has(ref));
	assert.deepEqual(missing, []);
});

function hasOslo(t: TestContext): boolean {
	const { status } = spawnSync(PYTHON, ['-c', 'import oslo_config']);
	if (status === 0) return true;
	t.skip('python3-oslo.config is not installed');
	return false;
}
