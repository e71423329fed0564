/**
 * Python's regular expressions, parsed into a tree. What searching by an automaton cannot do (back references,
 * conditions, atomic groups, possessive repeats) and what nobody needs for names (verbose and locale modes, `\N{…}`)
 * is refused. https://docs.python.org/3/library/re.html
 */
export type Pattern =
	| { readonly kind: 'char'; readonly test: CharTest }
	| { readonly kind: 'sequence' | 'choice'; readonly of: readonly Pattern[] }
	| { readonly kind: 'repeat'; readonly of: Pattern; readonly min: number; readonly max: number }
	| { readonly kind: 'edge'; readonly holds: EdgeTest }
	| { readonly kind: 'look'; readonly of: Pattern; readonly behind: boolean; readonly negated: boolean };

export type CharTest = (char: string) => boolean;
/** Whether a place between two characters is such an edge. */
export type EdgeTest = (text: readonly string[], at: number) => boolean;

export class PatternError extends Error {
	override readonly name = 'PatternError';
}

interface Flags {
	readonly i: boolean;
	readonly m: boolean;
	readonly s: boolean;
}

const MAX_DEPTH = 100;
const MAX_REPEAT = 1000;

const isDigit: CharTest = (char) => /\p{Nd}/u.test(char);
const isWord: CharTest = (char) => /[\p{L}\p{N}_]/u.test(char);
// biome-ignore lint/suspicious/noControlCharactersInRegex: Python takes them for white space
const isSpace: CharTest = (char) => /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/u.test(char);
const not =
	(test: CharTest): CharTest =>
	(char) =>
		!test(char);
const CLASSES: Readonly<Record<string, CharTest>> = {
	d: isDigit,
	D: not(isDigit),
	w: isWord,
	W: not(isWord),
	s: isSpace,
	S: not(isSpace),
};

const isBoundary: EdgeTest = (text, at) => wordAt(text, at - 1) !== wordAt(text, at);
const isStart: EdgeTest = (_, at) => at === 0;
const isEnd: EdgeTest = (text, at) => at === text.length;
const EDGES: Readonly<Record<string, EdgeTest>> = {
	A: isStart,
	Z: isEnd,
	b: isBoundary,
	B: (text, at) => text.length > 0 && !isBoundary(text, at),
};
const CONTROLS: Readonly<Record<string, string>> = { a: '\x07', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

function wordAt(text: readonly string[], at: number): boolean {
	const char = text[at];
	return char !== undefined && isWord(char);
}

export function parsePattern(source: string): Pattern {
	return new PatternParser(source).whole();
}

class PatternParser {
	readonly #source: readonly string[];
	readonly #names = new Set<string>();
	#at = 0;
	#depth = 0;

	constructor(source: string) {
		this.#source = [...source];
	}

	whole(): Pattern {
		const pattern = this.#choice(this.#globalFlags());
		if (this.#at < this.#source.length) throw new PatternError('unbalanced parenthesis');
		return pattern;
	}

	#globalFlags(): Flags {
		const found = /^\(\?(?<letters>[aiLmsux]+)\)/.exec(this.#source.join(''));
		const letters = found?.groups?.letters ?? '';
		this.#at = found?.[0].length ?? 0;
		return withFlags({ i: false, m: false, s: false }, letters, true);
	}

	#peek(): string | undefined {
		return this.#source[this.#at];
	}

	#takes(text: string): boolean {
		const found = this.#source.slice(this.#at, this.#at + text.length).join('') === text;
		if (found) this.#at += text.length;
		return found;
	}

	#next(): string {
		const char = this.#source[this.#at++];
		if (char === undefined) throw new PatternError('the pattern ends early');
		return char;
	}

	#choice(flags: Flags): Pattern {
		if (++this.#depth > MAX_DEPTH) throw new PatternError(`groups are nested deeper than ${MAX_DEPTH}`);
		const of = [this.#sequence(flags)];
		while (this.#takes('|')) of.push(this.#sequence(flags));
		this.#depth--;
		return of.length === 1 && of[0] !== undefined ? of[0] : { kind: 'choice', of };
	}

	#sequence(flags: Flags): Pattern {
		const of: Pattern[] = [];
		const more = () => {
			this.#skipComments();
			return !['|', ')', undefined].includes(this.#peek());
		};
		while (more()) of.push(this.#repeated(this.#item(flags)));
		return { kind: 'sequence', of };
	}

	#skipComments(): void {
		while (this.#takes('(?#')) while (this.#next() !== ')');
	}

	#item(flags: Flags): Pattern {
		const char = this.#next();
		if (char === '(') return this.#group(flags);
		if (char === '[') return { kind: 'char', test: this.#set(flags) };
		if (char === '\\') return this.#escape(flags);
		if (char === '.') return { kind: 'char', test: flags.s ? () => true : (each) => each !== '\n' };
		if (char === '^') return { kind: 'edge', holds: flags.m ? (text, at) => at === 0 || text[at - 1] === '\n' : isStart };
		if (char === '$') return { kind: 'edge', holds: flags.m ? (text, at) => isEnd(text, at) || text[at] === '\n' : isLastEnd };
		if (char === '*' || char === '+' || char === '?') throw new PatternError(`nothing to repeat before ${char}`);
		this.#at--;
		if (this.#counts() !== undefined) throw new PatternError('nothing to repeat');
		this.#at++;
		return { kind: 'char', test: same(char, flags) };
	}

	#repeated(item: Pattern): Pattern {
		this.#skipComments();
		const counts = this.#counts();
		if (counts === undefined) return item;
		if (item.kind === 'edge') throw new PatternError('nothing to repeat');
		if (this.#takes('+')) throw new PatternError('possessive repeats are not supported');
		this.#takes('?');
		this.#skipComments();
		if (this.#counts() !== undefined) throw new PatternError('multiple repeat');
		return { kind: 'repeat', of: item, ...counts };
	}

	#counts(): { readonly min: number; readonly max: number } | undefined {
		if (this.#takes('*')) return { min: 0, max: Number.POSITIVE_INFINITY };
		if (this.#takes('+')) return { min: 1, max: Number.POSITIVE_INFINITY };
		if (this.#takes('?')) return { min: 0, max: 1 };
		const rest = this.#source.slice(this.#at, this.#at + 24).join('');
		// a brace that is no count is a brace
		const found = /^\{(?:(?<exact>\d+)|(?<min>\d*),(?<max>\d*))\}/.exec(rest)?.groups;
		if (found === undefined) return undefined;
		this.#at += rest.indexOf('}') + 1;
		const min = Number(found.exact ?? found.min ?? 0);
		const max = Number(found.exact ?? (found.max || Number.POSITIVE_INFINITY));
		if (min > max) throw new PatternError('min repeat greater than max repeat');
		if (min > MAX_REPEAT || (max !== Number.POSITIVE_INFINITY && max > MAX_REPEAT))
			throw new PatternError(`more than ${MAX_REPEAT} repeats`);
		return { min, max };
	}

	#group(flags: Flags): Pattern {
		if (!this.#takes('?')) return this.#closed(flags);
		if (this.#takes(':')) return this.#closed(flags);
		for (const [mark, behind, negated] of LOOKS)
			if (this.#takes(mark)) return { kind: 'look', of: this.#closed(flags), behind, negated };
		const rest = this.#source.slice(this.#at).join('');
		const name = /^P<[\p{XID_Start}_]\p{XID_Continue}*>/u.exec(rest)?.[0];
		const scoped = /^(?<on>[aiLmsux]*)(?:-(?<off>[imsx]+))?:/.exec(rest);
		if (name !== undefined) {
			if (this.#names.has(name)) throw new PatternError(`redefinition of group ${name.slice(2, -1)}`);
			this.#names.add(name);
			this.#at += [...name].length;
		}
		if (name === undefined && scoped === null) throw new PatternError(`group (?${rest.slice(0, 2)} is not supported`);
		this.#at += scoped?.[0].length ?? 0;
		return this.#closed(withFlags(withFlags(flags, scoped?.groups?.on ?? '', true), scoped?.groups?.off ?? '', false));
	}

	#closed(flags: Flags): Pattern {
		const inner = this.#choice(flags);
		if (!this.#takes(')')) throw new PatternError('missing ), unterminated subpattern');
		return inner;
	}

	#escape(flags: Flags): Pattern {
		const edge = EDGES[this.#peek() ?? ''];
		if (edge !== undefined) {
			this.#at++;
			return { kind: 'edge', holds: edge };
		}
		const member = this.#escaped(false);
		return { kind: 'char', test: typeof member === 'string' ? same(member, flags) : member };
	}

	/** What follows a backslash: a character, or a class of them. */
	#escaped(inSet: boolean): string | CharTest {
		const char = this.#next();
		if (Object.hasOwn(CLASSES, char)) return CLASSES[char] as CharTest;
		if (inSet && char === 'b') return '\b';
		if (Object.hasOwn(CONTROLS, char)) return CONTROLS[char] as string;
		const rest = this.#source.slice(this.#at - 1, this.#at + 8).join('');
		const code =
			/^(?:x(?<x>[0-9a-fA-F]{2})|u(?<u>[0-9a-fA-F]{4})|U(?<U>[0-9a-fA-F]{8})|(?<octal>0[0-7]{0,2}|[0-3][0-7]{2}))/.exec(rest);
		if (code === null) {
			if (/[0-9]/.test(char)) throw new PatternError('back references are not supported');
			if (/[a-zA-Z]/.test(char)) throw new PatternError(`bad escape \\${char}`);
			return char;
		}
		this.#at += code[0].length - 1;
		const { x, u, U, octal } = code.groups ?? {};
		const value = octal === undefined ? Number.parseInt(x ?? u ?? U ?? '', 16) : Number.parseInt(octal, 8);
		if (value > 0x10ffff) throw new PatternError('bad escape');
		return String.fromCodePoint(value);
	}

	#set(flags: Flags): CharTest {
		const negated = this.#takes('^');
		const members: CharTest[] = [];
		for (let first = true; first || this.#peek() !== ']'; first = false) {
			const low = this.#member();
			if (this.#peek() !== '-' || this.#source[this.#at + 1] === ']') {
				members.push(typeof low === 'string' ? (char) => char === low : low);
				continue;
			}
			this.#at++;
			const high = this.#member();
			if (typeof low !== 'string' || typeof high !== 'string' || codeOf(low) > codeOf(high))
				throw new PatternError('bad character range');
			members.push((char) => codeOf(low) <= codeOf(char) && codeOf(char) <= codeOf(high));
		}
		this.#at++;
		const holds = folding((char) => members.some((test) => test(char)), flags);
		return negated ? not(holds) : holds;
	}

	#member(): string | CharTest {
		const char = this.#next();
		return char === '\\' ? this.#escaped(true) : char;
	}
}

const LOOKS = [
	['=', false, false],
	['!', false, true],
	['<=', true, false],
	['<!', true, true],
] as const;

/** Python's `$` also holds before a last line's end. */
const isLastEnd: EdgeTest = (text, at) => isEnd(text, at) || (at === text.length - 1 && text[at] === '\n');

function withFlags(flags: Flags, letters: string, on: boolean): Flags {
	const odd = /[aLx]/.exec(letters)?.[0];
	if (odd !== undefined) throw new PatternError(`flag ${odd} is not supported`);
	const set = (flag: keyof Flags) => (letters.includes(flag) ? on : flags[flag]);
	return { i: set('i'), m: set('m'), s: set('s') };
}

function codeOf(char: string): number {
	return char.codePointAt(0) ?? 0;
}

function same(char: string, flags: Flags): CharTest {
	return folding((each) => each === char, flags);
}

function folding(test: CharTest, { i }: Flags): CharTest {
	return i ? (char) => test(char) || test(char.toLowerCase()) || test(char.toUpperCase()) : test;
}
