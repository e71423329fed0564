/** Debian's Glance as a process of its own: without Keystone, so that everybody is its administrator, and on SQLite. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually, within } from './eventually.ts';
import { freePort } from './free-port.ts';

const execute = promisify(execFile);
const PYTHON = '/usr/bin/python3';
const DB_SYNC_TIMEOUT_MS = 120_000;
const READY_TIMEOUT_MS = 90_000;
const STOP_TIMEOUT_MS = 20_000;
const KEPT_LOG_CHARS = 64 * 1024;

export interface GlanceStore {
	readonly id: string;
	readonly type: string;
	/** of its section */
	readonly options: Readonly<Record<string, string>>;
}

export interface OwnGlance extends AsyncDisposable {
	readonly url: string;
	/** its glance-api.conf */
	readonly confFile: string;
	/** the end of what it has said */
	log(): string;
}

/** Python modules that Debian's Python does not have; without `glance` there is no Glance. */
export async function absentModules(...modules: readonly string[]): Promise<readonly string[]> {
	const script = 'import sys, importlib.util\nfor m in sys.argv[1:]: importlib.util.find_spec(m) or print(m)';
	const { stdout } = await execute(PYTHON, ['-c', script, ...modules], { timeout: 20_000 });
	return stdout.split('\n').filter((name) => name !== '');
}

/** By section. */
export type GlanceSections = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * Its files are kept in `dir`; the first store is the default. `more` is its configuration's too, before what stands there otherwise.
 * `identity`: headers of somebody who may list images, where not everybody may.
 */
export async function startGlance(
	dir: string,
	stores: readonly GlanceStore[],
	more: GlanceSections = {},
	identity: Readonly<Record<string, string>> = {},
): Promise<OwnGlance> {
	const port = await freePort();
	const confFile = join(dir, 'glance-api.conf');
	await mkdir(dir, { recursive: true });
	await writeFile(confFile, configuration(dir, port, stores, more), { mode: 0o600 });
	// with the mark by which the test runner knows what a file has left behind
	const env = { ...process.env, HOME: dir };
	const sync = ['/usr/bin/glance-manage', '--config-file', confFile, 'db_sync'];
	await execute(PYTHON, sync, { cwd: dir, env, timeout: DB_SYNC_TIMEOUT_MS });
	const child = launch(confFile, dir, env);
	const log = collect(child);
	const url = `http://127.0.0.1:${port}`;
	const stop = async () => {
		if (child.exitCode !== null || child.signalCode !== null) return;
		const exited = once(child, 'exit');
		child.kill('SIGKILL');
		await within('end of Glance', STOP_TIMEOUT_MS, exited);
	};
	try {
		await Promise.race([ready(url, identity), early(child)]);
	} catch (error) {
		await stop();
		throw new Error(`Glance did not start:\n${log()}`, { cause: error });
	}
	return { url, confFile, log, [Symbol.asyncDispose]: stop };
}

function configuration(dir: string, port: number, stores: readonly GlanceStore[], more: GlanceSections): string {
	const sections: GlanceSections = {
		DEFAULT: {
			bind_host: '127.0.0.1',
			bind_port: String(port),
			workers: '0',
			enabled_backends: stores.map(({ id, type }) => `${id}:${type}`).join(', '),
			show_multiple_locations: 'true',
		},
		database: { connection: `sqlite:///${join(dir, 'glance.sqlite')}` },
		glance_store: { default_backend: stores[0]?.id ?? '' },
		os_glance_staging_store: { filesystem_store_datadir: join(dir, 'staging') },
		os_glance_tasks_store: { filesystem_store_datadir: join(dir, 'tasks') },
		oslo_concurrency: { lock_path: join(dir, 'lock') },
		...Object.fromEntries(stores.map(({ id, options }) => [id, options])),
	};
	const all = Object.keys({ ...sections, ...more }).map((name) => [name, { ...sections[name], ...more[name] }] as const);
	return all
		.map(([name, options]) => [`[${name}]`, ...Object.entries(options).map((pair) => pair.join(' = ')), ''].join('\n'))
		.join('\n');
}

/** Whatever ends this process ends Glance. */
function launch(confFile: string, cwd: string, env: NodeJS.ProcessEnv): ChildProcess {
	const args = ['/usr/bin/glance-api', '--config-file', confFile];
	const child = spawn(PYTHON, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
	const end = () => void child.kill('SIGKILL');
	process.once('exit', end);
	child.once('exit', () => process.off('exit', end));
	return child;
}

function collect(child: ChildProcess): () => string {
	let kept = '';
	for (const stream of [child.stdout, child.stderr])
		stream?.setEncoding('utf8').on('data', (piece: string) => {
			kept = (kept + piece).slice(-KEPT_LOG_CHARS);
		});
	return () => kept;
}

function ready(url: string, headers: Readonly<Record<string, string>>): Promise<true> {
	const answers = async () => {
		const { status } = await fetch(`${url}/v2/images`, { headers, signal: AbortSignal.timeout(10_000) });
		return status === 200 ? true : undefined;
	};
	return eventually('Glance to answer', answers, { timeoutMs: READY_TIMEOUT_MS, everyMs: 200 });
}

async function early(child: ChildProcess): Promise<never> {
	const [code, signal] = await once(child, 'exit');
	throw new Error(`ended with ${code ?? signal} before it answered`);
}
