/**
 * Python's `template % mapping`, in which rules name attributes of their target: `%(owner)s`. Parsed once, filled often.
 * https://docs.python.org/3/library/stdtypes.html#printf-style-string-formatting
 */
import { isPythonInteger, PythonError, repr, str } from './python-text.ts';

/** A text without holes, or texts and holes in turn. */
export type Template = string | readonly (string | Hole)[];

interface Hole {
	/** of the mapping; undefined takes the mapping itself, once */
	readonly key: string | undefined;
	readonly flags: string;
	readonly width: Amount;
	readonly precision: Amount;
	/** `s`, `d`, …; empty when the template ends before it says */
	readonly type: string;
	/** `%(key)s` and nothing else */
	readonly plain: boolean;
}

type Amount = number | '*' | undefined;

/** Wider holes are refused: they only serve to exhaust memory. */
const MAX_WIDTH = 4096;

export function parseTemplate(text: string): Template {
	const parts: (string | Hole)[] = [];
	let end = 0;
	for (let at = text.indexOf('%'); at !== -1; at = text.indexOf('%', end)) {
		if (at > end) parts.push(text.slice(end, at));
		if (text[at + 1] === '%') {
			parts.push('%');
			end = at + 2;
			continue;
		}
		const [hole, next] = parseHole(text, at + 1);
		parts.push(hole);
		end = next;
	}
	if (parts.length === 0) return text;
	if (end < text.length) parts.push(text.slice(end));
	return parts;
}

function parseHole(text: string, start: number): readonly [Hole, next: number] {
	const [key, after] = text[start] === '(' ? parseKey(text, start) : [undefined, start];
	const rest = /(?<flags>[-+ #0]*)(?<width>\*|\d*)(?:\.(?<precision>\*|\d*))?[hlL]?(?<type>.?)/sy;
	rest.lastIndex = after;
	const groups = rest.exec(text)?.groups ?? {};
	const { flags = '', width = '', precision, type = '' } = groups;
	const plain = key !== undefined && type === 's' && flags === '' && width === '' && precision === undefined;
	const hole = { key, flags, width: amount(width), precision: amount(precision, 0), type, plain };
	return [hole, rest.lastIndex];
}

/** Keys may hold parentheses that close again. One that never closes swallows the rest: a hole without type. */
function parseKey(text: string, start: number): readonly [string | undefined, next: number] {
	let depth = 0;
	for (let at = start; at < text.length; at++) {
		if (text[at] === '(') depth++;
		if (text[at] === ')' && --depth === 0) return [text.slice(start + 1, at), at + 1];
	}
	return [undefined, text.length];
}

function amount(text: string | undefined, empty?: number): Amount {
	if (text === undefined) return undefined;
	if (text === '') return empty;
	return text === '*' ? text : Number(text);
}

/** The text with its holes filled; undefined when the target lacks a key (Python's KeyError), an error where Python raises others. */
export function fill(template: Template, target: Readonly<Record<string, unknown>>): string | undefined {
	if (typeof template === 'string') return template;
	let text = '';
	let argument: Argument = { value: target, left: true };
	for (const part of template) {
		if (typeof part === 'string') {
			text += part;
			continue;
		}
		if (part.key !== undefined) {
			if (!Object.hasOwn(target, part.key)) return undefined;
			argument = { value: target[part.key], left: !part.plain };
		}
		text += part.plain ? str(argument.value) : filled(part, argument);
	}
	return text;
}

/** What the next hole without a key takes; it can be taken once. */
interface Argument {
	readonly value: unknown;
	left: boolean;
}

function filled(hole: Hole, argument: Argument): string {
	const starWidth = measured(hole.width, argument);
	const precision = measured(hole.precision, argument);
	if (hole.type === '') throw new PythonError('incomplete format');
	const flags = starWidth !== undefined && starWidth < 0 ? `${hole.flags}-` : hole.flags;
	const width = Math.abs(starWidth ?? 0);
	const { sign, digits, fillsWithZeros } = converted(hole.type, taken(argument), flags, precision);
	const missing = Math.max(0, width - [...sign, ...digits].length);
	if (flags.includes('-')) return `${sign}${digits}${' '.repeat(missing)}`;
	if (fillsWithZeros && flags.includes('0')) return `${sign}${'0'.repeat(missing)}${digits}`;
	return `${' '.repeat(missing)}${sign}${digits}`;
}

function taken(argument: Argument): unknown {
	if (!argument.left) throw new PythonError('not enough arguments for format string');
	argument.left = false;
	return argument.value;
}

function measured(amount: Amount, argument: Argument): number | undefined {
	const value = amount === '*' ? taken(argument) : amount;
	if (value === undefined) return undefined;
	const number = typeof value === 'boolean' ? Number(value) : value;
	if (typeof number !== 'number' || !isPythonInteger(number)) throw new PythonError('* wants int');
	if (Math.abs(number) > MAX_WIDTH) throw new PythonError('width or precision too big');
	return number;
}

interface Converted {
	/** sign and base prefix: zeros go after it */
	readonly sign: string;
	readonly digits: string;
	readonly fillsWithZeros: boolean;
}

function converted(type: string, value: unknown, flags: string, precision: number | undefined): Converted {
	if (type === 's' || type === 'r' || type === 'a') {
		const text = type === 's' ? str(value) : repr(value, { ascii: type === 'a' });
		const shown = precision === undefined ? text : [...text].slice(0, Math.max(0, precision)).join('');
		return { sign: '', digits: shown, fillsWithZeros: false };
	}
	if (type === 'c') return { sign: '', digits: character(value), fillsWithZeros: false };
	const base = BASES[type];
	if (base === undefined) throw new PythonError(`format character ${type} is not supported`);
	const number = integer(value, base.radix === 10);
	const sign = number < 0n ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
	const text = (number < 0n ? -number : number).toString(base.radix).padStart(Math.max(0, precision ?? 0), '0');
	const prefix = flags.includes('#') ? base.prefix : '';
	return { sign: `${sign}${prefix}`, digits: type === 'X' ? text.toUpperCase() : text, fillsWithZeros: true };
}

const BASES: Readonly<Record<string, { readonly radix: number; readonly prefix: string } | undefined>> = {
	d: { radix: 10, prefix: '' },
	i: { radix: 10, prefix: '' },
	u: { radix: 10, prefix: '' },
	o: { radix: 8, prefix: '0o' },
	x: { radix: 16, prefix: '0x' },
	X: { radix: 16, prefix: '0X' },
};

function integer(value: unknown, truncates: boolean): bigint {
	if (typeof value === 'boolean') return value ? 1n : 0n;
	if (typeof value !== 'number' || !Number.isFinite(value)) throw new PythonError('a number is required');
	if (isPythonInteger(value)) return BigInt(String(value));
	if (!truncates) throw new PythonError('an integer is required');
	return BigInt(Math.trunc(value));
}

function character(value: unknown): string {
	if (typeof value === 'string' && [...value].length === 1) return value;
	const code = typeof value === 'boolean' ? Number(value) : value;
	if (typeof code !== 'number' || !isPythonInteger(code) || code < 0 || code > 0x10ffff)
		throw new PythonError('%c requires int or char');
	return String.fromCodePoint(code);
}
