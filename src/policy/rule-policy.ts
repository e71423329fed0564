/**
 * Policy: rule texts become decisions. This room knows rule language, rule names and the operator's files; it never
 * knows verbs or routes.
 */
import type { RequestContext } from '#domain/context.ts';
import type { Policy, PolicyTarget } from '#domain/ports/policy.ts';
import type { Log } from '#lib/log.ts';
import { credentialsOf, scopeOf } from './credentials.ts';
import { DEFAULT_RULES } from './defaults.ts';
import { evaluate, type JsonObject } from './evaluate.ts';
import { PythonError } from './python-text.ts';
import type { RemoteCheck } from './remote-check.ts';
import type { RuleSource } from './rule.ts';
import { createRuleSet, type RuleSet } from './rule-set.ts';

export interface DecisionOptions {
	/** false: where Glance's older code looked at the owner itself, so does this. Default true */
	readonly enforceNewDefaults?: boolean;
	/** false: a token's scope is not looked at, only rules. Default true */
	readonly enforceScope?: boolean;
	/** absent: `http:` and `https:` checks say no */
	readonly remote?: RemoteCheck;
	readonly log: Log;
}

export interface RulePolicyOptions extends DecisionOptions {
	/** name → rule; replaces defaults of the same name and adds new names to refer to */
	readonly overrides?: Readonly<Record<string, RuleSource>>;
	/** what a name without rule gives. Default `default` */
	readonly defaultRule?: string;
}

/** A policy whose rules never change. */
export function createRulePolicy({ overrides = {}, ...options }: RulePolicyOptions): Policy {
	const rules = createRuleSet({ ...options, overrides: new Map(Object.entries(overrides)) });
	logFindings(rules, options.log);
	return createDecisions(() => rules, options);
}

/** One decision asks at most so many servers. */
const MAX_REMOTE_CHECKS = 16;

/** A policy over the rules that are in force at the moment of each question. */
export function createDecisions(current: () => RuleSet, options: DecisionOptions): Policy {
	const { enforceNewDefaults = true, enforceScope = true, remote, log } = options;
	const credentials = new WeakMap<RequestContext, JsonObject>();
	let saidNoRemote = false;

	function credentialsFor(ctx: RequestContext): JsonObject {
		const known = credentials.get(ctx) ?? credentialsOf(ctx);
		credentials.set(ctx, known);
		return known;
	}
	function decision(
		rules: RuleSet,
		ctx: RequestContext,
		name: string,
		target: PolicyTarget,
		ask: (url: string) => boolean,
	): boolean {
		const rule = rules.get(name);
		if (rule === undefined) return false;
		if (enforceScope && isScoped(name) && scopeOf(ctx) !== 'project') return false;
		if (!evaluate(rule, { rules, credentials: credentialsFor(ctx), target, remote: ask })) return false;
		return enforceNewDefaults || passesLegacyOwnership(ctx, name, target);
	}
	function refuseRemote(url: string): never {
		if (remote === undefined && !saidNoRemote)
			log.error({ url }, 'remote checks are not enabled: rules with http: or https: refuse everybody');
		saidNoRemote = true;
		throw new PythonError('no server is asked');
	}
	return {
		allows: (ctx, name, target) => decision(current(), ctx, name, target, refuseRemote),
		async decide(ctx, name, target) {
			const rules = current();
			const answers = new Map<string, boolean>();
			for (;;) {
				let wanted: string | undefined;
				const decided = decision(rules, ctx, name, target, (url) => {
					if (remote === undefined) return refuseRemote(url);
					const answer = answers.get(url);
					if (answer !== undefined) return answer;
					wanted = url;
					throw new PythonError('the answer is still to come');
				});
				if (wanted === undefined || remote === undefined) return decided;
				if (answers.size >= MAX_REMOTE_CHECKS) return false;
				const answer = await remote(wanted, { rule: name, target, credentials: credentialsFor(ctx) }, ctx.signal).catch(
					(error: unknown) => {
						log.error({ err: error, url: wanted, rule: name }, 'a remote check failed and refuses');
						return undefined;
					},
				);
				if (answer === undefined) return false;
				answers.set(wanted, answer);
			}
		},
	};
}

/** What an operator should repair, once per set of rules. */
export function logFindings({ findings }: RuleSet, log: Log): void {
	for (const { rule, kind, message, at } of findings) {
		if (kind === 'malformed') log.error({ rule, at, problem: message }, 'malformed policy rule: the check refuses everybody');
		else log.warn({ rule, problem: message }, 'odd policy rule');
	}
}

function isScoped(name: string): boolean {
	return Object.hasOwn(DEFAULT_RULES, name) && !DEFAULT_RULES[name]?.anyScope;
}

/** Changes of an image for which Glance, until the new defaults, asked in code for its owner. */
const LEGACY_OWNED = new Set([
	'modify_image',
	'delete_image',
	'upload_image',
	'deactivate',
	'reactivate',
	'delete_image_location',
	'add_member',
	'delete_member',
]);

function passesLegacyOwnership(ctx: RequestContext, name: string, target: PolicyTarget): boolean {
	if (ctx.admin) return true;
	if (name === 'add_image') return target.owner === ctx.project;
	// who shares an image does not answer for those it is shared with
	if (name === 'modify_member') return target.owner !== ctx.project;
	return !LEGACY_OWNED.has(name) || (ctx.project !== null && target.owner === ctx.project);
}
