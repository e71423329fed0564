/**
 * Where tools of the host meet bytes that a stranger made: each in a process group of its own, with hard limits on memory,
 * processor time, files and processes, without privileges, without the network, without the node's environment, in a
 * private directory that is removed afterwards; one at a time. docs/decisions/0022-import-plugins-and-jail.md
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { ImageError } from '#domain/errors.ts';
import type { Log } from '#lib/log.ts';
import { GiB, KiB, MiB } from '#lib/sizes.ts';
import { type Cell, openCells } from './jail-cells.ts';
import { type Guards, guardsOf } from './jail-guards.ts';
import { turns } from './turns.ts';

export interface Jail {
	/** A private directory to work in. */
	cell(): Promise<Cell>;
	/**
	 * Runs a tool to its end and says how it ended. Waits for its turn. Rejects with the signal's reason, with everything
	 * of the tool gone, or with `unavailable` when the tool, or what confines it, is not on this host.
	 */
	run(job: JailJob, options: { readonly signal: AbortSignal }): Promise<JailEnd>;
	/** The same for a tool that makes bytes: what it writes to standard output, as fast as it is read; then how it ended. */
	stream(job: JailJob, options: { readonly signal: AbortSignal }): AsyncGenerator<Uint8Array, JailEnd>;
}

export interface JailJob {
	readonly cell: Cell;
	/** a name, found in the node's PATH */
	readonly tool: string;
	readonly args: readonly string[];
	/** given as descriptor 3 */
	readonly file?: FileHandle;
	/** given as standard input, which is empty otherwise */
	readonly input?: AsyncIterable<Uint8Array>;
	readonly limits: {
		readonly cpuSeconds: number;
		/** of the largest file it may write */
		readonly fileBytes: number;
		/** absent: as long as somebody reads what it writes */
		readonly wallSeconds?: number;
	};
}

export interface JailEnd {
	/** null: it was killed */
	readonly code: number | null;
	/** which limit ended it */
	readonly exceeded?: 'cpu' | 'time' | 'file' | 'output';
	/** empty for `stream` */
	readonly stdout: string;
	/** the beginning of it; not for clients, since it may name paths */
	readonly stderr: string;
}

export interface JailOptions {
	/** the jail's alone: what a crash left in it is removed */
	readonly dir: string;
	readonly log: Log;
}

const ADDRESS_SPACE_BYTES = GiB;
/** of a thread, so that a pool of them fits into the address space */
const STACK_BYTES = MiB;
const MAX_FILES = 256;
/** threads count, and so do those of other processes of the same user */
const MAX_PROCESSES = 1024;
const MAX_STDOUT_BYTES = MiB;
const MAX_STDERR_BYTES = 4 * KiB;

export async function openJail({ dir, log }: JailOptions): Promise<Jail> {
	const guards = await guardsOf(log);
	const cells = await openCells(dir, guards.user);
	const next = turns();

	return {
		cell: cells.open,
		async run(job, { signal }) {
			using _turn = await next(signal);
			await using inmate = admit(guards, job, signal);
			const [stdout, end] = await Promise.all([collected(inmate), inmate.ended]);
			return { ...end, stdout };
		},
		async *stream(job, { signal }) {
			using _turn = await next(signal);
			await using inmate = admit(guards, job, signal);
			yield* inmate.process.stdout as AsyncIterable<Uint8Array>;
			return { ...(await inmate.ended), stdout: '' };
		},
	};
}

/** Disposal kills it, if it still runs, with all that it started, and waits for its end. */
interface Inmate extends AsyncDisposable {
	readonly process: ChildProcess;
	/** rejects with the signal's reason when that is what ended it */
	readonly ended: Promise<Omit<JailEnd, 'stdout'>>;
	end(why?: JailEnd['exceeded']): void;
}

function admit(guards: Guards, job: JailJob, signal: AbortSignal): Inmate {
	signal.throwIfAborted();
	const [command = '', ...args] = [...guards.command(limitsOf(job)), guards.pathOf(job.tool), ...job.args];
	const child = spawn(command, args, {
		cwd: job.cell.path,
		// One heap for all threads: each of its own would reserve much of the address space.
		env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TMPDIR: '.', HOME: '.', MALLOC_ARENA_MAX: '1' },
		detached: true,
		stdio: [job.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', ...(job.file === undefined ? [] : [job.file.fd])],
	});
	let exceeded: JailEnd['exceeded'];
	const end: Inmate['end'] = (why) => {
		exceeded ??= why;
		killGroup(child);
	};
	const { wallSeconds } = job.limits;
	const clock = wallSeconds === undefined ? undefined : setTimeout(end, wallSeconds * 1000, 'time').unref();
	const leave = (): void => end();
	signal.addEventListener('abort', leave, { once: true });
	const stderr = beginningOf(child);
	const fed = feed(child, job.input);
	fed.catch(() => {});

	const ended = exitOf(child).then(async ({ code, killer }) => {
		clearTimeout(clock);
		signal.removeEventListener('abort', leave);
		signal.throwIfAborted();
		await fed;
		const why = exceeded ?? LIMIT_SIGNALS[killer ?? ''];
		return { code, ...(why !== undefined && { exceeded: why }), stderr: stderr() };
	});
	ended.catch(() => {});
	return {
		process: child,
		ended,
		end,
		async [Symbol.asyncDispose]() {
			end();
			child.stdout?.destroy();
			await ended.catch(() => {});
		},
	};
}

/** How the kernel says that a limit was passed. */
const LIMIT_SIGNALS: Readonly<Record<string, JailEnd['exceeded']>> = { SIGXCPU: 'cpu', SIGXFSZ: 'file' };

function limitsOf({ limits: { cpuSeconds, fileBytes } }: JailJob): readonly string[] {
	return [
		`--as=${ADDRESS_SPACE_BYTES}`,
		// The second number kills what does not heed the first.
		`--cpu=${cpuSeconds}:${cpuSeconds + 1}`,
		'--core=0',
		`--fsize=${fileBytes}`,
		`--stack=${STACK_BYTES}`,
		`--nofile=${MAX_FILES}`,
		`--nproc=${MAX_PROCESSES}`,
	];
}

async function exitOf(child: ChildProcess): Promise<{ code: number | null; killer: string | null }> {
	const { promise, resolve, reject } = Promise.withResolvers<{ code: number | null; killer: string | null }>();
	child.once('error', (cause) => reject(new ImageError('unavailable', 'a tool could not be started on this node', { cause })));
	// What it started may hold its pipes open; the group is gone before anything waits for those.
	child.once('exit', () => killGroup(child));
	child.once('close', (code, killer) => resolve({ code, killer }));
	return promise;
}

function killGroup({ pid }: ChildProcess): void {
	if (pid === undefined) return;
	try {
		process.kill(-pid, 'SIGKILL');
	} catch {
		// It is gone already.
	}
}

async function collected({ process: { stdout }, end }: Inmate): Promise<string> {
	const pieces: Buffer[] = [];
	let bytes = 0;
	for await (const piece of stdout as AsyncIterable<Buffer>) {
		bytes += piece.length;
		if (bytes > MAX_STDOUT_BYTES) {
			end('output');
			break;
		}
		pieces.push(piece);
	}
	return Buffer.concat(pieces).toString('utf8');
}

/** Reads on past what it keeps: a tool must not wait for somebody to read its complaints. */
function beginningOf({ stderr }: ChildProcess): () => string {
	let text = '';
	stderr?.setEncoding('latin1').on('data', (piece: string) => {
		text += piece.slice(0, MAX_STDERR_BYTES - text.length);
	});
	return () => text.trim();
}

/** Resolves with all of it given, or with nobody taking it any more; rejects when the input itself fails. */
async function feed(child: ChildProcess, input: AsyncIterable<Uint8Array> | undefined): Promise<void> {
	if (child.stdin === null || input === undefined) return;
	let failed: { readonly error: unknown } | undefined;
	const watched = async function* (): AsyncGenerator<Uint8Array> {
		try {
			yield* input;
		} catch (error) {
			failed = { error };
			killGroup(child);
		}
	};
	await pipeline(watched, child.stdin).catch(() => {});
	if (failed !== undefined) throw failed.error;
}
