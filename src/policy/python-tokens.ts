/** The words of a Python expression, as far as python-literal.ts needs them. */
import { PythonError } from './python-text.ts';

export type Token =
	| { readonly kind: 'name' | 'operator'; readonly text: string }
	| { readonly kind: 'number'; readonly text: string; readonly value: number | bigint }
	| StringToken;

export interface StringToken {
	readonly kind: 'string';
	/** escapes resolved */
	readonly text: string;
	/** one character of the text is one byte */
	readonly bytes: boolean;
	/** an f-string: not a literal */
	readonly computed: boolean;
}

/** Python's own bound. */
const MAX_BRACKETS = 200;
/** Python's bound of the decimal digits of an integer. */
const MAX_DIGITS = 4300;

const SPACE = /[ \t\f]+|#[^\r\n]*|\\\r?\n/y;
const NEWLINE = /[\r\n]+/y;
const NAME = /[\p{XID_Start}_][\p{XID_Continue}]*/uy;
const RADIX = /0(?:[xX](?:_?[0-9a-fA-F])+|[oO](?:_?[0-7])+|[bB](?:_?[01])+)/y;
const FLOAT = /(?:(?:\d(?:_?\d)*)?\.\d(?:_?\d)*|\d(?:_?\d)*\.)(?:[eE][+-]?\d(?:_?\d)*)?|\d(?:_?\d)*[eE][+-]?\d(?:_?\d)*/y;
const INTEGER = /0(?:_?0)*|[1-9](?:_?\d)*/y;
const OPERATOR = /\.\.\.|\*\*|\/\/|<<|>>|<=|>=|==|!=|[-+*/%@&|^~<>()[\]{},.]/y;
const PREFIX = /(?<prefix>[rR]?[bBfF]|[bBfF][rR]|[rRuU])?(?<quote>'''|"""|'|")/y;
/** What may follow a number without a space. */
const KEYWORD_AFTER_NUMBER = /(?:and|else|for|if|in|is|not|or)/y;

export function tokenise(source: string): Token[] {
	const tokens: Token[] = [];
	const open: string[] = [];
	let at = 0;
	const take = (pattern: RegExp): RegExpExecArray | null => {
		pattern.lastIndex = at;
		const found = pattern.exec(source);
		if (found !== null) at = pattern.lastIndex;
		return found;
	};
	while (at < source.length) {
		if (take(SPACE) !== null) continue;
		if (take(NEWLINE) !== null) {
			// outside of brackets a line's end is the expression's end
			if (open.length === 0 && tokens.length > 0 && source.slice(at).trim() !== '')
				throw new PythonError('invalid syntax after a line');
			continue;
		}
		const string = take(PREFIX);
		if (string !== null) {
			const [token, end] = readString(source, at, string.groups?.prefix ?? '', string.groups?.quote ?? '');
			tokens.push(token);
			at = end;
			continue;
		}
		const name = take(NAME);
		if (name !== null) {
			tokens.push({ kind: 'name', text: name[0] });
			continue;
		}
		const number = take(RADIX) ?? take(FLOAT) ?? take(INTEGER);
		if (number !== null) {
			tokens.push({ kind: 'number', text: number[0], value: numberValue(number[0]) });
			const next = source.charAt(at);
			if (/[\p{XID_Continue}]/u.test(next) && !startsWith(KEYWORD_AFTER_NUMBER, source, at))
				throw new PythonError('invalid number');
			continue;
		}
		const operator = take(OPERATOR)?.[0];
		if (operator === undefined) throw new PythonError(`invalid character ${source.charAt(at)}`);
		nest(open, operator);
		tokens.push({ kind: 'operator', text: operator });
	}
	if (open.length > 0) throw new PythonError(`${open.at(-1)} was never closed`);
	return tokens;
}

const CLOSES: Readonly<Record<string, string | undefined>> = { ')': '(', ']': '[', '}': '{' };

function nest(open: string[], operator: string): void {
	if (operator === '(' || operator === '[' || operator === '{') open.push(operator);
	if (open.length >= MAX_BRACKETS) throw new PythonError('too many nested brackets');
	const opener = CLOSES[operator];
	if (opener !== undefined && open.pop() !== opener) throw new PythonError(`unmatched ${operator}`);
}

function startsWith(pattern: RegExp, source: string, at: number): boolean {
	pattern.lastIndex = at;
	return pattern.test(source);
}

function numberValue(text: string): number | bigint {
	const digits = text.replaceAll('_', '');
	const integer = /^0[xXoObB]|^\d+$/.test(digits);
	if (!integer) return Number(digits);
	if (/^\d/.test(digits) && digits.length > MAX_DIGITS) throw new PythonError('the integer has too many digits');
	return BigInt(digits);
}

function readString(source: string, start: number, prefix: string, quote: string): readonly [StringToken, end: number] {
	const raw = /r/i.test(prefix);
	const bytes = /b/i.test(prefix);
	let text = '';
	for (let at = start; at < source.length; ) {
		if (source.startsWith(quote, at)) return [{ kind: 'string', text, bytes, computed: /f/i.test(prefix) }, at + quote.length];
		const char = String.fromCodePoint(source.codePointAt(at) ?? 0);
		if (quote.length === 1 && (char === '\n' || char === '\r')) break;
		if (bytes && char > '\x7f') throw new PythonError('bytes can only contain ASCII literal characters');
		if (char !== '\\') {
			text += char;
			at += char.length;
			continue;
		}
		const escaped = readEscape(source, at, raw, bytes);
		text += escaped.text;
		at = escaped.end;
	}
	throw new PythonError('unterminated string literal');
}

const ESCAPES: Readonly<Record<string, string | undefined>> = {
	'\n': '',
	'\\': '\\',
	"'": "'",
	'"': '"',
	a: '\x07',
	b: '\b',
	f: '\f',
	n: '\n',
	r: '\r',
	t: '\t',
	v: '\v',
};
const CODE = /\\(?:x(?<x>[0-9a-fA-F]{2})|u(?<u>[0-9a-fA-F]{4})|U(?<U>[0-9a-fA-F]{8})|(?<octal>[0-7]{1,3}))/y;

function readEscape(source: string, at: number, raw: boolean, bytes: boolean): { readonly text: string; readonly end: number } {
	const next = String.fromCodePoint(source.codePointAt(at + 1) ?? 0);
	if (at + 1 >= source.length) throw new PythonError('unterminated string literal');
	if (raw) return { text: `\\${next}`, end: at + 1 + next.length };
	const simple = ESCAPES[next];
	if (simple !== undefined) return { text: simple, end: at + 2 };
	CODE.lastIndex = at;
	const groups = CODE.exec(source)?.groups;
	const code = groups?.octal === undefined ? (groups?.x ?? (bytes ? undefined : (groups?.u ?? groups?.U))) : groups.octal;
	if (code === undefined) {
		if (next === 'x' || (!bytes && (next === 'u' || next === 'U' || next === 'N')))
			throw new PythonError(`\\${next} is not a character`);
		return { text: '\\', end: at + 1 };
	}
	const value = Number.parseInt(code, groups?.octal === undefined ? 16 : 8);
	if (value > 0x10ffff) throw new PythonError('illegal Unicode character');
	return { text: String.fromCodePoint(bytes ? value & 0xff : value), end: CODE.lastIndex };
}
