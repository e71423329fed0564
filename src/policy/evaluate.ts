/** Evaluates a parsed rule over credentials and a target. Pure. */
import type { RequestContext } from '#domain/context.ts';
import type { PolicyTarget } from '#domain/ports/policy.ts';
import type { Operand, Rule, Template } from './rule.ts';

export type RuleTable = ReadonlyMap<string, Rule>;

/** Rules may refer to rules; a loop ends here, refused. */
const MAX_REFERENCES = 32;

export function evaluate(rule: Rule, rules: RuleTable, ctx: RequestContext, target: PolicyTarget): boolean {
	return holds(rule, { rules, ctx, target, references: 0 });
}

interface Scope {
	readonly rules: RuleTable;
	readonly ctx: RequestContext;
	readonly target: PolicyTarget;
	readonly references: number;
}

function holds(rule: Rule, scope: Scope): boolean {
	switch (rule.kind) {
		case 'always':
			return rule.allows;
		case 'role':
			return hasRole(rule.name, scope);
		case 'rule':
			return refersTo(rule.name, scope);
		case 'compare':
			return equals(rule.left, rule.right, scope);
		case 'not':
			return !holds(rule.of, scope);
		case 'all':
			return rule.of.every((each) => holds(each, scope));
		case 'any':
			return rule.of.some((each) => holds(each, scope));
	}
}

function hasRole(name: Template, { ctx, target }: Scope): boolean {
	const role = fill(name, target);
	return typeof role === 'string' && ctx.roles.includes(role.toLowerCase());
}

function refersTo(name: string, scope: Scope): boolean {
	const rule = scope.rules.get(name);
	if (rule === undefined || scope.references >= MAX_REFERENCES) return false;
	return holds(rule, { ...scope, references: scope.references + 1 });
}

/**
 * Equality of texts. A credential the caller does not have equals nothing, not even a target that is null: a caller
 * without project must not become the owner of what has none (Glance compares the text "None" with itself here).
 */
function equals(left: Operand, right: Template, { ctx, target }: Scope): boolean {
	const expected = fill(right, target);
	if (expected === undefined) return false;
	if ('literal' in left) return expected === left.literal || (left.literal === null && expected === 'None');
	const actual = credential(ctx, left.credential);
	return actual !== null && actual === expected;
}

function credential(ctx: RequestContext, name: string): string | null {
	switch (name) {
		case 'project_id':
		case 'tenant':
			return ctx.project;
		case 'user_id':
		case 'user':
			return ctx.user;
		case 'is_admin':
			return ctx.admin ? 'True' : 'False';
		default:
			return null;
	}
}

/** The text with its holes filled; undefined when the target lacks a key, null when the text is one hole that is null. */
function fill(template: Template, target: PolicyTarget): string | null | undefined {
	const values = template.map((part) => (typeof part === 'string' ? part : lookUp(target, part.key)));
	if (values.includes(undefined)) return undefined;
	if (values.length === 1) return values[0];
	return values.map((value) => value ?? 'None').join('');
}

function lookUp(target: PolicyTarget, key: string): string | null | undefined {
	if (!Object.hasOwn(target, key)) return undefined;
	const value = target[key];
	return value === null || value === undefined ? null : String(value);
}
