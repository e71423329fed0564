/** Text to plain values: truths, numbers, sizes, words. Errors as in parse.ts. */
import { GiB, KiB, MiB, TiB } from '#lib/sizes.ts';

export function parseOneOf<const T extends string>(choices: readonly T[]): (text: string) => T {
	return (text) => {
		const choice = choices.find((known) => known === text.toLowerCase());
		if (choice === undefined) throw new Error(`"${text}" is none of ${choices.join(', ')}`);
		return choice;
	};
}

const TRUTHS: Readonly<Record<string, boolean>> = {
	true: true,
	yes: true,
	on: true,
	1: true,
	false: false,
	no: false,
	off: false,
	0: false,
};

export function parseBoolean(text: string): boolean {
	const word = text.toLowerCase();
	const truth = Object.hasOwn(TRUTHS, word) ? TRUTHS[word] : undefined;
	if (truth === undefined) throw new Error(`"${text}" is neither true nor false`);
	return truth;
}

interface Bounds {
	readonly min?: number;
	readonly max?: number;
}

/** A whole number. */
export function parseCount({ min = 0, max = Number.MAX_SAFE_INTEGER }: Bounds = {}): (text: string) => number {
	return (text) => {
		const count = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
		if (!(count >= min && count <= max)) throw new Error(`"${text}" is not a whole number from ${min} to ${max}`);
		return count;
	};
}

/** Seconds, given in milliseconds. */
export function parseSeconds({ min = 0, max }: Bounds & { readonly max: number }): (text: string) => number {
	return (text) => {
		const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
		if (!(seconds >= min && seconds <= max)) throw new Error(`"${text}" is not a number of seconds from ${min} to ${max}`);
		return Math.round(seconds * 1000);
	};
}

const UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, KiB, MiB, GiB, TiB };

/** Bytes, at least one: `1099511627776`, `10 GiB`. */
export function parseBytes(text: string): number {
	const bytes = bytesOf(text);
	if (bytes < 1) throw new Error(`"${text}" is not a size such as 1099511627776 or 10 GiB`);
	return bytes;
}

/** The same, where 0 has a meaning of its own. */
export function parseBytesOrNone(text: string): number {
	return bytesOf(text);
}

function bytesOf(text: string): number {
	const match = /^(?<count>\d+(?:\.\d+)?) ?(?<unit>[KMGT]iB|B|)$/.exec(text);
	const bytes = Number(match?.groups?.count) * (UNITS[match?.groups?.unit ?? ''] ?? Number.NaN);
	if (!Number.isSafeInteger(bytes)) throw new Error(`"${text}" is not a size such as 1099511627776 or 10 GiB`);
	return bytes;
}

const MAX_WORD_CHARS = 255;

/** A name as people give it to things: one line, not blank. */
export function parseWord(text: string): string {
	const word = text.trim();
	if (word === '' || word.length > MAX_WORD_CHARS || /\p{Cc}/u.test(word))
		throw new Error(`a name of 1 to ${MAX_WORD_CHARS} characters in one line is needed`);
	return word;
}

export function parseWords(texts: readonly string[]): readonly string[] {
	if (texts.length === 0) throw new Error('at least one name is needed');
	return parseAnyWords(texts);
}

export function parseAnyWords(texts: readonly string[]): readonly string[] {
	return texts.map(parseWord);
}

const MAX_PASSWORD_CHARS = 4096;

/** Any text: it travels in JSON. Never repeated in a complaint. */
export function parsePassword(text: string): string {
	if (text === '' || text.length > MAX_PASSWORD_CHARS)
		throw new Error(`a secret of 1 to ${MAX_PASSWORD_CHARS} characters is needed`);
	return text;
}
