/**
 * Policy: rule texts become decisions. This room knows rule language and rule names; it never knows verbs, routes or
 * where a rule text came from.
 */
import type { Policy } from '#domain/ports/policy.ts';
import type { Log } from '#lib/log.ts';
import { DEFAULT_RULES } from './defaults.ts';
import { evaluate } from './evaluate.ts';
import { parseRule, type Rule } from './rule.ts';

export interface RulePolicyOptions {
	/** name → rule text; replaces defaults of the same name and adds new names to refer to */
	readonly overrides?: Readonly<Record<string, string>>;
	readonly log: Log;
}

/** A name without rule allows nobody; so does a malformed override, which is logged. */
export function createRulePolicy({ overrides = {}, log }: RulePolicyOptions): Policy {
	const rules = new Map(
		Object.entries({ ...DEFAULT_RULES, ...overrides }).map(([name, text]) => [name, parsed(name, text, log)]),
	);
	return {
		allows(ctx, name, target) {
			const rule = rules.get(name);
			return rule !== undefined && evaluate(rule, rules, ctx, target);
		},
	};
}

function parsed(name: string, text: string, log: Log): Rule {
	try {
		return parseRule(text);
	} catch (error) {
		log.error({ err: error, rule: name }, 'malformed policy rule refuses everybody');
		return { kind: 'always', allows: false };
	}
}
