/** What a run of test files has shown so far: prints it file by file, counts it, and says it again at the end. */
import type { TestEvent } from 'node:test/reporters';
import { inspect } from 'node:util';

export interface FileReport {
	add(event: TestEvent): void;
	/** `failure`: the file as a whole failed. A file without tests has failed too, unless tests were chosen by name. */
	end(outcome: { readonly failure?: string; readonly mayBeEmpty?: boolean }): void;
}

export interface Tally {
	/** Files print in the order they are named here: the first unfinished one as it runs, the others when it is their turn. */
	file(path: string): FileReport;
	/** Prints skipped tests with their reasons, failures, and the totals alone on the last line. True when all is well. */
	finish(): boolean;
}

type TestData = Extract<TestEvent, { type: 'test:pass' | 'test:fail' }>['data'];

const RUNNERS_OWN_COUNT = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/;
const FRAME_OF_NODE = /^\s+at .*\bnode:(internal|async_hooks).*\n?/gm;

/** One test's outcome, for those who draw conclusions from all of them (scripts/compatibility.ts). */
export interface TestResult {
	readonly file: string;
	/** with the suites it is in, parted by ` › ` */
	readonly name: string;
	readonly outcome: 'passed' | 'failed' | 'skipped';
	/** why it was skipped */
	readonly reason?: string;
}

export function createTally(print: (text: string) => void, record: (result: TestResult) => void = () => {}): Tally {
	const counts = { passed: 0, failed: 0, skipped: 0 };
	const skips: string[] = [];
	const failures: string[] = [];
	const speaker = createTurns(print);

	const file = (path: string): FileReport => {
		const out = speaker();
		let seen = 0;
		const parents: string[] = [];
		out.say(`\n${path}\n`);

		const note = (data: TestData, passed: boolean) => {
			if (data.nesting === 0 && data.name.endsWith(path)) return noteFile(data, passed);
			const reason = reasonOf(data.skip) ?? reasonOf(data.todo);
			if (isOfSubtests(data) || (passed && reason === undefined && data.details.type === 'suite')) return;
			const name = [...parents.slice(0, data.nesting), data.name].join(' › ');
			seen++;
			if (reason !== undefined) {
				counts.skipped++;
				record({ file: path, name, outcome: 'skipped', reason });
				skips.push(`${path} › ${name}: ${reason}`);
				out.say(`  ○ ${name} (skipped: ${reason})\n`);
			} else if (passed) {
				counts.passed++;
				record({ file: path, name, outcome: 'passed' });
				out.say(`  ✔ ${name} (${Math.round(data.details.duration_ms)} ms)\n`);
			} else fail(name, describe(data));
		};
		const noteFile = (data: TestData, passed: boolean) => {
			if (!passed && !isOfSubtests(data) && failureType(data) !== 'testAborted')
				fail('the file itself', 'the file could not be loaded, or ended badly; its output says why');
		};
		const fail = (name: string, why: string) => {
			seen++;
			counts.failed++;
			record({ file: path, name, outcome: 'failed' });
			failures.push(`${path} › ${name}\n${why.replaceAll(/^/gm, '    ')}`);
			out.say(`  ✖ ${name}: ${why.split('\n', 1)[0]}\n`);
		};
		return {
			add(event) {
				if (event.type === 'test:start') parents[event.data.nesting] = event.data.name;
				else if (event.type === 'test:pass') note(event.data, true);
				else if (event.type === 'test:fail') note(event.data, false);
				else if (event.type === 'test:stdout' || event.type === 'test:stderr') out.say(event.data.message);
				else if (event.type === 'test:diagnostic' && !RUNNERS_OWN_COUNT.test(event.data.message))
					out.say(`  ℹ ${event.data.message}\n`);
			},
			end({ failure, mayBeEmpty = false }) {
				if (failure !== undefined) fail('the file itself', failure);
				else if (seen === 0 && !mayBeEmpty) fail('the file itself', 'has no tests');
				out.done();
			},
		};
	};

	const finish = (): boolean => {
		const ran = counts.passed + counts.failed;
		if (skips.length > 0) print(`\nSkipped:\n${skips.map((line) => `  ${line}\n`).join('')}`);
		if (failures.length > 0) print(`\nFailed:\n${failures.map((text) => `  ${text}\n`).join('')}`);
		if (ran === 0) print('\nno test ran\n');
		print(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
		return ran > 0 && counts.failed === 0;
	};

	return { file, finish };
}

/** Voices that speak in the order they were made; each may talk at once only when all before it are done. */
function createTurns(print: (text: string) => void) {
	const voices: { kept: string; ended: boolean }[] = [];
	let current = 0;
	const advance = () => {
		for (let voice = voices[current]; voice !== undefined; voice = voices[current]) {
			print(voice.kept);
			voice.kept = '';
			if (!voice.ended) return;
			current++;
		}
	};
	return () => {
		const voice = { kept: '', ended: false };
		voices.push(voice);
		return {
			say(text: string): void {
				voice.kept += text;
				advance();
			},
			done(): void {
				voice.ended = true;
				advance();
			},
		};
	};
}

function reasonOf(mark: string | boolean | undefined): string | undefined {
	if (mark === undefined || mark === false) return undefined;
	return typeof mark === 'string' && mark !== '' ? mark : 'no reason given';
}

function failureType(data: TestData): string | undefined {
	const error = 'error' in data.details ? data.details.error : undefined;
	return error !== undefined && 'failureType' in error ? String(error.failureType) : undefined;
}

/** A parent that failed only because a test inside it did: that one has been counted. */
function isOfSubtests(data: TestData): boolean {
	return failureType(data) === 'subtestsFailed';
}

function describe(data: TestData): string {
	const error = 'error' in data.details ? data.details.error : undefined;
	const cause = error?.cause ?? error;
	return inspect(cause).replaceAll(FRAME_OF_NODE, '').trimEnd();
}
