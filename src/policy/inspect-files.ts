/** What is wrong with the operator's files, for people: where, and what. Nothing is put in force. */
import { DEFAULT_RULES } from './defaults.ts';
import { type OperatorFiles, pathsOf, readEntries } from './operator-files.ts';
import { parseRule } from './rule.ts';
import { type RuleEntry, RuleFileError } from './rule-file.ts';
import { createRuleSet, type RuleSetOptions, referencesOf } from './rule-set.ts';

export interface Inspection {
	/** one line each: `path:line: what` */
	readonly problems: readonly string[];
	readonly files: readonly string[];
	/** how many rules they hold that count */
	readonly rules: ReadonlyMap<string, RuleEntry['source']>;
}

export interface InspectOptions extends OperatorFiles, Omit<RuleSetOptions, 'overrides'> {
	/** what a wrong name may have meant, as an ending of a sentence; empty: nothing like it */
	readonly didYouMean: (name: string, known: readonly string[]) => string;
}

/** Rejects with RuleFileError only where a file or folder of its own name cannot be looked at. */
export async function inspectFiles(options: InspectOptions): Promise<Inspection> {
	const files = await pathsOf(options);
	const problems: string[] = [];
	const places = new Map<string, RuleEntry & { readonly path: string }>();
	if (options.file !== undefined && !files.includes(options.file)) problems.push(`${options.file}: no such file`);
	for (const path of files) {
		const entries = await readEntries(path).catch((error: unknown) => {
			if (!(error instanceof RuleFileError)) throw error;
			problems.push(error.message);
			return [];
		});
		const names = new Set<string>();
		for (const entry of entries) {
			if (names.has(entry.name)) problems.push(`${path}:${entry.line}: rule ${entry.name} comes twice: this one counts`);
			names.add(entry.name);
			places.set(entry.name, { ...entry, path });
		}
	}
	const rules = new Map([...places].map(([name, { source }]) => [name, source]));
	for (const { rule, message, at } of createRuleSet({ ...options, overrides: rules }).findings) {
		const place = places.get(rule);
		const where = place === undefined ? 'defaults' : `${place.path}:${place.line}`;
		problems.push(`${where}: rule ${rule}${at > 0 ? `, character ${at + 1}` : ''}: ${message}`);
	}
	for (const { name, path, line } of unused(places))
		problems.push(`${path}:${line}: rule ${name} is unknown, and no rule refers to it${options.didYouMean(name, NAMES)}`);
	return { problems, files, rules };
}

const NAMES = Object.keys(DEFAULT_RULES);

function unused<T extends RuleEntry>(places: ReadonlyMap<string, T>): readonly T[] {
	const referred = new Set([...places.values()].flatMap(({ source }) => referencesOf(parseRule(source).rule)));
	return [...places.values()].filter(({ name }) => !Object.hasOwn(DEFAULT_RULES, name) && !referred.has(name));
}
