/**
 * Searches a pattern in a text by stepping a set of states through it: time grows with text times pattern, and no
 * pattern makes it grow faster. Names come from tenants; a backtracking search could be made to take for ever.
 */
import { type CharTest, type EdgeTest, type Pattern, PatternError, parsePattern } from './python-pattern.ts';

export interface PatternSearch {
	/** Whether the pattern is found anywhere in the text, as Python's `re.search` finds it. */
	test(text: string): boolean;
}

/** One step; the last one of a program is where it has matched. */
type Step =
	| { readonly kind: 'char'; readonly test: CharTest; readonly next: number }
	| { readonly kind: 'fork'; readonly next: readonly number[] }
	| { readonly kind: 'edge'; readonly holds: EdgeTest; readonly next: number }
	| { readonly kind: 'matched' };

type Program = readonly Step[];

const MAX_STEPS = 5_000;

export function createPatternSearch(source: string): PatternSearch {
	const program = compile(parsePattern(source), { left: MAX_STEPS });
	return { test: (text) => ends([...text], 0, program, 'anywhere') };
}

function compile(pattern: Pattern, budget: { left: number }): Program {
	const steps: Step[] = [{ kind: 'matched' }];
	const add = (step: Step): number => {
		if (--budget.left < 0) throw new PatternError('the pattern is too large');
		return steps.push(step) - 1;
	};
	/** Adds the steps of a pattern before the step `next`, and gives the first of them. */
	function before(next: number, part: Pattern): number {
		switch (part.kind) {
			case 'char':
				return add({ kind: 'char', test: part.test, next });
			case 'edge':
				return add({ kind: 'edge', holds: part.holds, next });
			case 'sequence':
				return part.of.reduceRight((after, each) => before(after, each), next);
			case 'choice':
				return add({ kind: 'fork', next: part.of.map((each) => before(next, each)) });
			case 'look':
				return add({ kind: 'edge', holds: look(part, budget), next });
			case 'repeat':
				return repeat(next, part);
		}
	}
	function repeat(next: number, { of, min, max }: Extract<Pattern, { readonly kind: 'repeat' }>): number {
		let at = next;
		if (max === Number.POSITIVE_INFINITY) {
			const ways: number[] = [next];
			at = add({ kind: 'fork', next: ways });
			ways.push(before(at, of));
		} else for (let i = min; i < max; i++) at = add({ kind: 'fork', next: [next, before(at, of)] });
		for (let i = 0; i < min; i++) at = before(at, of);
		return at;
	}
	// the first step is where a search starts
	const first = before(0, pattern);
	steps.push({ kind: 'fork', next: [first] });
	return steps;
}

function look({ of, behind, negated }: Extract<Pattern, { readonly kind: 'look' }>, budget: { left: number }): EdgeTest {
	const program = compile(of, budget);
	const holds: EdgeTest = behind
		? (text, at) => ends(text.slice(0, at), 0, program, 'to the end', text)
		: (text, at) => ends(text, at, program, 'here');
	return negated ? (text, at) => !holds(text, at) : holds;
}

/** `anywhere`: from any place to any; `here`: from this one to any; `to the end`: from any to the last. Edges see the whole. */
function ends(
	text: readonly string[],
	start: number,
	program: Program,
	mode: 'anywhere' | 'here' | 'to the end',
	whole = text,
): boolean {
	let states: number[] = [];
	for (let at = start; ; at++) {
		const entry = at === start || mode !== 'here' ? [program.length - 1] : [];
		const reached = closure([...states, ...entry], program, whole, at);
		const matched = reached.includes(0);
		if (matched && (mode !== 'to the end' || at === text.length)) return true;
		const char = text[at];
		if (char === undefined) return false;
		states = [];
		for (const index of reached) {
			const step = program[index];
			if (step?.kind === 'char' && step.test(char)) states.push(step.next);
		}
	}
}

/** All states that are reached without reading on. */
function closure(states: readonly number[], program: Program, text: readonly string[], at: number): readonly number[] {
	const seen = new Set<number>();
	const open = [...states];
	for (let index = open.pop(); index !== undefined; index = open.pop()) {
		if (seen.has(index)) continue;
		seen.add(index);
		const step = program[index];
		if (step?.kind === 'fork') open.push(...step.next);
		else if (step?.kind === 'edge' && step.holds(text, at)) open.push(step.next);
	}
	return [...seen];
}
