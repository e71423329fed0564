/**
 * Rules as values, in the language of oslo.policy. Its parser shifts words and reduces greedily, and whatever does not
 * reduce to one check refuses everybody; a few texts reduce to a bare word, which oslo.policy cannot evaluate at all:
 * they are `broken`, and so is what nests deeper than Python recurses.
 * https://docs.openstack.org/oslo.policy/latest/admin/policy-yaml-file.html
 */
import { parseTemplate, type Template } from './python-format.ts';
import { literalText } from './python-literal.ts';
import { PYTHON_WORD, PythonError } from './python-text.ts';

export type Rule =
	| { readonly kind: 'always'; readonly allows: boolean }
	| { readonly kind: 'broken'; readonly why: string }
	| { readonly kind: 'role'; readonly name: Template }
	| { readonly kind: 'rule'; readonly name: string }
	| { readonly kind: 'compare'; readonly left: Operand; readonly right: Template }
	| { readonly kind: 'remote'; readonly url: Template }
	| { readonly kind: 'not'; readonly of: Rule }
	| { readonly kind: 'all' | 'any'; readonly of: readonly Rule[] };

/** A literal's text, the path of a credential, or why it is neither. */
export type Operand = { readonly literal: string } | { readonly path: readonly string[] } | { readonly broken: string };

/** A text, or the old form: an outer list joined by `or`, of inner lists joined by `and`. */
export type RuleSource = string | readonly (string | readonly unknown[])[];

export interface RuleProblem {
	readonly message: string;
	/** characters from the start of the text; 0 in a list */
	readonly at: number;
}

/** What parsing a rule has to say; it never fails. */
export interface ParsedRule {
	readonly rule: Rule;
	readonly problems: readonly RuleProblem[];
}

/** Longer texts are refused unread. */
export const MAX_RULE_LENGTH = 65_536;
/** Python's recursion ends a little further out. */
export const MAX_DEPTH = 400;

const EVERYBODY = { kind: 'always', allows: true } as const satisfies Rule;
const NOBODY = { kind: 'always', allows: false } as const satisfies Rule;

export function parseRule(source: RuleSource): ParsedRule {
	const problems: RuleProblem[] = [];
	const rule = typeof source === 'string' ? parseText(source, problems) : parseLists(source, problems);
	return { rule, problems };
}

type Broken = Extract<Rule, { readonly kind: 'broken' }>;
type Word = '(' | ')' | 'and' | 'or' | 'not' | 'string' | 'check' | 'and_expr' | 'or_expr';

interface Item {
	readonly word: Word;
	readonly at: number;
	readonly rule: Growing;
	readonly depth: number;
}

type Check = Exclude<Rule, { readonly kind: 'all' | 'any' }>;

/** A rule that is still being reduced; `of` of `all` and `any` grows in place. */
type Growing = Check | { readonly kind: 'all' | 'any'; readonly of: Rule[] };

function parseText(text: string, problems: RuleProblem[]): Rule {
	if (text === '') return EVERYBODY;
	if (text.length > MAX_RULE_LENGTH) return broken(`longer than ${MAX_RULE_LENGTH} characters`, 0, problems);
	const stack: Item[] = [];
	for (const item of words(text, problems)) {
		stack.push(item);
		while (reduce(stack)) foldDepth(stack, problems);
	}
	const [first, second] = stack;
	if (first === undefined || second !== undefined) return unreadable(stack, problems);
	if (first.word === 'check' || first.word === 'and_expr' || first.word === 'or_expr') return first.rule;
	return broken(`${first.word === 'string' ? 'a quoted text' : first.word} is no check`, first.at, problems);
}

/** What nests too deeply cannot be evaluated; what stands around it still can. */
function foldDepth(stack: Item[], problems: RuleProblem[]): void {
	const top = stack.at(-1);
	if (top === undefined || top.depth <= MAX_DEPTH) return;
	stack.splice(-1, 1, { ...top, rule: broken(`nested deeper than ${MAX_DEPTH} levels`, top.at, problems), depth: 0 });
}

function broken(why: string, at: number, problems: RuleProblem[]): Broken {
	problems.push({ message: why, at });
	return { kind: 'broken', why };
}

function unreadable(stack: readonly Item[], problems: RuleProblem[]): Rule {
	const odd = stack.find(({ word }) => word === 'string' || word === '(' || word === ')') ?? stack[1] ?? stack[0];
	const what = odd === undefined ? 'no check in it' : `${odd.word === 'check' ? 'a check' : odd.word} does not fit here`;
	problems.push({ message: what, at: odd?.at ?? 0 });
	return NOBODY;
}

function* words(text: string, problems: RuleProblem[]): Generator<Item> {
	for (const { 0: word, index } of text.matchAll(PYTHON_WORD)) {
		const inner = word.replace(/^\(+/, '');
		const opening = word.length - inner.length;
		for (let i = 0; i < opening; i++) yield { word: '(', at: index + i, rule: NOBODY, depth: 0 };
		const clean = inner.replace(/\)+$/, '');
		const at = index + opening;
		if (clean !== '') yield item(clean, inner, at, problems);
		for (let i = clean.length; i < inner.length; i++) yield { word: ')', at: at + i, rule: NOBODY, depth: 0 };
	}
}

/** Quotes count only when nothing, not even a parenthesis, follows them in the word. */
function item(clean: string, word: string, at: number, problems: RuleProblem[]): Item {
	const lowered = clean.toLowerCase();
	if (lowered === 'and' || lowered === 'or' || lowered === 'not') return { word: lowered, at, rule: NOBODY, depth: 0 };
	const quote = word[0];
	if (word.length >= 2 && (quote === '"' || quote === "'") && word.endsWith(quote))
		return { word: 'string', at, rule: NOBODY, depth: 0 };
	return { word: 'check', at, rule: parseCheck(clean, at, problems), depth: 0 };
}

/** One reduction of the top of the stack, if one fits. */
function reduce(stack: Item[]): boolean {
	const [left, middle, right] = [stack.at(-3), stack.at(-2), stack.at(-1)];
	if (middle === undefined || right === undefined) return false;
	const reduced = wrapped(left, middle, right) ?? joined(left, middle, right);
	if (reduced !== undefined) stack.splice(-3, 3, reduced);
	else if (middle.word === 'not' && right.word === 'check')
		stack.splice(-2, 2, { word: 'check', at: middle.at, rule: { kind: 'not', of: right.rule }, depth: right.depth + 1 });
	else return false;
	return true;
}

function wrapped(left: Item | undefined, middle: Item, right: Item): Item | undefined {
	if (left?.word !== '(' || right.word !== ')') return undefined;
	const whole = middle.word === 'check' || middle.word === 'and_expr' || middle.word === 'or_expr';
	return whole ? { ...middle, word: 'check', at: left.at } : undefined;
}

function joined(left: Item | undefined, middle: Item, right: Item): Item | undefined {
	if (left === undefined || right.word !== 'check' || (middle.word !== 'and' && middle.word !== 'or')) return undefined;
	const depth = Math.max(left.depth, right.depth + 1);
	if (middle.word === 'and') {
		if (left.word === 'check')
			return { word: 'and_expr', at: left.at, rule: both(left.rule, right.rule), depth: Math.max(left.depth, right.depth) + 1 };
		if (left.word === 'and_expr') return { ...left, rule: grown(left.rule, right.rule), depth };
		return left.word === 'or_expr' ? { ...left, rule: bindingTighter(left.rule, right.rule), depth: depth + 1 } : undefined;
	}
	if (left.word === 'or_expr') return { ...left, rule: grown(left.rule, right.rule), depth };
	if (left.word !== 'check' && left.word !== 'and_expr') return undefined;
	return {
		word: 'or_expr',
		at: left.at,
		rule: { kind: 'any', of: [left.rule, right.rule] },
		depth: Math.max(left.depth, right.depth) + 1,
	};
}

function both(first: Growing, second: Growing): Growing {
	return { kind: 'all', of: [first, second] };
}

function grown(whole: Growing, part: Growing): Growing {
	if (whole.kind === 'all' || whole.kind === 'any') whole.of.push(part);
	return whole;
}

/** `a or b and c`: the last alternative takes the new condition. */
function bindingTighter(alternatives: Growing, condition: Growing): Growing {
	if (alternatives.kind !== 'any') return alternatives;
	const last = alternatives.of.pop();
	if (last !== undefined) alternatives.of.push({ kind: 'all', of: [last, condition] });
	return alternatives;
}

function parseLists(lists: readonly (string | readonly unknown[])[], problems: RuleProblem[]): Rule {
	if (lists.length === 0) return EVERYBODY;
	const any = lists
		.filter((inner) => inner.length > 0)
		.map((inner): Rule => {
			const checks = typeof inner === 'string' ? [inner] : inner;
			const all = checks.map((check) => parseCheck(check, 0, problems));
			return all.length === 1 && all[0] !== undefined ? all[0] : { kind: 'all', of: all };
		});
	return any.length === 1 && any[0] !== undefined ? any[0] : { kind: 'any', of: any };
}

function parseCheck(check: unknown, at: number, problems: RuleProblem[]): Check {
	if (check === '@') return EVERYBODY;
	if (check === '!') return NOBODY;
	const colon = typeof check === 'string' ? check.indexOf(':') : -1;
	if (typeof check !== 'string' || colon === -1) {
		problems.push({ message: `${JSON.stringify(check)} is no check: kind:match expected`, at });
		return NOBODY;
	}
	const kind = check.slice(0, colon);
	const match = check.slice(colon + 1);
	if (kind === 'rule') return { kind: 'rule', name: match };
	if (kind === 'role') return { kind: 'role', name: parseTemplate(match) };
	if (kind === 'http' || kind === 'https') return { kind: 'remote', url: parseTemplate(check) };
	return { kind: 'compare', left: parseOperand(kind, at, problems), right: parseTemplate(match) };
}

function parseOperand(kind: string, at: number, problems: RuleProblem[]): Operand {
	try {
		const literal = literalText(kind);
		return literal === undefined ? { path: kind.split('.') } : { literal };
	} catch (error) {
		if (!(error instanceof PythonError)) throw error;
		problems.push({ message: `${kind} is neither a literal nor an attribute: ${error.message}`, at });
		return { broken: error.message };
	}
}
