/**
 * Checks of decoded data that others made. A check says nothing when the value has its shape, and throws `invalid`
 * with the place otherwise. Nothing is copied or converted: what passes is what was signed.
 */
import { ImageError } from '#domain/errors.ts';

export type Check = (value: unknown, at: string) => void;

export function refuse(at: string, what: string): never {
	throw new ImageError('invalid', `${at} ${what}`);
}

/** Well-formed text of at most `max` UTF-16 units. */
export function text(max: number, pattern?: RegExp): Check {
	return (value, at) => {
		if (typeof value !== 'string') refuse(at, 'is not text');
		if (value.length > max) refuse(at, `is longer than ${max} characters`);
		if (!value.isWellFormed()) refuse(at, 'is not well-formed Unicode');
		if (pattern && !pattern.test(value)) refuse(at, 'has characters that may not be there');
	};
}

export function integer(min: number, max: number): Check {
	return (value, at) => {
		if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max)
			refuse(at, `is not an integer from ${min} to ${max}`);
	};
}

export const finite: Check = (value, at) => {
	if (typeof value !== 'number' || !Number.isFinite(value)) refuse(at, 'is not a number');
};

export const flag: Check = (value, at) => {
	if (typeof value !== 'boolean') refuse(at, 'is neither true nor false');
};

export function bytes(length: number): Check {
	return (value, at) => {
		if (!(value instanceof Uint8Array) || value.length !== length) refuse(at, `is not ${length} bytes`);
	};
}

export function oneOf(values: readonly string[]): Check {
	return (value, at) => {
		if (typeof value !== 'string' || !values.includes(value)) refuse(at, `is not one of ${values.join(', ')}`);
	};
}

export function nullable(check: Check): Check {
	return (value, at) => {
		if (value !== null) check(value, at);
	};
}

export function list(item: Check, max: number): Check {
	return (value, at) => {
		if (!Array.isArray(value)) refuse(at, 'is not a list');
		if (value.length > max) refuse(at, `has more than ${max} items`);
		for (const [index, entry] of value.entries()) item(entry, `${at}[${index}]`);
	};
}

/** A map with any keys; `__proto__` is none of them, so that no reader can be led into a prototype. */
export function dictionary(key: Check, value: Check, max: number): Check {
	return (candidate, at) => {
		const entries = Object.entries(record(candidate, at));
		if (entries.length > max) refuse(at, `has more than ${max} keys`);
		for (const [name, item] of entries) {
			if (name === '__proto__') refuse(at, 'may not have a key named __proto__');
			key(name, `${at} key`);
			value(item, `${at}.${name}`);
		}
	};
}

/** Exactly these keys; those of `optional` may be absent. */
export function shape<T extends object>(
	checks: { readonly [K in keyof T]-?: Check },
	optional: readonly (keyof T & string)[] = [],
): Check {
	const required = Object.keys(checks).filter((key) => !(optional as readonly string[]).includes(key));
	return (candidate, at) => {
		const value = record(candidate, at);
		for (const key of required) if (!Object.hasOwn(value, key)) refuse(at, `lacks ${key}`);
		for (const key of Object.keys(value)) {
			if (!Object.hasOwn(checks, key)) refuse(at, `has an unknown key ${key.slice(0, 64)}`);
			checks[key as keyof T](value[key], `${at}.${key}`);
		}
	};
}

function record(value: unknown, at: string): Readonly<Record<string, unknown>> {
	if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array)
		refuse(at, 'is not a map');
	return value as Readonly<Record<string, unknown>>;
}
