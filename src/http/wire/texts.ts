import { ImageError } from '#domain/errors.ts';

/**
 * Text that every store of records can keep: no half of a surrogate pair, which is no character, and no U+0000, which SQL
 * texts cannot hold. Length counts code points, as Glance does.
 */
export function storableText(what: string, value: unknown, maxLength = Number.POSITIVE_INFINITY): string {
	if (typeof value !== 'string') throw new ImageError('invalid', `${what} must be a string`);
	if (value.length > maxLength && [...value].length > maxLength)
		throw new ImageError('invalid', `${what} is longer than ${maxLength} characters`);
	if (!value.isWellFormed()) throw new ImageError('invalid', `${what} has half of a surrogate pair`);
	if (value.includes('\0')) throw new ImageError('invalid', `${what} has a null character`);
	return value;
}

/** Glance keeps to three bytes of UTF-8 a character, for MySQL's sake: `invalid` for any text within `value` that needs four. */
export function refuseAstral(value: unknown): void {
	if (typeof value === 'string' && /[\u{10000}-\u{10ffff}]/u.test(value))
		throw new ImageError('invalid', 'characters outside of the basic multilingual plane are refused here');
	if (typeof value !== 'object' || value === null) return;
	for (const [key, each] of Object.entries(value)) {
		refuseAstral(key);
		refuseAstral(each);
	}
}

/** What a client sent, short enough and plain enough to be repeated in an error message. */
export function quoted(value: unknown): string {
	const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
	return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
