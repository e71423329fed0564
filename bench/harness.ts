/**
 * How measurements are taken and told. Subjects of one row take turns (A B A B …) so that whatever else the machine
 * does hits them alike; the median of the rounds counts. Every line on standard output is one JSON object, progress
 * goes to standard error.
 */
import { execFile, spawn } from 'node:child_process';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { peakResidentBytes, processTree } from '../test/support/proc.ts';

export const MIB = 1024 * 1024;
export const GIB = 1024 * MIB;

const run = promisify(execFile);

export interface Bench {
	/** an empty directory on the disk that is measured; gone afterwards */
	readonly dir: string;
	readonly quick: boolean;
	/** sizes that take a quarter of an hour to prepare, too */
	readonly scale: boolean;
	readonly runs: number;
	readonly sizes: {
		/** bytes of the image that is moved about */
		readonly image: number;
		/** bytes of the image of the memory row */
		readonly large: number;
		/** records of the catalogue rows */
		readonly images: number;
	};
	readonly report: Report;
}

/** One row of the table of targets: `npm run bench -- --only NAME` runs it alone. */
export interface Row {
	readonly name: string;
	readonly about: string;
	run(bench: Bench): Promise<void>;
}

export interface Sample {
	/** in the subject's unit */
	readonly value: number;
	/** user and system, of the processes under measurement (never of the load generator) */
	readonly cpuSeconds?: number;
	/** what the value and the CPU seconds were spent on: bytes moved, or requests answered */
	readonly bytes?: number;
	readonly requests?: number;
	readonly peakRssBytes?: number;
}

export interface Subject {
	readonly name: string;
	readonly unit: string;
	/** what it is and does, for the reader of the table */
	readonly about: string;
	/** One measurement; whatever must be prepared or removed happens here too, outside of what it times. */
	run(round: number): Promise<Sample>;
}

export interface Measurement {
	readonly kind: 'measurement';
	readonly name: string;
	readonly about: string;
	readonly unit: string;
	readonly median: number;
	readonly min: number;
	readonly max: number;
	readonly runs: number;
	readonly bytes?: number;
	readonly cpuSecondsPerGiB?: number;
	readonly cpuMsPerRequest?: number;
	readonly peakRssMiB?: number;
}

/** `value` of one thing against a bound, or the ratio of two things of the same run. */
export interface Verdict {
	readonly kind: 'ratio' | 'bound';
	readonly name: string;
	readonly of: string;
	/** of a ratio */
	readonly ratio?: number;
	/** of a bound */
	readonly value?: number;
	readonly unit?: string;
	readonly target: string;
	readonly met: boolean;
}

export interface Environment {
	readonly kind: 'environment';
	readonly at: string;
	readonly commit: string;
	readonly node: string;
	readonly cpu: string;
	readonly cores: number;
	readonly memoryGiB: number;
	readonly kernel: string;
	readonly load: number;
	readonly quick: boolean;
	readonly peers: Readonly<Record<string, string>>;
}

export type Line =
	| Environment
	| Measurement
	| Verdict
	| { readonly kind: 'skipped'; readonly name: string; readonly reason: string };

export type Target = { readonly below: number } | { readonly atLeast: number };

export interface Report {
	say(line: Line): void;
	progress(text: string): void;
	/** Takes turns, says one line for each, returns them in the order given. */
	measure<const T extends readonly Subject[]>(subjects: T, runs: number): Promise<{ readonly [K in keyof T]: Measurement }>;
	/** What one measurement knows already (percentiles, sizes). */
	single(subject: Pick<Subject, 'name' | 'unit' | 'about'>, values: readonly number[], more?: Partial<Sample>): Measurement;
	/** median of `ours` / median of `theirs`; a number is the least it may be */
	ratio(name: string, ours: Measurement, theirs: Measurement, target: number | Target): void;
	bound(name: string, measured: Measurement, value: number, target: Target): void;
	/** every ratio and bound so far was met */
	met(): boolean;
}

export function createReport(write: (line: string) => void): Report {
	let allMet = true;
	const report: Report = {
		say(line) {
			if ('met' in line && !line.met) allMet = false;
			write(JSON.stringify(line));
		},
		progress: (text) => void process.stderr.write(`${text}\n`),
		async measure(subjects, runs) {
			const samples = subjects.map((): Sample[] => []);
			for (let round = 0; round < runs; round++) {
				for (const [index, subject] of subjects.entries()) {
					await run('sync');
					const sample = await subject.run(round);
					samples[index]?.push(sample);
					report.progress(`  ${subject.name} · ${round + 1}/${runs} · ${rounded(sample.value)} ${subject.unit}`);
				}
			}
			const measured = subjects.map((subject, index) => summary(subject, samples[index] ?? []));
			for (const line of measured) report.say(line);
			return measured as never;
		},
		single(subject, values, more = {}) {
			const line = summary(
				subject,
				values.map((value) => ({ value, ...more })),
			);
			report.say(line);
			return line;
		},
		ratio(name, ours, theirs, target) {
			const ratio = rounded(ours.median / theirs.median);
			const bound = typeof target === 'number' ? { atLeast: target } : target;
			report.say({ kind: 'ratio', name, of: `${ours.name} / ${theirs.name}`, ratio, ...judged(ratio, bound) });
		},
		bound(name, { name: of, unit }, value, target) {
			report.say({ kind: 'bound', name, of, value: rounded(value), unit, ...judged(value, target, unit) });
		},
		met: () => allMet,
	};
	return report;
}

function judged(value: number, target: Target, unit = ''): { readonly target: string; readonly met: boolean } {
	const [met, text] =
		'below' in target
			? [value < target.below, `< ${rounded(target.below)} ${unit}`]
			: [value >= target.atLeast, `≥ ${rounded(target.atLeast)} ${unit}`];
	return { target: text.trim(), met };
}

function summary({ name, unit, about }: Pick<Subject, 'name' | 'unit' | 'about'>, samples: readonly Sample[]): Measurement {
	const values = samples.map(({ value }) => value);
	const perGiB = samples.flatMap(({ cpuSeconds, bytes }) =>
		cpuSeconds === undefined || !bytes ? [] : [(cpuSeconds / bytes) * GIB],
	);
	const perRequest = samples.flatMap(({ cpuSeconds, requests }) =>
		cpuSeconds === undefined || !requests ? [] : [(cpuSeconds / requests) * 1000],
	);
	const peaks = samples.flatMap(({ peakRssBytes }) => (peakRssBytes === undefined ? [] : [peakRssBytes]));
	const bytes = samples[0]?.bytes;
	return {
		kind: 'measurement',
		name,
		about,
		unit,
		median: rounded(median(values)),
		min: rounded(Math.min(...values)),
		max: rounded(Math.max(...values)),
		runs: samples.length,
		...(bytes === undefined ? {} : { bytes }),
		...(perGiB.length === 0 ? {} : { cpuSecondsPerGiB: rounded(median(perGiB)) }),
		...(perRequest.length === 0 ? {} : { cpuMsPerRequest: rounded(median(perRequest)) }),
		...(peaks.length === 0 ? {} : { peakRssMiB: Math.round(Math.max(...peaks) / MIB) }),
	};
}

export function median(values: readonly number[]): number {
	const sorted = [...values].sort((a, b) => a - b);
	const middle = sorted.length >> 1;
	const upper = sorted[middle] ?? Number.NaN;
	return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The value that `share` (0..1) of all values do not exceed. */
export function percentile(values: readonly number[], share: number): number {
	const sorted = [...values].sort((a, b) => a - b);
	return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/** Three significant digits are all that a shared machine gives; whole numbers stay whole. */
function rounded(value: number): number {
	return Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(3));
}

export interface Timed {
	readonly seconds: number;
	readonly cpuSeconds: number;
	readonly stdout: string;
}

/** Runs a command to its end and says what it took, its own children included. */
export function timed(command: string, args: readonly string[]): Promise<Timed> {
	return timing(command, args).done;
}

const WATCH_EVERY_MS = 25;

/** As `timed`, in this environment, and with the most memory that any of its processes held. */
export async function watched(
	command: string,
	args: readonly string[],
	env: NodeJS.ProcessEnv,
): Promise<Timed & { readonly peakRssBytes: number }> {
	const { pid, done } = timing(command, args, env);
	let peakRssBytes = 0;
	const watch = setInterval(() => {
		peakRssBytes = Math.max(peakRssBytes, peakOf(pid));
	}, WATCH_EVERY_MS);
	try {
		return { ...(await done), peakRssBytes };
	} finally {
		clearInterval(watch);
	}
}

function peakOf(pid: number): number {
	try {
		return Math.max(...processTree(pid).map(peakResidentBytes));
	} catch {
		// one of them ended while it was looked at
		return 0;
	}
}

function timing(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
	const script = 'TIMEFORMAT="%R %U %S"; time "$@"';
	const running = run('bash', ['-c', script, 'bash', command, ...args], { maxBuffer: 16 * MIB, env });
	const done = running.then(({ stdout, stderr }): Timed => {
		const [real, user, system] = (stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
		if (real === undefined || user === undefined || system === undefined) throw new Error(`${command} was not timed: ${stderr}`);
		return { seconds: real, cpuSeconds: user + system, stdout };
	});
	return { pid: running.child.pid ?? 0, done };
}

/** Runs one of the peers in bench/peers, which prints what it took as its last line. */
export async function runPeer<T = { seconds: number; cpuSeconds: number }>(name: string, args: readonly string[]): Promise<T> {
	const path = new URL(`./peers/${name}.ts`, import.meta.url).pathname;
	const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
	let output = '';
	child.stdout.setEncoding('utf8').on('data', (piece: string) => {
		output += piece;
	});
	const [code] = await new Promise<[number | null]>((resolve, reject) => {
		child.once('error', reject);
		child.once('close', (exit) => resolve([exit]));
	});
	if (code !== 0) throw new Error(`${name} ended with ${code}: ${output}`);
	return JSON.parse(output.trim().split('\n').at(-1) ?? '') as T;
}

export async function environment(quick: boolean): Promise<Environment> {
	return {
		kind: 'environment',
		at: new Date().toISOString(),
		commit: await firstLine('git', ['rev-parse', '--short', 'HEAD']),
		node: process.version,
		cpu: cpus()[0]?.model.trim() ?? 'unknown',
		cores: cpus().length,
		memoryGiB: Math.round(totalmem() / GIB),
		kernel: release(),
		load: rounded(loadavg()[0] ?? 0),
		quick,
		peers: {
			curl: (await firstLine('curl', ['--version'])).split(' ').slice(0, 2).join(' '),
			nginx: await firstLine('nginx', ['-v']),
			wrk: (await firstLine('wrk', ['-v'])).split(' ').slice(0, 2).join(' '),
			dd: await firstLine('dd', ['--version']),
			glance: `Glance ${await firstLine('glance-api', ['--version'])}`,
			mariadb: (await firstLine('mariadbd', ['--version'])).replace(/^.*?Ver (\S+).*/, 'MariaDB $1'),
			ceph: (await firstLine('rbd', ['--version'])).split(' ').slice(0, 3).join(' '),
			aws: (await firstLine('/usr/bin/aws', ['--version'])).split(' ')[0] ?? '',
			swift: await firstLine('swift', ['--version']),
		},
	};
}

/** First line of whatever a command prints; `missing` when it cannot be run. */
async function firstLine(command: string, args: readonly string[]): Promise<string> {
	const output = await run(command, [...args]).catch((error: { code?: unknown; stdout?: string; stderr?: string }) =>
		error.code === 'ENOENT' ? undefined : error,
	);
	if (output === undefined) return 'missing';
	return (output.stdout || output.stderr || '').split('\n')[0]?.trim() ?? '';
}
