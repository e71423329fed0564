import { ImageError } from '#domain/errors.ts';

/**
 * Text that every store of records can keep. Code points above U+FFFF are refused as Glance refuses them, and with
 * them lone surrogates (both are UTF-16 surrogate units); so is U+0000, which SQL texts cannot hold.
 */
export function storableText(what: string, value: unknown, maxLength = Number.POSITIVE_INFINITY): string {
	if (typeof value !== 'string') throw new ImageError('invalid', `${what} must be a string`);
	if (value.length > maxLength) throw new ImageError('invalid', `${what} is longer than ${maxLength} characters`);
	if (/[\ud800-\udfff]/.test(value))
		throw new ImageError('invalid', `${what} has characters outside of the basic multilingual plane`);
	if (value.includes('\0')) throw new ImageError('invalid', `${what} has a null character`);
	return value;
}

/** What a client sent, short enough and plain enough to be repeated in an error message. */
export function quoted(value: unknown): string {
	const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
	return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
