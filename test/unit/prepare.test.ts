/** scripts/prepare.mjs in a small project of its own, with an npm that only writes down that it was called. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryDir } from '../support/temporary-dir.ts';

const PREPARE = fileURLToPath(new URL('../../scripts/prepare.mjs', import.meta.url));

/** Installs what the lockfile names as npm does: a hidden lockfile and a Node; says something on both streams. */
const NPM = `
import { appendFileSync, chmodSync, copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
appendFileSync('npm-calls', process.argv.slice(2).join(' ') + '\\n');
process.stdout.write('npm talks\\n');
const failure = process.env.FAIL_WITH;
if (failure) { process.stderr.write(failure + '\\n'); process.exit(1); }
await new Promise((resolve) => setTimeout(resolve, 300));
rmSync('node_modules', { recursive: true, force: true });
mkdirSync('node_modules/.bin', { recursive: true });
copyFileSync('package-lock.json', 'node_modules/.package-lock.json');
writeFileSync('node_modules/.bin/node', process.env.NODE_SAYS ? '#!/bin/sh\\necho "' + process.env.NODE_SAYS + '" >&2; exit 127\\n' : '#!/bin/sh\\n');
chmodSync('node_modules/.bin/node', 0o755);
`;

function project(root: string) {
	const dir = join(root, 'project');
	mkdirSync(join(dir, 'scripts'), { recursive: true });
	cpSync(PREPARE, join(dir, 'scripts/prepare.mjs'));
	const npm = join(root, 'npm.mjs.js');
	writeFileSync(npm, NPM);
	writeFileSync(join(root, 'package.json'), '{"type":"module"}');
	const lock = (version: string) =>
		writeFileSync(join(dir, 'package-lock.json'), JSON.stringify({ packages: { 'node_modules/a': { version } } }));
	lock('1.0.0');
	const prepare = async (env: Record<string, string> = {}) => {
		const child = spawn(process.execPath, [join(dir, 'scripts/prepare.mjs')], {
			env: { ...process.env, npm_execpath: npm, npm_node_execpath: process.execPath, ...env },
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
		return { out, err, code };
	};
	const calls = () => (existsSync(join(dir, 'npm-calls')) ? readFileSync(join(dir, 'npm-calls'), 'utf8').trim().split('\n') : []);
	return { dir, lock, prepare, calls };
}

test('a fresh checkout is installed without install scripts, and standard output stays clean', async () => {
	await using root = await temporaryDir();
	const { prepare, calls } = project(root.path);
	const { out, err, code } = await prepare();
	assert.equal(code, 0, err);
	assert.equal(out, '');
	assert.match(err, /installing packages.*npm talks.*packages installed/s);
	assert.equal(calls().length, 1);
	assert.match(calls()[0] ?? '', /^ci --ignore-scripts /);
});

test('nothing to do is silent', async () => {
	await using root = await temporaryDir();
	const { prepare, calls } = project(root.path);
	await prepare();
	assert.deepEqual(await prepare(), { out: '', err: '', code: 0 });
	assert.equal(calls().length, 1);
});

test('another lockfile is installed again, unless npm has done so already', async () => {
	await using root = await temporaryDir();
	const { dir, lock, prepare, calls } = project(root.path);
	await prepare();
	lock('2.0.0');
	await prepare();
	assert.equal(calls().length, 2);
	lock('3.0.0');
	cpSync(join(dir, 'package-lock.json'), join(dir, 'node_modules/.package-lock.json'));
	assert.deepEqual(await prepare(), { out: '', err: '', code: 0 });
	assert.equal(calls().length, 2);
});

test('two at once install once', async () => {
	await using root = await temporaryDir();
	const { prepare, calls } = project(root.path);
	const both = await Promise.all([prepare(), prepare()]);
	assert.deepEqual(
		both.map(({ code }) => code),
		[0, 0],
	);
	assert.equal(calls().length, 1);
});

test('the lock of a process that is gone is taken over', async () => {
	await using root = await temporaryDir();
	const { dir, prepare, calls } = project(root.path);
	const aboveEveryPid = 2 ** 22 + 1;
	writeFileSync(join(dir, '.prepare.lock'), JSON.stringify({ host: hostname(), pid: aboveEveryPid, born: '1', at: 0 }));
	assert.equal((await prepare()).code, 0);
	assert.equal(calls().length, 1);
	assert.ok(!existsSync(join(dir, '.prepare.lock')));
});

test('a failed install says what to do and is tried again the next time', async () => {
	await using root = await temporaryDir();
	const { prepare, calls } = project(root.path);
	const { out, err, code } = await prepare({ FAIL_WITH: 'npm error code ENOTFOUND' });
	assert.equal(code, 1);
	assert.equal(out, '');
	assert.match(err, /the package registry cannot be reached/);
	assert.equal((await prepare()).code, 0);
	assert.equal(calls().length, 2);
});

test('a Node that cannot start names the library it lacks', async () => {
	await using root = await temporaryDir();
	const { prepare } = project(root.path);
	const { err, code } = await prepare({ NODE_SAYS: 'node: libatomic.so.1: cannot open shared object file' });
	assert.equal(code, 1);
	assert.match(err, /libatomic\.so\.1 is missing; install it \(Debian: apt-get install libatomic1\)/);
});

test('a checkout that this user may not write is one line', {
	skip: process.getuid?.() === 0 && 'root may write everywhere',
}, async () => {
	await using root = await temporaryDir();
	const { dir, prepare } = project(root.path);
	chmodSync(dir, 0o555);
	const { err, code } = await prepare();
	chmodSync(dir, 0o755);
	assert.equal(code, 1);
	assert.match(err, /is not writable for this user \(EACCES\)\n$/);
});
