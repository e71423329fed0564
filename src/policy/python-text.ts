/**
 * JSON values as Python writes them: rules compare texts, and the texts are those of Python's `str()`.
 * A JSON number without fraction and exponent is an integer, as Python's json module reads it.
 */

/** Python would raise here; oslo.policy lets that pass to its caller, so there is no decision and nobody is let through. */
export class PythonError extends Error {
	override readonly name = 'PythonError';
}

/** `str.split()` of Python and JavaScript's `\s` differ in the separators U+001C to U+001F, NEL and the byte order mark. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are white space to Python
export const PYTHON_WORD = /[^\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/gu;

export function str(value: unknown): string {
	return typeof value === 'string' ? value : repr(value);
}

export interface ReprOptions {
	/** as Python's `ascii()`: whatever is not ASCII is escaped */
	readonly ascii?: boolean;
}

export function repr(value: unknown, options: ReprOptions = {}): string {
	if (value === null || value === undefined) return 'None';
	if (typeof value === 'string') return quoted(value, options);
	if (typeof value === 'boolean') return value ? 'True' : 'False';
	if (typeof value === 'number') return numberText(value);
	if (typeof value !== 'object') return String(value);
	if (Array.isArray(value)) return `[${value.map((item) => repr(item, options)).join(', ')}]`;
	const items = Object.entries(value).map(([key, item]) => `${repr(key, options)}: ${repr(item, options)}`);
	return `{${items.join(', ')}}`;
}

/** Whether Python's json module reads this number as an integer. */
export function isPythonInteger(value: number): boolean {
	return Number.isInteger(value) && Math.abs(value) < 1e21;
}

function numberText(value: number): string {
	return isPythonInteger(value) ? String(value === 0 ? 0 : value) : floatText(value);
}

/** Both languages print the shortest digits that read back; they differ in when the exponent appears and how. */
export function floatText(value: number): string {
	if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
	const size = Math.abs(value);
	if (size !== 0 && (size < 1e-4 || size >= 1e16))
		return value.toExponential().replace(/e(?<sign>[+-])(?<digit>\d)$/, 'e$<sign>0$<digit>');
	const text = Object.is(value, -0) ? '-0' : String(value);
	return Number.isInteger(value) ? `${text}.0` : text;
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function quoted(text: string, { ascii = false }: ReprOptions): string {
	const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
	const special = ascii ? /[^ -~]|[\\'"]/gu : /[\p{C}\p{Z}\\'"]/gu;
	const escaped = text.replace(special, (char) => {
		if (char === ' ' || ((char === "'" || char === '"') && char !== quote)) return char;
		if (char === quote) return `\\${char}`;
		return SHORT_ESCAPES[char] ?? codePointEscape(char.codePointAt(0) ?? 0);
	});
	return `${quote}${escaped}${quote}`;
}

function codePointEscape(code: number): string {
	const hex = code.toString(16);
	if (code < 0x100) return `\\x${hex.padStart(2, '0')}`;
	return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}
