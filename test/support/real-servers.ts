/**
 * Real servers of other people's making on loopback, by the scripts of `SUNDOG_REFERENCE_SERVERS` (default `../shared/servers`
 * beside the checkout): `SCRIPT start` prints KEY=VALUE lines, `SCRIPT stop` ends what it started.
 *
 * Where `SUNDOG_REFERENCE_DIR` is set (the test runner sets it), one server serves all test files that ask for it with the same
 * settings: the first one starts it, and whoever owns the folder stops it (scripts/test/servers.ts). A file that harms
 * its server, or counts what is in it, asks for its `own`. Files that share one work in places named at random.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { link, mkdir, mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { referenceServers } from '../../scripts/test/reference.ts';
import { SERVER_NOTE, type ServerNote, serversIn, stopServer } from '../../scripts/test/servers.ts';
import { claimPortRuns } from './port-runs.ts';

const execute = promisify(execFile);
const START_TIMEOUT_MS = 280_000;
const COMMAND_TIMEOUT_MS = 60_000;

export interface ServerKind {
	/** name of the script */
	readonly script: string;
	/** the variable that names the folder of its state */
	readonly dirVar: string;
	/** Debian packages; without all of them the server counts as missing, and nothing is installed */
	readonly packages: readonly string[];
	/** Variables that take the first of so many ports in a row; `range`: as FIRST:LAST. */
	readonly portVars: Readonly<Record<string, number | { readonly range: number }>>;
	/** variables of the script */
	readonly env?: Readonly<Record<string, string>>;
}

/** Ceph with RBD pools, S3 and Swift by radosgw. */
export const CEPH: ServerKind = {
	script: 'ceph-cluster',
	dirVar: 'CEPH_DIR',
	packages: [
		'ceph-mon',
		'ceph-mgr',
		'ceph-mgr-modules-core',
		'ceph-osd',
		'ceph-common',
		'librbd1',
		'librados2',
		'curl',
		'radosgw',
	],
	portVars: { CEPH_MON_PORT: 2, CEPH_RGW_PORT: 1, CEPH_OSD_PORTS: { range: 40 } },
};

/** Swift with tempauth and S3; objects and segments of at most 20 MiB, so that large ones need no large files. */
export const SWIFT: ServerKind = {
	script: 'swift-server',
	dirVar: 'SWIFT_DIR',
	packages: [
		'swift-proxy',
		'swift-account',
		'swift-container',
		'swift-object',
		'memcached',
		'attr',
		'curl',
		'python3-swiftclient',
	],
	portVars: { SWIFT_PORT: 1, SWIFT_BACKEND_PORT: 12 },
	env: { SWIFT_MAX_FILE_SIZE: String(20 * 1024 * 1024) },
};

export interface RealServer extends AsyncDisposable {
	readonly missing: false;
	/** what the script printed */
	readonly env: Readonly<Record<string, string>>;
	/** Runs a program with those variables set: `run('rbd', ['ls', 'images'])`. */
	run(command: string, args: readonly string[], options?: { timeoutMs?: number }): Promise<{ stdout: string; stderr: string }>;
	/** `SCRIPT COMMAND…` of this server: `stop` and `start` for tests in which it goes and comes back. */
	script(...args: readonly string[]): Promise<{ stdout: string; stderr: string }>;
}

/** A server, or why there is none: a reason to skip, in words for people. */
export type MaybeServer = RealServer | { readonly missing: string };

/** `own`: one that nobody shares, on an empty state. */
export async function startServer(kind: ServerKind, { own = false }: { readonly own?: boolean } = {}): Promise<MaybeServer> {
	const script = join(referenceServers(), kind.script);
	if (!existsSync(script)) return { missing: `the reference server ${kind.script} is not on this machine` };
	const absent = await absentPackages(kind.packages);
	if (absent.length > 0) return { missing: `${kind.script} needs the packages ${absent.join(', ')}` };
	const shared = own ? undefined : process.env.SUNDOG_REFERENCE_DIR;
	const dir = shared === undefined ? await mkdtemp(join(tmpdir(), 'sundog-server-')) : join(serversIn(shared), nameOf(kind));
	const stop = async () => {
		await stopServer(dir);
		await rm(dir, { recursive: true, force: true, maxRetries: 3 });
	};
	try {
		const note = await agree(kind, script, dir, shared !== undefined);
		// the script lets one start it, and others wait until it is there
		const { stdout } = await execute(script, ['start'], { env: note.env, timeout: START_TIMEOUT_MS });
		const env = parseLines(stdout);
		return {
			missing: false,
			env,
			run: (command, args, { timeoutMs = COMMAND_TIMEOUT_MS } = {}) =>
				execute(command, args, { env: { ...process.env, ...env }, timeout: timeoutMs }),
			script: (...args) => execute(script, args, { env: note.env, timeout: START_TIMEOUT_MS }),
			[Symbol.asyncDispose]: shared === undefined ? stop : async () => {},
		};
	} catch (error) {
		if (shared === undefined) await stop();
		return { missing: `${kind.script} did not start: ${lastLines(error)}` };
	}
}

/** What the server is started with, agreed on by everybody who comes to this folder. */
async function agree(kind: ServerKind, script: string, dir: string, shared: boolean): Promise<ServerNote> {
	await mkdir(dir, { recursive: true });
	const agreed = join(dir, SERVER_NOTE);
	if (!existsSync(agreed)) {
		const draft = `${agreed}.${process.pid}`;
		const env = { ...baseEnv(shared), ...kind.env, ...(await ports(kind)), [kind.dirVar]: dir };
		await writeFile(draft, JSON.stringify({ script, env } satisfies ServerNote));
		await link(draft, agreed).catch((error: NodeJS.ErrnoException) => {
			if (error.code !== 'EEXIST') throw error;
		});
		await unlink(draft);
	}
	return JSON.parse(readFileSync(agreed, 'utf8')) as ServerNote;
}

/** A server for many must not bear the mark by which the test runner knows one file's processes. */
function baseEnv(shared: boolean): Record<string, string> {
	const all = Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined);
	const kept = ['PATH', 'TMPDIR', 'USER', 'LANG', 'HOME'];
	return Object.fromEntries(shared ? all.filter(([name]) => kept.includes(name)) : all);
}

async function ports(kind: ServerKind): Promise<Record<string, string>> {
	const wanted = Object.entries(kind.portVars);
	const firsts = await claimPortRuns(wanted.map(([, run]) => (typeof run === 'number' ? run : run.range)));
	return Object.fromEntries(
		wanted.map(([name, run], index) => {
			const first = firsts[index] ?? 0;
			return [name, typeof run === 'number' ? String(first) : `${first}:${first + run.range - 1}`];
		}),
	);
}

/** Those who want it set up alike share it. */
function nameOf({ script, env = {} }: ServerKind): string {
	const settings = createHash('sha256').update(JSON.stringify(Object.entries(env).toSorted()));
	return `${script}-${settings.digest('hex').slice(0, 6)}`;
}

async function absentPackages(wanted: readonly string[]): Promise<readonly string[]> {
	const args = ['-W', '-f', `\${Package} \${db:Status-Status}\n`, ...wanted];
	// it fails when one is unknown, and still tells of the others
	const { stdout } = await execute('dpkg-query', args).catch((error: { stdout?: string }) => ({ stdout: error.stdout ?? '' }));
	const installed = stdout.split('\n');
	return wanted.filter((name) => !installed.includes(`${name} installed`));
}

function parseLines(printed: string): Record<string, string> {
	const lines = printed.matchAll(/^([A-Z][A-Z0-9_]*)=(?:'(.*)'|(.*))$/gm);
	return Object.fromEntries([...lines].map(([, name = '', quoted, plain]) => [name, quoted ?? plain ?? '']));
}

function lastLines(error: unknown): string {
	const { stderr, message } = error as { readonly stderr?: string; readonly message?: string };
	return (stderr || message || String(error)).trim().split('\n').slice(-4).join(' | ');
}
