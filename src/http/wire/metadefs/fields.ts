/** Bodies of metadata definitions, parsed key by key: each parser gives what it read or says `invalid`, and where. */
import { ImageError } from '#domain/errors.ts';
import { quoted, storableText } from '#http/wire/texts.ts';

export type Parse<T> = (value: unknown, at: string) => T;

/** What Glance's schemas leave unbounded ends somewhere. */
const TEXT_CHARS_MAX = 65_535;
const LIST_ITEMS_MAX = 1024;

export function text(max = TEXT_CHARS_MAX): Parse<string> {
	return (value, at) => storableText(at, value, max);
}

/** What has an address of its own cannot be without one. */
export function name(max: number): Parse<string> {
	return (value, at) => {
		const found = storableText(at, value, max);
		if (found === '') throw new ImageError('invalid', `${at} cannot be empty`);
		return found;
	};
}

export const flag: Parse<boolean> = (value, at) => {
	if (typeof value !== 'boolean') throw new ImageError('invalid', `${at} must be true or false, not ${quoted(value)}`);
	return value;
};

export const count: Parse<number> = (value, at) => {
	if (!Number.isSafeInteger(value) || (value as number) < 0)
		throw new ImageError('invalid', `${at} must be an integer of at least 0, not ${quoted(value)}`);
	return value as number;
};

/** The integer below, as Glance keeps it. */
export const bound: Parse<number> = (value, at) => {
	const whole = typeof value === 'number' ? Math.trunc(value) : value;
	if (!Number.isSafeInteger(whole)) throw new ImageError('invalid', `${at} must be a number within 2^53, not ${quoted(value)}`);
	return whole as number;
};

export function oneOf<T extends string>(allowed: readonly T[]): Parse<T> {
	return (value, at) => {
		const found = allowed.find((each) => each === value);
		if (found === undefined) throw new ImageError('invalid', `${at} must be one of ${allowed.join(', ')}, not ${quoted(value)}`);
		return found;
	};
}

export function list<T>(item: Parse<T>): Parse<readonly T[]> {
	return (value, at) => {
		if (!Array.isArray(value)) throw new ImageError('invalid', `${at} must be an array`);
		if (value.length > LIST_ITEMS_MAX) throw new ImageError('invalid', `${at} has more than ${LIST_ITEMS_MAX} items`);
		return value.map((each, index) => item(each, `${at}[${index}]`));
	};
}

export const distinctTexts: Parse<readonly string[]> = (value, at) => {
	const texts = list(text())(value, at);
	if (new Set(texts).size < texts.length) throw new ImageError('invalid', `${at} has an item twice`);
	return texts;
};

/** Any keys, in the order they were sent. */
export function entries<T>(key: Parse<string>, value: Parse<T>): Parse<readonly { readonly name: string; readonly value: T }[]> {
	return (candidate, at) => {
		const all = Object.entries(record(candidate, at));
		if (all.length > LIST_ITEMS_MAX) throw new ImageError('invalid', `${at} has more than ${LIST_ITEMS_MAX} keys`);
		return all.map(([each, sent]) => ({ name: key(each, `a name in ${at}`), value: value(sent, `${at}.${quoted(each)}`) }));
	};
}

/** These keys and no others; those of `ignored` may come and say nothing. */
export function fields<T extends object>(
	parsers: { readonly [K in keyof T]-?: Parse<Exclude<T[K], undefined>> },
	required: readonly (keyof T & string)[],
	ignored: readonly string[] = [],
): Parse<T> {
	return (candidate, at) => {
		const sent = Object.entries(record(candidate, at)).filter(([key]) => !ignored.includes(key));
		for (const key of required)
			if (!sent.some(([each]) => each === key)) throw new ImageError('invalid', `${at} must have the key ${key}`);
		const parsed = sent.map(([key, value]) => {
			if (!Object.hasOwn(parsers, key)) throw new ImageError('invalid', `${at} cannot have the key ${quoted(key)}`);
			return [key, parsers[key as keyof T](value, `${at}.${key}`)];
		});
		return Object.fromEntries(parsed) as T;
	};
}

/** Refused before anything else is looked at. */
export function assertWritable(body: unknown, readOnly: readonly string[]): void {
	const key = readOnly.find((each) => Object.hasOwn(record(body, 'the body'), each));
	if (key !== undefined) throw new ImageError('forbidden', `attribute ${key} is read-only`);
}

function record(value: unknown, at: string): Readonly<Record<string, unknown>> {
	if (typeof value !== 'object' || value === null || Array.isArray(value))
		throw new ImageError('invalid', `${at} must be a JSON object`);
	return value as Readonly<Record<string, unknown>>;
}
