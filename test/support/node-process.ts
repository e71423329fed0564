/** A whole node as a process of its own, started as a user would start it and spoken to only from outside. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { within } from './eventually.ts';
import { cpuSeconds, peakResidentBytes, residentBytes } from './proc.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const READY_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 20_000;
const KEPT_LOG_CHARS = 256 * 1024;

export interface NodeOptions {
	readonly dataDir: string;
	/** default `centre` */
	readonly site?: string;
	/** multiaddrs to dial */
	readonly bootstrap?: readonly string[];
	/** one-time token */
	readonly join?: string;
	/** default 127.0.0.1:0 */
	readonly listen?: string;
	/** default /ip4/127.0.0.1/tcp/0 */
	readonly peerListen?: string;
	/** on top of everything else */
	readonly env?: Readonly<Record<string, string>>;
	readonly readyTimeoutMs?: number;
}

/** The line a node prints when it serves. */
export interface ReadyLine {
	readonly ready: true;
	/** base URL */
	readonly http: string;
	/** multiaddrs with /p2p/<peer id> */
	readonly peer: readonly string[];
	readonly site: string;
	readonly node: string;
	readonly dataDir: string;
}

export interface Exit {
	readonly code: number | null;
	readonly signal: NodeJS.Signals | null;
}

export interface NodeProcess extends AsyncDisposable {
	readonly ready: ReadyLine;
	readonly http: string;
	/** the address to give to others as SUNDOG_BOOTSTRAP */
	readonly peer: string;
	readonly pid: number;
	readonly dataDir: string;
	/** milliseconds from spawn to the ready line */
	readonly startMs: number;
	readonly exited: Promise<Exit>;
	/** standard error so far; only the last 256 Ki characters are kept */
	log(): string;
	/** a one-time token */
	invite(site: string): Promise<string>;
	signal(signal: NodeJS.Signals): void;
	/** Sends the signal and waits until the process is gone. */
	kill(signal: 'SIGKILL' | 'SIGTERM' | 'SIGINT'): Promise<Exit>;
	/** SIGTERM; a node that will not go within 20 seconds is killed and is an error. */
	stop(): Promise<Exit>;
	/** The same node again (data directory, ports, site, peers), after it has ended. The token is not given again: the certificate is kept. */
	restart(changes?: Partial<NodeOptions>): Promise<NodeProcess>;
	/** bytes */
	rss(): number;
	peakRss(): number;
	/** of all its threads since it started */
	cpuSeconds(): number;
}

/** Resolves when the node has printed its ready line; an early end or silence is an error that carries its standard error. */
export async function startNode(options: NodeOptions): Promise<NodeProcess> {
	const startedAt = performance.now();
	const child = launch(['src/main.ts', 'serve'], environment(options));
	const log = collect(child);
	const exited = exitOf(child);
	let ready: ReadyLine;
	try {
		ready = await within('start of the node', options.readyTimeoutMs ?? READY_TIMEOUT_MS, readyLine(child, exited));
	} catch (error) {
		child.kill('SIGKILL');
		await exited;
		throw new Error(`node of site ${options.site ?? 'centre'} did not start:\n${log()}`, { cause: error });
	}
	const startMs = performance.now() - startedAt;
	const pid = child.pid as number;

	const kill: NodeProcess['kill'] = async (signal) => {
		child.kill(signal);
		return within(`end of the node after ${signal}`, STOP_TIMEOUT_MS, exited);
	};
	const stop: NodeProcess['stop'] = async () => {
		try {
			return await kill('SIGTERM');
		} catch (error) {
			await kill('SIGKILL');
			throw new Error(`node of site ${ready.site} did not stop:\n${log()}`, { cause: error });
		}
	};

	return {
		ready,
		http: ready.http,
		peer: firstOf(ready.peer),
		pid,
		dataDir: ready.dataDir,
		startMs,
		exited,
		log,
		invite: (site) => invite(ready.dataDir, site),
		signal: (signal) => void child.kill(signal),
		kill,
		stop,
		restart: (changes) => startNode({ ...again(options, ready), ...changes }),
		rss: () => residentBytes(pid),
		peakRss: () => peakResidentBytes(pid),
		cpuSeconds: () => cpuSeconds(pid),
		async [Symbol.asyncDispose]() {
			child.kill('SIGKILL');
			await exited;
		},
	};
}

export interface Run extends Exit {
	readonly stdout: string;
	readonly stderr: string;
}

/** Runs `sundog <args>` to its end: for refusals and for the CLI. */
export async function runSundog(
	args: readonly string[],
	env: Readonly<Record<string, string>>,
	timeoutMs = READY_TIMEOUT_MS,
): Promise<Run> {
	const child = launch(['src/main.ts', ...args], env);
	const exited = exitOf(child);
	try {
		const [stdout, stderr, exit] = await within(
			`sundog ${args.join(' ')}`,
			timeoutMs,
			Promise.all([text(child.stdout as NodeJS.ReadableStream), text(child.stderr as NodeJS.ReadableStream), exited]),
		);
		return { stdout, stderr, ...exit };
	} finally {
		child.kill('SIGKILL');
	}
}

/** The environment of a node and nothing else of SUNDOG_*, so that a developer's own settings never leak in. */
export function environment(options: NodeOptions): Record<string, string> {
	return {
		SUNDOG_DATA_DIR: options.dataDir,
		SUNDOG_LISTEN: options.listen ?? '127.0.0.1:0',
		SUNDOG_PEER_LISTEN: options.peerListen ?? '/ip4/127.0.0.1/tcp/0',
		SUNDOG_AUTH: 'none',
		...(options.site === undefined ? {} : { SUNDOG_SITE: options.site }),
		...(options.bootstrap === undefined ? {} : { SUNDOG_BOOTSTRAP: options.bootstrap.join(',') }),
		...(options.join === undefined ? {} : { SUNDOG_JOIN: options.join }),
		...options.env,
	};
}

async function invite(dataDir: string, site: string): Promise<string> {
	const run = await runSundog(['fleet', 'invite', '--site', site], { SUNDOG_DATA_DIR: dataDir });
	if (run.code !== 0) throw new Error(`fleet invite ended with ${run.code}: ${run.stderr}`);
	return run.stdout.trim();
}

/** As `npm start` and bin/sundog start a node. */
export const NODE_FLAGS = ['--max-semi-space-size=2'];

/** Whatever ends this process ends the children: nothing of a failed test may stay behind. */
const living = new Set<ChildProcess>();
process.once('exit', () => {
	for (const child of living) child.kill('SIGKILL');
});

function launch(args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
	const inherited = Object.entries(process.env).filter(([name]) => !/^(SUNDOG_|NODE_TEST)/.test(name));
	const child = spawn(process.execPath, [...NODE_FLAGS, join(ROOT, args[0] as string), ...args.slice(1)], {
		cwd: ROOT,
		env: { ...Object.fromEntries(inherited), ...env },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	living.add(child);
	child.once('exit', () => living.delete(child));
	return child;
}

function exitOf(child: ChildProcess): Promise<Exit> {
	return new Promise((resolve, reject) => {
		child.once('error', reject);
		child.once('exit', (code, signal) => resolve({ code, signal }));
	});
}

function collect(child: ChildProcess): () => string {
	let kept = '';
	child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
		kept = (kept + piece).slice(-KEPT_LOG_CHARS);
	});
	return () => kept;
}

/** Reads standard output until the ready line, and then keeps it flowing so that the node never blocks on it. */
function readyLine(child: ChildProcess, exited: Promise<Exit>): Promise<ReadyLine> {
	return new Promise((resolve, reject) => {
		let seen = '';
		child.stdout?.setEncoding('utf8').on('data', (piece: string) => {
			seen = (seen + piece).slice(-KEPT_LOG_CHARS);
			for (const line of seen.split('\n').slice(0, -1)) {
				if (line.startsWith('{"ready":true')) resolve(JSON.parse(line) as ReadyLine);
			}
		});
		exited.then((exit) => reject(new Error(`ended with ${exit.code ?? exit.signal} before it was ready`)), reject);
	});
}

function again(options: NodeOptions, ready: ReadyLine): NodeOptions {
	const { join: _used, ...rest } = options;
	return {
		...rest,
		listen: new URL(ready.http).host,
		peerListen: firstOf(ready.peer).replace(/\/p2p\/.*$/, ''),
	};
}

function firstOf(addresses: readonly string[]): string {
	const [first] = addresses;
	if (first === undefined) throw new Error('the node printed no peer address');
	return first;
}
