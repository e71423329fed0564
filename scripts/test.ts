/**
 * `npm test`: every test/**\/*.test.ts in a process of its own, two at a time; then those that start nodes or break
 * things (test/mesh, test/fault) one by one, so that two heavy ones never share the machine.
 *
 *   npm test                              everything
 *   npm test -- test/api test/unit/a.test.ts   folders, files, globs
 *   npm test -- --match 'racing'          tests whose name matches
 *   npm test -- --file-limit 60 --limit 600   seconds for one file, for all
 *   npm test -- --results F               writes every outcome to the file F, a line of JSON each
 *
 * Files that compare with a real Glance share one cloud, which is stopped in the end; `SUNDOG_REFERENCE_DIR` names one that
 * runs already and is left running (test/support/reference.ts).
 *
 * The last line of standard output is `N passed, N failed, N skipped`. Exit code 0 only when something ran and nothing
 * failed. A file that runs too long fails; processes that a file leaves behind are ended and count as a failure.
 */
import { appendFileSync, globSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { run } from 'node:test';
import { parseArgs } from 'node:util';
import { ownReferenceDir, stopAbandoned, stopReference } from './test/reference.ts';
import { endStrays } from './test/strays.ts';
import { createTally, type FileReport } from './test/tally.ts';

const ROOT = dirname(import.meta.dirname);
const CONCURRENCY = 2;
const HEAVY = /^test\/(fault\/|mesh\/|contract\/store-cinder)/;
const FILE_LIMIT_S = 300;
const HEAVY_FILE_LIMIT_S = 900;
const TOTAL_LIMIT_S = 30 * 60;
/** Marks everything that a test file starts, however deep. Not named SUNDOG_*: nodes would call that a mistake. */
const MARK = 'TEST_FILE_RUN';
/** Settings of the tests themselves. */
const OF_TESTS = ['SUNDOG_REFERENCE_DIR', 'SUNDOG_REFERENCE_SERVERS'];

const { values: options, positionals } = parseArgs({
	allowPositionals: true,
	options: {
		match: { type: 'string' },
		'file-limit': { type: 'string' },
		limit: { type: 'string' },
		results: { type: 'string' },
	},
});
process.chdir(ROOT);
const ownReference = process.env.SUNDOG_REFERENCE_DIR === undefined ? ownReferenceDir() : undefined;
if (ownReference !== undefined) await stopAbandoned();
const referenceDir = process.env.SUNDOG_REFERENCE_DIR ?? ownReference;
const files = findTestFiles(positionals);
const { results } = options;
if (results !== undefined) writeFileSync(results, '');
const tally = createTally(
	(text) => process.stdout.write(text),
	(result) => results !== undefined && appendFileSync(results, `${JSON.stringify(result)}\n`),
);
const stop = new AbortController();
const total = setTimeout(() => stop.abort(new Error('the time limit of the whole run')), seconds(options.limit, TOTAL_LIMIT_S));
for (const [signal, code] of [
	['SIGINT', 130],
	['SIGTERM', 143],
] as const)
	process.once(signal, () => {
		process.exitCode = code;
		stop.abort(new Error(signal));
	});

await runAll(
	files.filter((file) => !HEAVY.test(file)),
	CONCURRENCY,
);
await runAll(
	files.filter((file) => HEAVY.test(file)),
	1,
);
clearTimeout(total);
if (ownReference !== undefined) await stopReference(ownReference);
const ok = tally.finish();
process.exit(ok ? (process.exitCode ?? 0) : (process.exitCode ?? 1));

function findTestFiles(wanted: readonly string[]): string[] {
	const patterns = wanted.length === 0 ? ['test'] : wanted;
	const found = patterns.flatMap((pattern) => {
		const path = relative(ROOT, join(ROOT, pattern));
		const matches = isFolder(path) ? globSync(`${path}/**/*.test.ts`) : globSync(path);
		if (matches.length === 0 && wanted.length > 0) {
			process.stderr.write(`npm test: no test files match ${pattern}\n`);
			process.exit(2);
		}
		return matches;
	});
	return [...new Set(found)].sort();
}

function isFolder(path: string): boolean {
	return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

async function runAll(queue: readonly string[], concurrency: number): Promise<void> {
	const reports = queue.map((file) => ({ file, report: tally.file(file) }));
	const waiting = reports.values();
	const worker = async () => {
		for (const { file, report } of waiting) await runFile(file, report);
	};
	await Promise.all(Array.from({ length: concurrency }, worker));
}

async function runFile(file: string, report: FileReport): Promise<void> {
	if (stop.signal.aborted) return report.end({ failure: `not run: ${stop.signal.reason.message}` });
	const limit = seconds(options['file-limit'], HEAVY.test(file) ? HEAVY_FILE_LIMIT_S : FILE_LIMIT_S);
	const timeout = AbortSignal.timeout(limit);
	const mark = `${process.pid}:${file}`;
	const settings = {
		files: [join(ROOT, file)],
		isolation: 'process' as const,
		concurrency: 1,
		signal: AbortSignal.any([stop.signal, timeout]),
		env: { ...withoutSettings(process.env), SUNDOG_REFERENCE_DIR: referenceDir, [MARK]: mark },
		...(options.match === undefined ? {} : { testNamePatterns: new RegExp(options.match) }),
	};
	for await (const event of run(settings)) report.add(event);
	const strays = await endStrays(MARK, mark);
	if (timeout.aborted) report.end({ failure: `took longer than ${limit / 1000} s` });
	else if (stop.signal.aborted) report.end({ failure: `stopped: ${stop.signal.reason.message}` });
	else if (strays.length > 0) report.end({ failure: `left processes behind: ${strays.join('; ')}` });
	else report.end({ mayBeEmpty: options.match !== undefined });
}

/** The developer's own settings must not reach the nodes under test. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
	return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('SUNDOG_') || OF_TESTS.includes(name)));
}

function seconds(option: string | undefined, otherwise: number): number {
	const value = Number(option ?? otherwise);
	if (!(value > 0)) throw new TypeError(`a limit is a number of seconds, not ${option}`);
	return value * 1000;
}
