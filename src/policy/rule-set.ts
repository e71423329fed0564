/** The rules that are in force: the defaults of this service, replaced name by name by the operator's. */
import { DEFAULT_RULES, type DefaultRule } from './defaults.ts';
import type { RuleTable } from './evaluate.ts';
import { parseRule, type Rule, type RuleProblem, type RuleSource } from './rule.ts';

export interface RuleSetOptions {
	/** the operator's, by name; names that are no defaults are there to refer to */
	readonly overrides?: ReadonlyMap<string, RuleSource>;
	/** false: a default also holds where the one it replaced would, unless the operator has overridden it. Default true */
	readonly enforceNewDefaults?: boolean;
	/** what a name without rule gives. Default `default` */
	readonly defaultRule?: string;
}

export interface RuleSet extends RuleTable {
	/** by name of the rule; what only warns is here too */
	readonly findings: readonly Finding[];
}

export interface Finding extends RuleProblem {
	readonly rule: string;
	readonly kind: 'malformed' | 'undefined' | 'cyclic';
}

export function createRuleSet(options: RuleSetOptions = {}): RuleSet {
	const { overrides = new Map(), enforceNewDefaults = true, defaultRule = 'default' } = options;
	const findings: Finding[] = [];
	const rules = new Map<string, Rule>();
	for (const [name, source] of overrides) {
		const { rule, problems } = parseRule(source);
		rules.set(name, rule);
		findings.push(...problems.map((problem) => ({ ...problem, rule: name, kind: 'malformed' as const })));
	}
	for (const [name, entry] of Object.entries(DEFAULT_RULES))
		if (!rules.has(name)) rules.set(name, ruleOfDefault(entry, enforceNewDefaults));
	findings.push(...oddReferences(rules));
	const fallback = rules.get(defaultRule);
	return { get: (name) => rules.get(name) ?? fallback, findings };
}

function ruleOfDefault({ check, legacy }: DefaultRule, enforceNewDefaults: boolean): Rule {
	const { rule } = parseRule(check);
	if (enforceNewDefaults || legacy === undefined || legacy === check) return rule;
	return { kind: 'any', of: [rule, parseRule(legacy).rule] };
}

/** References to nothing and in a circle: both are in force as they are, and hardly meant. */
function oddReferences(rules: ReadonlyMap<string, Rule>): readonly Finding[] {
	const targets = new Map([...rules].map(([name, rule]) => [name, [...new Set(referencesOf(rule))]]));
	const findings: Finding[] = [];
	for (const [name, references] of targets) {
		for (const reference of references)
			if (!rules.has(reference))
				findings.push({ rule: name, kind: 'undefined', message: `refers to rule ${reference}, which is not defined`, at: 0 });
		const circle = circleThrough(name, targets);
		if (circle !== undefined)
			findings.push({ rule: name, kind: 'cyclic', message: `refers to itself: ${circle.join(' → ')}`, at: 0 });
	}
	return findings;
}

export function referencesOf(rule: Rule): readonly string[] {
	if (rule.kind === 'rule') return [rule.name];
	if (rule.kind === 'not') return referencesOf(rule.of);
	return rule.kind === 'all' || rule.kind === 'any' ? rule.of.flatMap(referencesOf) : [];
}

/** The shortest way from a rule back to itself. */
function circleThrough(start: string, targets: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
	const cameFrom = new Map<string, string>();
	const queue = [start];
	for (const name of queue)
		for (const next of targets.get(name) ?? []) {
			if (next === start) return [...wayTo(name, start, cameFrom), start];
			if (cameFrom.has(next)) continue;
			cameFrom.set(next, name);
			queue.push(next);
		}
	return undefined;
}

function wayTo(name: string, start: string, cameFrom: ReadonlyMap<string, string>): readonly string[] {
	const way = [name];
	for (let at: string | undefined = name; at !== start && at !== undefined; at = cameFrom.get(at)) {
		const before = cameFrom.get(at);
		if (before !== undefined) way.unshift(before);
	}
	return way;
}
