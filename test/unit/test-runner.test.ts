/** `npm test` in a small project of its own: what it must never call a success. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryDir } from '../support/temporary-dir.ts';

const SCRIPTS = fileURLToPath(new URL('../../scripts', import.meta.url));

function runTests(root: string, files: Readonly<Record<string, string>>, args: readonly string[] = []) {
	cpSync(join(SCRIPTS, 'test.ts'), join(root, 'scripts/test.ts'));
	cpSync(join(SCRIPTS, 'test'), join(root, 'scripts/test'), { recursive: true });
	writeFileSync(join(root, 'package.json'), '{"type":"module"}');
	for (const [path, code] of Object.entries(files)) {
		mkdirSync(dirname(join(root, path)), { recursive: true });
		writeFileSync(join(root, path), `import { describe, test } from 'node:test';\n${code}`);
	}
	// Inside a test node:test would refuse to run tests.
	const { NODE_TEST_CONTEXT: _, TEST_FILE_RUN: __, ...env } = process.env;
	const { stdout, stderr, status } = spawnSync(process.execPath, ['scripts/test.ts', ...args], {
		cwd: root,
		env,
		encoding: 'utf8',
	});
	return { out: stdout, err: stderr, code: status, last: stdout.trimEnd().split('\n').at(-1) };
}

test('passes, failures and skips are counted once, the last line is alone, reasons are printed', async () => {
	const code = `
describe('suite', () => {
	test('good', () => {});
	test('bad', () => { throw new Error('so bad'); });
	test('later', { skip: 'no tmpfs here' }, () => {});
});
test('parent', async (t) => { await t.test('child', () => {}); });`;
	await using root = await temporaryDir();
	const { out, code: status, last } = runTests(root.path, { 'test/a.test.ts': code });
	assert.equal(last, '3 passed, 1 failed, 1 skipped');
	assert.equal(status, 1);
	assert.match(out, /test\/a\.test\.ts › suite › later: no tmpfs here/);
	assert.match(out, /test\/a\.test\.ts › suite › bad\n\s+Error: so bad/);
});

test('all is well only when something ran and nothing failed', async () => {
	await using root = await temporaryDir();
	assert.equal(runTests(root.path, { 'test/a.test.ts': "test('x', () => {});" }).code, 0);
	await using empty = await temporaryDir();
	const nothing = runTests(empty.path, {});
	assert.equal(nothing.code, 1);
	assert.equal(nothing.last, '0 passed, 0 failed, 0 skipped');
	assert.equal(runTests(root.path, {}, ['--match', 'no such name']).code, 1);
	assert.equal(runTests(root.path, {}, ['test/nowhere']).code, 2);
});

const broken: Readonly<Record<string, readonly [code: string, reason: RegExp]>> = {
	'a file without tests': ['', /has no tests/],
	'a file that cannot be loaded': ["throw new Error('load');", /could not be loaded/],
	'an error after the last test': ["test('x', () => { setTimeout(() => { throw new Error('late'); }, 50); });", /ended badly/],
	'an exit code': ["test('x', () => {}); process.on('exit', () => { process.exitCode = 3; });", /ended badly/],
	'a test that never ends': ["test('x', () => new Promise(() => { setInterval(() => {}, 1000); }));", /took longer than 2 s/],
	'a process left behind': [
		"import { spawn } from 'node:child_process';\ntest('x', () => { spawn('sleep', ['60'], { detached: true, stdio: 'ignore' }).unref(); });",
		/left processes behind: sleep 60/,
	],
};
for (const [claim, [code, reason]] of Object.entries(broken))
	test(`${claim} is a failure`, async () => {
		await using root = await temporaryDir();
		const { out, code: status } = runTests(root.path, { 'test/a.test.ts': code }, ['--file-limit', '2']);
		assert.equal(status, 1, out);
		assert.match(out, reason);
	});

test('files of test/mesh and test/fault come last and one at a time', async () => {
	const body = (name: string) => `
import { appendFileSync } from 'node:fs';
test('${name}', async () => {
	appendFileSync('order', '+${name} ');
	await new Promise((resolve) => setTimeout(resolve, 100));
	appendFileSync('order', '-${name} ');
});`;
	await using root = await temporaryDir();
	const files = { 'test/fault/f.test.ts': body('f'), 'test/mesh/m.test.ts': body('m'), 'test/unit/u.test.ts': body('u') };
	const { code } = runTests(root.path, files);
	assert.equal(code, 0);
	assert.equal(readFileSync(join(root.path, 'order'), 'utf8'), '+u -u +f -f +m -m ');
});
