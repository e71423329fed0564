/**
 * docs/glance-compatibility.md from what the tests have shown: `npm test -- --results F`, then
 *
 *   scripts/compatibility.ts F           prints the table
 *   scripts/compatibility.ts F --write   puts it into the page
 *   scripts/compatibility.ts F --check   fails when the page says something else, or when a feature was not shown
 */
import { readFileSync } from 'node:fs';
import { ALLOWED_READINGS } from '../test/interop/clients/allowed.ts';
import { SESSIONS } from '../test/interop/clients/scenarios.ts';
import { ALLOWED } from '../test/interop/differential/allowed.ts';
import { ALLOWED_OF_STORES, ALLOWED_OF_SWIFT } from '../test/interop/differential/allowed-stores.ts';
import { SCENARIOS } from '../test/interop/differential/scenarios/index.ts';
import { NO_STORES, storeScenarios } from '../test/interop/differential/scenarios/stores.ts';
import { FEATURES, type Feature } from '../test/interop/features.ts';
import { publish } from './docs/marked-block.ts';
import type { TestResult } from './test/tally.ts';

const DIFFERENTIAL = 'test/interop/glance-differential.test.ts';
const STORES = 'test/interop/glance-stores-differential.test.ts';
const CLIENTS = 'test/interop/client-differential.test.ts';

const ALL_ALLOWED = [...ALLOWED, ...ALLOWED_OF_STORES, ...ALLOWED_OF_SWIFT];

const [file, mode] = process.argv.slice(2);
if (file === undefined) throw new TypeError('usage: scripts/compatibility.ts RESULTS [--write|--check]');
const results = readResults(file);
const withoutReference = results.find(({ outcome, reason }) => outcome === 'skipped' && reason?.includes('the reference cloud'));
if (withoutReference === undefined) report();
else console.log(`skipped: ${withoutReference.reason}`);

function report(): void {
	const rows = FEATURES.map((feature) => ({ feature, evidence: evidenceOf(feature) }));
	for (const { feature, evidence } of rows) complain(feature, evidence);
	publish('docs/glance-compatibility.md', 'features', table(rows), mode);
	publish('docs/glance-compatibility.md', 'differences', differences(), mode);
}

interface Evidence {
	/** as the page names it */
	readonly name: string;
	readonly passed: number;
	readonly failed: number;
}

function readResults(path: string): readonly TestResult[] {
	const lines = readFileSync(path, 'utf8').split('\n');
	return lines.filter((line) => line !== '').map((line) => JSON.parse(line));
}

function evidenceOf({ number, shownBy = [] }: Feature): readonly Evidence[] {
	const isOf = ({ rows }: { readonly rows: readonly number[] }) => rows.includes(number);
	return [
		...SCENARIOS.filter(isOf).map(({ title }) => found(`requests: ${title}`, `${DIFFERENTIAL} › ${title} ›`)),
		...storeScenarios(NO_STORES)
			.filter(isOf)
			.map(({ title }) => found(`requests: ${title}`, `${STORES} › ${title} ›`)),
		...SESSIONS.filter(isOf).map(({ title }) => found(`commands: ${title}`, `${CLIENTS} › ${title} ›`)),
		...shownBy.map((test) => found(nameOf(test), test)),
	];
}

function nameOf(test: string): string {
	return test.replace(/^test\/interop\/tempest\.test\.ts › Tempest › /, 'Tempest: ').replace(/^(test\/.*\.test\.ts)$/, '$1');
}

function found(name: string, beginning: string): Evidence {
	const theirs = results.filter((result) => `${result.file} › ${result.name}`.startsWith(beginning));
	const count = (outcome: TestResult['outcome']) => theirs.filter((result) => result.outcome === outcome).length;
	return { name, passed: count('passed'), failed: count('failed') };
}

function complain({ number, what, notYet }: Feature, evidence: readonly Evidence[]): void {
	const silent = evidence.filter(({ passed, failed }) => passed + failed === 0).map(({ name }) => name);
	const isShown = evidence.some(({ passed }) => passed > 0);
	if (silent.length > 0) console.error(`feature ${number} (${what}): no test ran for ${silent.join(', ')}`);
	if (!isShown && notYet === undefined) console.error(`feature ${number} (${what}): nothing shows it`);
	if (silent.length > 0 || (!isShown && notYet === undefined)) process.exitCode = 1;
}

function table(rows: readonly { readonly feature: Feature; readonly evidence: readonly Evidence[] }[]): string {
	const lines = rows.map(({ feature, evidence }) => {
		const names = evidence.map(({ name }) => name).join('; ');
		return `| ${feature.number} | ${feature.what} | ${resultOf(feature, evidence)} | ${names} |`;
	});
	return ['| # | feature | result | shown by |', '| --- | --- | --- | --- |', ...lines].join('\n');
}

function resultOf({ number, differs, notYet }: Feature, evidence: readonly Evidence[]): string {
	if (evidence.some(({ failed }) => failed > 0)) return 'fails';
	if (notYet !== undefined) return `not yet: ${notYet}`;
	const reasons = ALL_ALLOWED.filter(({ rows = [] }) => rows.includes(number)).map(({ reason }) => reason);
	const all = [...(differs === undefined ? [] : [differs]), ...reasons];
	return all.length === 0 ? 'pass' : `differs: ${all.join('; ')}`;
}

function differences(): string {
	const reasons = new Set([...ALL_ALLOWED, ...ALLOWED_READINGS].map(({ reason }) => reason));
	return [...reasons].map((reason) => `- ${reason}`).join('\n');
}
