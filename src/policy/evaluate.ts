/**
 * Evaluates a parsed rule over credentials and a target, both JSON objects. Pure, and in everything as oslo.policy
 * answers; where Python raises there is no decision, whatever surrounds the failing check, and the answer is no.
 */
import { fill } from './python-format.ts';
import { PythonError, str } from './python-text.ts';
import { MAX_DEPTH, type Operand, type Rule } from './rule.ts';

/** Rules by name; a name without rule gives the default rule, if there is one. */
export interface RuleTable {
	get(name: string): Rule | undefined;
}

export type JsonObject = Readonly<Record<string, unknown>>;

export interface Question {
	readonly rules: RuleTable;
	readonly credentials: JsonObject;
	readonly target: JsonObject;
	/** asks a server about this decision; throws where it may not or cannot be asked */
	readonly remote: (url: string) => boolean;
}

/** Rules may refer to rules, and each of them twice: more looks than this is no decision. */
const MAX_REFERENCES = 10_000;

export function evaluate(rule: Rule, question: Question): boolean {
	try {
		return holds(rule, { ...question, references: 0 }, 0);
	} catch (error) {
		if (error instanceof PythonError) return false;
		throw error;
	}
}

/** Python's KeyError: a reference to a rule catches it, everything else lets it pass. */
class MissingKeyError extends PythonError {}

interface Scope extends Question {
	references: number;
}

function holds(rule: Rule, scope: Scope, depth: number): boolean {
	if (depth > MAX_DEPTH) throw new PythonError('rules are nested too deeply, or refer to each other in a circle');
	switch (rule.kind) {
		case 'always':
			return rule.allows;
		case 'broken':
			throw new PythonError(rule.why);
		case 'role': {
			const role = fill(rule.name, scope.target);
			return role !== undefined && hasRole(scope.credentials, role.toLowerCase());
		}
		case 'rule':
			return refersTo(rule.name, scope, depth);
		case 'compare': {
			const expected = fill(rule.right, scope.target);
			return expected !== undefined && equals(rule.left, expected, scope.credentials);
		}
		case 'remote': {
			const url = fill(rule.url, scope.target);
			if (url === undefined) throw new MissingKeyError('the target lacks a key of the address');
			return scope.remote(url);
		}
		case 'not':
			return !holds(rule.of, scope, depth + 1);
		case 'all':
			for (const each of rule.of) if (!holds(each, scope, depth + 1)) return false;
			return true;
		case 'any':
			for (const each of rule.of) if (holds(each, scope, depth + 1)) return true;
			return false;
	}
}

/** Roles of the credentials are a list; Python would also walk a text's characters and a mapping's keys. */
function hasRole(credentials: JsonObject, role: string): boolean {
	if (!Object.hasOwn(credentials, 'roles')) return false;
	const { roles } = credentials;
	if (typeof roles !== 'string' && (typeof roles !== 'object' || roles === null)) throw new PythonError('roles are no list');
	const names: readonly unknown[] = typeof roles === 'string' ? [...roles] : Array.isArray(roles) ? roles : Object.keys(roles);
	let found = false;
	for (const name of names) {
		if (typeof name !== 'string') throw new PythonError('a role is no text');
		found ||= name.toLowerCase() === role;
	}
	return found;
}

function refersTo(name: string, scope: Scope, depth: number): boolean {
	if (++scope.references > MAX_REFERENCES) throw new PythonError('rules refer to each other too often');
	const rule = scope.rules.get(name);
	if (rule === undefined) return false;
	try {
		return holds(rule, scope, depth + 1);
	} catch (error) {
		if (error instanceof MissingKeyError) return false;
		throw error;
	}
}

function equals(left: Operand, expected: string, credentials: JsonObject): boolean {
	if ('literal' in left) return left.literal === expected;
	if ('broken' in left) throw new PythonError(left.broken);
	return found(credentials, left.path, 0, expected);
}

/** Follows the path; of a list on the way any element will do. */
function found(value: unknown, path: readonly string[], at: number, expected: string): boolean {
	const key = path[at];
	if (key === undefined) return str(value) === expected;
	if (typeof value !== 'object' || value === null || Array.isArray(value))
		throw new PythonError(`nothing has a member ${key} here`);
	if (!Object.hasOwn(value, key)) return false;
	const next: unknown = Reflect.get(value, key);
	if (!Array.isArray(next)) return found(next, path, at + 1, expected);
	for (const element of next) if (found(element, path, at + 1, expected)) return true;
	return false;
}
