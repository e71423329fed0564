/** oslo.config's types of options: from substituted text to a value, as strict and as lenient as there. */
import { isIP } from 'node:net';

export type OsloValue = string | number | boolean | readonly string[] | ReadonlyMap<string, string>;

export interface OsloType {
	/** undefined: as if nothing was said. Throws a plain Error that never repeats the text. */
	read(text: string): OsloValue | undefined;
	/** said again adds to what was said */
	readonly multi?: true;
}

export const text: OsloType = { read: (value) => value };

/** Said several times, it is a list of whole texts. */
export const multi: OsloType = { read: (value) => value, multi: true };

const TRUE = ['true', '1', 'on', 'yes'];
const FALSE = ['false', '0', 'off', 'no'];

export const bool: OsloType = {
	read(value) {
		const word = value.toLowerCase();
		if (TRUE.includes(word)) return true;
		if (FALSE.includes(word)) return false;
		throw new Error(`a truth is needed: ${TRUE.join(', ')}, or ${FALSE.join(', ')}`);
	},
};

interface Bounds {
	readonly min?: number;
	readonly max?: number;
}

const INTEGER = /^[+-]?\d+(_\d+)*$/;
const FLOAT = /^[+-]?(\d+(_\d+)*\.?(\d+(_\d+)*)?|\.\d+(_\d+)*)(e[+-]?\d+(_\d+)*)?$/i;

/** What is beyond 2^53 is near enough for a limit. */
export const int = (bounds: Bounds = {}): OsloType => number(INTEGER, 'a whole number', bounds);
export const float = (bounds: Bounds = {}): OsloType => number(FLOAT, 'a number', bounds);
export const port: OsloType = int({ min: 0, max: 65_535 });

function number(form: RegExp, kind: string, { min = -Infinity, max = Infinity }: Bounds): OsloType {
	return {
		read(value) {
			const trimmed = value.trim();
			if (trimmed === '') return undefined;
			const count = form.test(trimmed) ? Number(trimmed.replaceAll('_', '')) : Number.NaN;
			if (Number.isNaN(count)) throw new Error(`${kind} is needed`);
			if (count < min || count > max) throw new Error(`${kind} ${rangeOf(min, max)} is needed`);
			return count;
		},
	};
}

function rangeOf(min: number, max: number): string {
	return max === Infinity ? `of at least ${min}` : `from ${min} to ${max}`;
}

export function choice(...choices: readonly string[]): OsloType {
	return {
		read(value) {
			if (choices.includes(value)) return value;
			throw new Error(`one of ${choices.join(', ')} is needed`);
		},
	};
}

export const host: OsloType = {
	read(value) {
		if (isIP(value) !== 0 || isHostName(value)) return value.replace(/\.$/, '');
		throw new Error('an address or a host name is needed');
	},
};

function isHostName(value: string): boolean {
	const labels = value.replace(/\.$/, '').split('.');
	const isLabel = (label: string) => /^(?!-)[a-z0-9-]{1,63}(?<!-)$/i.test(label);
	return value.length <= 253 && labels.every(isLabel) && /[a-z-]/i.test(labels.at(-1) ?? '');
}

/** `a, b`. Brackets are no part of this form, and so become part of an item. */
export const list: OsloType = { read: (value) => itemsOf(value.trim().replace(/,+$/, '')) };

/** `['a', "b"]`: brackets needed, quotes allowed. A comma inside quotes separates nothing. */
export const bracketed: OsloType = {
	read(value) {
		const trimmed = value.trim().replace(/,+$/, '');
		if (!trimmed.startsWith('[') || !trimmed.endsWith(']') || trimmed.length < 2)
			throw new Error('a list in brackets is needed: [a, b]');
		return unquotedItems(itemsOf(trimmed.slice(1, -1), (item) => item));
	},
};

function itemsOf(value: string, tidy = (item: string) => item.trim()): readonly string[] {
	return value === '' ? [] : value.split(',').map(tidy);
}

function unquotedItems(parts: readonly string[]): readonly string[] {
	const items: string[] = [];
	let open: string | undefined;
	for (const part of parts) {
		const item = open === undefined ? part : `${open},${part}`;
		const trimmed = item.trim();
		open = undefined;
		if (!/^["']/.test(trimmed)) items.push(trimmed);
		else if (trimmed.length > 1 && trimmed.endsWith(trimmed.charAt(0))) items.push(trimmed.slice(1, -1));
		else open = item;
	}
	if (open !== undefined) throw new Error('a quote is not closed');
	return items;
}

/** `a:b, c:d`. A part without a colon is the beginning of the next one's name. */
export const dict: OsloType = {
	read(value) {
		const pairs = new Map<string, string>();
		let open = '';
		for (const part of itemsOf(value.trim(), (item) => item)) {
			const pair = open + part;
			open = pair.includes(':') ? '' : `${pair},`;
			if (open === '') addPair(pairs, pair);
		}
		if (open !== '') throw new Error('pairs are needed: name:value, name:value');
		return pairs;
	},
};

function addPair(pairs: Map<string, string>, pair: string): void {
	const at = pair.indexOf(':');
	const name = pair.slice(0, at).trim();
	if (name === '') throw new Error('a pair needs a name');
	if (pairs.has(name)) throw new Error('a name stands twice');
	pairs.set(name, pair.slice(at + 1).trim());
}

/** As Python writes it into a text that refers to the option. */
export function pythonText(value: OsloValue | undefined): string {
	if (value === undefined) return '';
	if (typeof value === 'boolean') return value ? 'True' : 'False';
	if (value instanceof Map) return `{${[...value].map((pair) => pair.map(quoted).join(': ')).join(', ')}}`;
	return Array.isArray(value) ? `[${value.map(quoted).join(', ')}]` : String(value);
}

function quoted(value: string): string {
	return `'${value}'`;
}
