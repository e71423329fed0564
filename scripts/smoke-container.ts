/**
 * Runs the container's layout without a container engine: carries out the Dockerfile's build stage and copies in a
 * temporary folder, then starts its ENTRYPOINT in a chroot of its own mount and process namespaces, as the image's
 * user, on a read-only root with one writable volume. Needs root; prints `skipped: …` otherwise.
 */
import { spawn, spawnSync } from 'node:child_process';
import { chownSync, copyFileSync, cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { execForm, type Instruction, parseDockerfile, type Stage } from './container/dockerfile.ts';

const ROOT = dirname(import.meta.dirname);
const READY_MS = 30_000;
const STOP_MS = 20_000;

const missing = whyNot();
if (missing !== undefined) {
	process.stdout.write(`skipped: ${missing}\n`);
	process.exit(0);
}
const work = mkdtempSync(join(tmpdir(), 'sundog-container-'));
try {
	await smoke();
	process.stdout.write('container layout: ready, healthy, read-only root, stopped\n');
} finally {
	rmSync(work, { recursive: true, force: true });
}

function whyNot(): string | undefined {
	if (process.platform !== 'linux') return 'it needs Linux';
	if (process.getuid?.() !== 0) return 'it needs root for chroot and mounts';
	const tried = spawnSync('unshare', ['--mount', '--pid', '--fork', 'true'], { encoding: 'utf8' });
	return tried.status === 0 ? undefined : `this root may not make namespaces: ${tried.stderr?.trim() || tried.error?.message}`;
}

async function smoke(): Promise<void> {
	const stages = parseDockerfile(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'));
	const [build, image] = stages as [Stage, Stage];
	const buildRoot = join(work, 'build');
	const imageRoot = join(work, 'image');
	carryOut(build, buildRoot, { context: ROOT, runs: true });
	carryOut(image, imageRoot, { context: buildRoot, runs: false });
	addSystem(imageRoot);
	await runNode(image, imageRoot);
}

/** WORKDIR, COPY and (in the build stage, on this machine) RUN. */
function carryOut(
	{ instructions }: Stage,
	root: string,
	{ context, runs }: { readonly context: string; readonly runs: boolean },
): void {
	let cwd = '/';
	mkdirSync(root, { recursive: true });
	for (const { name, rest, flags } of instructions) {
		if (name === 'WORKDIR') {
			cwd = rest;
			mkdirSync(join(root, cwd), { recursive: true });
		} else if (name === 'COPY') copy(rest, flags, context, root, cwd);
		else if (name === 'RUN' && runs) run('sh', ['-ec', rest], join(root, cwd));
	}
}

function copy(rest: string, flags: Instruction['flags'], context: string, root: string, cwd: string): void {
	const sources = rest.split(' ');
	const target = sources.pop() ?? '';
	const intoFolder = target.endsWith('/');
	for (const source of sources) {
		const path = join(root, target.startsWith('/') ? target : join(cwd, target), intoFolder ? basename(source) : '');
		mkdirSync(dirname(path), { recursive: true });
		cpSync(join(context, source), path, { recursive: true, verbatimSymlinks: true });
		const [uid, gid] = (flags.chown ?? '').split(':').map(Number);
		if (flags.chown !== undefined) chownSync(path, uid ?? 0, gid ?? 0);
	}
}

/** What the Debian base and its packages give: the libraries that our binaries name, and the usual mount points. */
function addSystem(root: string): void {
	const here = `linux-${process.arch}`;
	const binaries = globSync(`app/node_modules/{node-${here}/bin/node,**/prebuilds/${here}/*.node}`, { cwd: root });
	const libraries = binaries.flatMap((path) =>
		[...run('ldd', [join(root, path)], root).matchAll(/(?:=> |^\s*)(\/\S+) \(/gm)].map(([, library = '']) => library),
	);
	for (const library of new Set(libraries)) {
		mkdirSync(dirname(join(root, library)), { recursive: true });
		copyFileSync(library, join(root, library));
	}
	for (const folder of ['proc', 'dev', 'tmp']) mkdirSync(join(root, folder), { recursive: true });
	for (const device of ['null', 'urandom', 'random']) writeFileSync(join(root, 'dev', device), '');
}

async function runNode({ instructions }: Stage, root: string): Promise<void> {
	const given = (name: string) => instructions.find((instruction) => instruction.name === name)?.rest ?? '';
	const words = (name: string) => execForm(given(name).replace(/^CMD /, '')) ?? [];
	const settings = instructions.filter(({ name }) => name === 'ENV').map(({ rest }) => rest);
	// The image listens everywhere; here the node stays on loopback, on free ports.
	const env = [...settings, 'SUNDOG_LISTEN=127.0.0.1:0', 'SUNDOG_PEER_LISTEN=/ip4/127.0.0.1/tcp/0'];
	const inside = (command: readonly string[]) => ['chroot', `--userspec=${given('USER')}`, root, ...command];
	const volume = join(root, given('VOLUME'));
	const mounts = [
		`mount --bind ${root} ${root}`,
		`mount --bind ${volume} ${volume}`,
		`mount -t proc proc ${root}/proc`,
		...['null', 'urandom', 'random'].map((device) => `mount --bind /dev/${device} ${root}/dev/${device}`),
		`mount -o remount,ro,bind ${root}`,
		'exec "$@"',
	];
	const namespaces = ['--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child'];
	const node = spawn(
		'unshare',
		[...namespaces, 'sh', '-ec', mounts.join('\n'), 'sh', ...inside([...words('ENTRYPOINT'), ...words('CMD')])],
		{
			env: Object.fromEntries([...env.map((pair) => splitPair(pair)), ['PATH', process.env.PATH ?? '']]),
			stdio: ['ignore', 'pipe', 'pipe'],
		},
	);
	const errors = text(node.stderr);
	const ended = new Promise<number | null>((resolve) => node.once('exit', (code) => resolve(code)));
	try {
		const ready = JSON.parse(
			await within(READY_MS, 'the ready line', Promise.race([firstLine(node.stdout), ended.then(failEarly(errors))])),
		);
		const answer = await fetch(new URL('/healthcheck', ready.http));
		assertEqual('GET /healthcheck', `${answer.status} ${(await answer.text()).trim()}`, '200 OK');
		const pid = innerPid(node.pid ?? 0);
		assertEqual('HEALTHCHECK', enter(pid, env, inside(words('HEALTHCHECK'))).status, 0);
		const write = (path: string) =>
			enter(pid, env, inside([words('ENTRYPOINT')[0] ?? '', '-e', `fs.writeFileSync('${path}', 'x')`]));
		assertMatch('a write outside the volume', write('/app/x').stderr, /EROFS|EACCES/);
		assertEqual('a write inside the volume', write(join(given('VOLUME'), 'probe')).status, 0);
		process.kill(pid, 'SIGTERM');
		assertEqual('exit code after SIGTERM', await within(STOP_MS, 'the stop', ended), 0);
	} finally {
		node.kill('SIGKILL');
		await ended;
	}
}

/** The node itself: the only child of unshare, process 1 of its namespace. */
function innerPid(outer: number): number {
	return Number(readFileSync(`/proc/${outer}/task/${outer}/children`, 'utf8').trim().split(' ')[0]);
}

/** A second process in the node's container, as an engine starts health checks. */
function enter(pid: number, env: readonly string[], command: readonly string[]) {
	return spawnSync('nsenter', ['--target', String(pid), '--mount', '--pid', ...command], {
		encoding: 'utf8',
		env: Object.fromEntries([...env.map((pair) => splitPair(pair)), ['PATH', process.env.PATH ?? '']]),
	});
}

function splitPair(pair: string): readonly [string, string] {
	const at = pair.indexOf('=');
	return [pair.slice(0, at), pair.slice(at + 1)];
}

function run(command: string, args: readonly string[], cwd: string): string {
	const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
	if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${stderr || error?.message}`);
	return stdout;
}

async function firstLine(stream: NodeJS.ReadableStream): Promise<string> {
	let seen = '';
	for await (const chunk of stream) {
		seen += chunk;
		if (seen.includes('\n')) break;
	}
	return seen.split('\n', 1)[0] ?? '';
}

function failEarly(errors: Promise<string>): (code: number | null) => Promise<never> {
	return async (code) => {
		throw new Error(`the node ended with ${code} before it was ready:\n${await errors}`);
	};
}

async function within<T>(limitMs: number, what: string, promise: Promise<T>): Promise<T> {
	const { promise: late, reject } = Promise.withResolvers<never>();
	const timer = setTimeout(() => reject(new Error(`waited ${limitMs} ms in vain for ${what}`)), limitMs);
	try {
		return await Promise.race([promise, late]);
	} finally {
		clearTimeout(timer);
	}
}

function assertEqual(what: string, actual: unknown, expected: unknown): void {
	if (actual !== expected) throw new Error(`${what}: ${String(actual)} instead of ${String(expected)}`);
	process.stdout.write(`ok: ${what}\n`);
}

function assertMatch(what: string, actual: string, pattern: RegExp): void {
	if (!pattern.test(actual)) throw new Error(`${what}: ${actual} does not match ${pattern}`);
	process.stdout.write(`ok: ${what} is refused\n`);
}
