/**
 * Makes node_modules what package-lock.json says, before any npm script runs. Nothing to do: one small read, silent.
 *
 * Plain JavaScript for Node 18 and later, without packages: it runs on the distribution's Node, before there is another.
 * Says everything on standard error, because standard output belongs to the command that follows.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const LOCKFILE = join(ROOT, 'package-lock.json');
const STAMP = join(ROOT, 'node_modules', '.prepared');
const NODE = join(ROOT, 'node_modules', '.bin', 'node');
/** Beside node_modules, not in it: `npm ci` removes what is inside. */
const INSTALL_LOCK = join(ROOT, '.prepare.lock');
const MIN_NODE_MAJOR = 24;
const OWN_NODE = `install Node ${MIN_NODE_MAJOR} or newer, put it first on PATH, and run this again`;
const INSTALL_LIMIT_MS = 15 * 60_000;
const COMPILE_LIMIT_MS = 60_000;
const HEARTBEAT_MS = 10_000;
const LOCK_POLL_MS = 200;
/** A lock made on another host (a shared directory) cannot be asked whether its owner lives. */
const FOREIGN_LOCK_STALE_MS = INSTALL_LIMIT_MS + 60_000;
const ERROR_TAIL_CHARS = 20_000;

/** What npm prints when it fails, and what to do about it. */
const CAUSES = [
	[
		/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT|ENOTCACHED/,
		"the package registry cannot be reached: connect once (or set npm's proxy or registry), then try again",
	],
	[/EINTEGRITY/, 'a package is not what package-lock.json promises: check the registry or mirror in use'],
	[/E40[13]\b/, 'the package registry refuses this user: check the credentials in .npmrc'],
	[/E404|ETARGET/, 'the package registry in use lacks a package of package-lock.json: use a full mirror'],
	[/ENOSPC/, 'the disk is full: about 400 MiB are needed'],
	[/EACCES|EPERM|EROFS/, `${ROOT} is not writable for this user`],
	[/ENOENT.*npm|npm ENOENT/, 'npm was not found: install it (Debian: apt-get install npm)'],
];

const wanted = stampOf(readLockfile());
if (readText(STAMP) !== wanted) await underLock(() => prepare(wanted));

function stampOf(lockfile) {
	const digest = createHash('sha256').update(lockfile).digest('hex');
	return `${digest} ${process.platform}-${process.arch}\n`;
}

function readLockfile() {
	const text = readText(LOCKFILE);
	if (text === undefined) fail('package-lock.json is missing: this is not a whole checkout');
	return text;
}

async function prepare(stamp) {
	if (readText(STAMP) === stamp) return;
	if (!matchesLockfile()) await install();
	assertNode();
	compile();
	writeFileSync(STAMP, stamp);
}

/**
 * Loads the product once, so that Node keeps what it compiled: the first start then is as quick and as small as the
 * others. Only a saving, so a failure is nobody's trouble here; the start itself will say what is wrong.
 */
function compile() {
	const env = { ...process.env, NODE_COMPILE_CACHE: join(ROOT, 'node_modules', '.cache', 'compile') };
	for (const args of [
		['src/main.ts', 'version'],
		['--input-type=module', '--eval', 'await import("#node.ts")'],
	])
		spawnSync(NODE, args, { cwd: ROOT, env, stdio: 'ignore', timeout: COMPILE_LIMIT_MS });
}

/** What npm itself noted about node_modules, against the lockfile: true after a plain `npm install` too. */
function matchesLockfile() {
	const hidden = readText(join(ROOT, 'node_modules', '.package-lock.json'));
	if (hidden === undefined) return false;
	const is = packagesOf(hidden);
	const should = packagesOf(readLockfile());
	const same = (path) => is[path]?.version === should[path]?.version && is[path]?.integrity === should[path]?.integrity;
	return (
		Object.keys(is).every(same) && Object.keys(should).every((path) => (path in is ? same(path) : mayBeAbsent(should[path])))
	);
}

function packagesOf(lockfile) {
	try {
		const { '': _root, ...packages } = JSON.parse(lockfile).packages;
		return packages;
	} catch {
		return {};
	}
}

/** A package for another platform, or one that only such a package needs. */
function mayBeAbsent({ optional, os, cpu, libc }) {
	const listed = (list, value) => list === undefined || [list].flat().includes(value);
	const forHere = listed(os, process.platform) && listed(cpu, process.arch) && listed(libc, libcHere());
	return optional === true && !(os !== undefined && forHere);
}

function libcHere() {
	return process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl';
}

async function install() {
	say('installing packages into node_modules from package-lock.json (once; takes about half a minute)');
	const started = Date.now();
	rmSync(STAMP, { force: true });
	const { code, errors } = await npm([
		'ci',
		'--ignore-scripts',
		'--no-audit',
		'--no-fund',
		'--prefer-offline',
		'--loglevel=error',
	]);
	if (code !== 0) fail(explain(code, errors));
	say(`packages installed in ${Math.round((Date.now() - started) / 1000)} s`);
}

function npm(args) {
	const cli = process.env.npm_execpath;
	// Never the Node of node_modules: it is about to be replaced, and the npm at hand may not know it.
	const node = process.env.npm_node_execpath ?? process.execPath;
	const [command, first] = cli?.endsWith('.js') ? [node, [cli]] : ['npm', []];
	return new Promise((resolve) => {
		const child = spawn(command, [...first, ...args], { cwd: ROOT, stdio: ['ignore', 2, 'pipe'], timeout: INSTALL_LIMIT_MS });
		const started = Date.now();
		const beat = setInterval(() => say(`still installing (${Math.round((Date.now() - started) / 1000)} s)`), HEARTBEAT_MS);
		let errors = '';
		child.stderr.on('data', (chunk) => {
			errors = (errors + chunk).slice(-ERROR_TAIL_CHARS);
			process.stderr.write(chunk);
		});
		const end = (code) => {
			clearInterval(beat);
			resolve({ code, errors });
		};
		child.on('error', (error) => {
			errors += error.message;
			end(127);
		});
		child.on('close', (code, signal) => end(code ?? signal));
	});
}

function explain(code, errors) {
	const cause = CAUSES.find(([pattern]) => pattern.test(errors))?.[1] ?? 'the lines above say why';
	return `installing packages failed (npm: ${code}): ${cause}`;
}

/** Scripts run on node_modules/.bin/node where the lockfile has one for this machine, else on the Node of PATH. */
function assertNode() {
	const here = `${process.platform}-${process.arch}`;
	if (existsSync(NODE)) {
		const { status, stderr, error } = spawnSync(NODE, ['--version'], { encoding: 'utf8' });
		if (status !== 0)
			fail(`the Node of node_modules does not start on this ${here}: ${cureFor(`${stderr ?? ''}${error ?? ''}`)}`);
	} else if (Number.parseInt(process.versions.node, 10) < MIN_NODE_MAJOR) {
		fail(`there is no packaged Node for ${here}: ${OWN_NODE}`);
	}
}

function cureFor(complaint) {
	const library = /(lib[\w.+-]+): cannot open shared object/.exec(complaint)?.[1];
	if (library === undefined) return `it needs glibc 2.28 or newer; ${OWN_NODE}`;
	const name = library === 'libatomic.so.1' ? 'libatomic1' : library;
	return `${library} is missing; install it (Debian: apt-get install ${name}), and run this again`;
}

/** One install at a time in a checkout; whoever waited finds it done. A lock of a dead process is taken over. */
async function underLock(work) {
	const mine = JSON.stringify({ host: hostname(), pid: process.pid, born: bornAt(process.pid), at: Date.now() });
	const draft = `${INSTALL_LOCK}.${process.pid}`;
	writeLock(draft, mine);
	let told = false;
	const deadline = Date.now() + INSTALL_LIMIT_MS;
	try {
		while (!take(draft)) {
			const theirs = readText(INSTALL_LOCK);
			if (theirs === undefined || (isStale(theirs) && discard(theirs))) continue;
			if (!told) say('another install is running here; waiting for it');
			told = true;
			if (Date.now() > deadline) fail(`another install holds ${INSTALL_LOCK} for too long: end it, or remove that file`);
			await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
		}
	} finally {
		rmSync(draft, { force: true });
	}
	const release = () => readText(INSTALL_LOCK) === mine && rmSync(INSTALL_LOCK, { force: true });
	process.on('exit', release);
	for (const [signal, code] of [
		['SIGINT', 130],
		['SIGTERM', 143],
		['SIGHUP', 129],
	])
		process.on(signal, () => process.exit(code));
	await work();
}

function writeLock(path, text) {
	try {
		writeFileSync(path, text);
	} catch (error) {
		fail(`packages must be installed first, and ${ROOT} is not writable for this user (${error.code})`);
	}
}

/** A link is made whole or not at all, so nobody reads half a lock. */
function take(draft) {
	try {
		linkSync(draft, INSTALL_LOCK);
		return true;
	} catch (error) {
		if (error.code === 'EEXIST') return false;
		throw error;
	}
}

/** Of two that see the same dead lock only one renames it; the other finds it gone, or puts a live one back. */
function discard(dead) {
	const aside = `${INSTALL_LOCK}.dead.${process.pid}`;
	try {
		renameSync(INSTALL_LOCK, aside);
	} catch {
		return true;
	}
	if (readText(aside) !== dead) take(aside);
	rmSync(aside, { force: true });
	return true;
}

function isStale(text) {
	try {
		const { host, pid, born, at } = JSON.parse(text);
		if (host !== hostname()) return Date.now() - at > FOREIGN_LOCK_STALE_MS;
		process.kill(pid, 0);
		return bornAt(pid) !== born;
	} catch (error) {
		return error.code !== 'EPERM';
	}
}

/** Start time of a process in clock ticks: with it a reused process id is not mistaken for the owner. */
function bornAt(pid) {
	const stat = readText(`/proc/${pid}/stat`);
	return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}

function readText(path) {
	try {
		return readFileSync(path, 'utf8');
	} catch {
		return undefined;
	}
}

function say(text) {
	process.stderr.write(`sundog: ${text}\n`);
}

function fail(text) {
	say(text);
	process.exit(1);
}
