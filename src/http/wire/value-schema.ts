/** The part of JSON schema that says something about one value: what operators write in schema-image.json. */
import { isDeepStrictEqual } from 'node:util';
import { ImageError } from '#domain/errors.ts';

export type ValueSchema = Readonly<Record<string, unknown>>;

/** Why a value is not what the schema wants, in a few words; undefined: it is. */
export type Check = (value: unknown) => string | undefined;

/**
 * Checks for the keywords of a schema, of draft 4 or later. Keywords that constrain nothing (description, default, format)
 * or are not known are left alone, as JSON schema demands. `invalid` when the schema itself is none.
 */
export function compileSchema(schema: unknown, where: string): Check {
	if (typeof schema === 'boolean') return schema ? () => undefined : () => 'is never allowed';
	if (!isRecord(schema)) throw malformed(where, 'must be an object');
	const checks = Object.entries(schema).flatMap(([keyword, operand]) => {
		const compile = Object.hasOwn(KEYWORDS, keyword) ? KEYWORDS[keyword] : undefined;
		return compile === undefined ? [] : [compile(operand, `${where}.${keyword}`, schema)];
	});
	return (value) => firstOf(checks, value);
}

/** Does the schema name this type among its own? A schema without types names them all. */
export function namesType(schema: ValueSchema, type: string): boolean {
	if (schema.type === undefined) return true;
	return Array.isArray(schema.type) ? schema.type.includes(type) : schema.type === type;
}

type Compile = (operand: unknown, where: string, schema: ValueSchema) => Check;

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
	null: (value) => value === null,
	boolean: (value) => typeof value === 'boolean',
	// beyond, JavaScript would keep another number than was sent
	integer: Number.isSafeInteger,
	number: Number.isFinite,
	string: (value) => typeof value === 'string',
	array: Array.isArray,
	object: isRecord,
};

const KEYWORDS: Readonly<Record<string, Compile>> = {
	type(operand, where) {
		const names = Array.isArray(operand) ? operand : [operand];
		const tests = names.map((name) => (typeof name === 'string' && Object.hasOwn(TYPES, name) ? TYPES[name] : undefined));
		if (names.length === 0 || tests.includes(undefined)) throw malformed(where, 'names a type that there is not');
		return (value) => (tests.some((test) => test?.(value)) ? undefined : `must be ${names.join(' or ')}`);
	},
	enum(operand, where) {
		if (!Array.isArray(operand)) throw malformed(where, 'must be an array');
		return (value) =>
			operand.some((each) => isDeepStrictEqual(each, value)) ? undefined : `must be one of ${operand.map(shown).join(', ')}`;
	},
	const: (operand) => (value) => (isDeepStrictEqual(operand, value) ? undefined : `must be ${shown(operand)}`),
	pattern(operand, where) {
		const pattern = expression(operand, where);
		return ofStrings((text) => (pattern.test(text) ? undefined : `must match ${pattern.source}`));
	},
	minLength: bound((n) => ofStrings((text) => ([...text].length >= n ? undefined : `must have at least ${n} characters`))),
	maxLength: bound((n) => ofStrings((text) => ([...text].length <= n ? undefined : `must have at most ${n} characters`))),
	minimum: bound((n, { exclusiveMinimum }) =>
		exclusiveMinimum === true ? above(n) : ofNumbers((value) => (value >= n ? undefined : `must be at least ${n}`)),
	),
	maximum: bound((n, { exclusiveMaximum }) =>
		exclusiveMaximum === true ? below(n) : ofNumbers((value) => (value <= n ? undefined : `must be at most ${n}`)),
	),
	// draft 4 has a flag here, read beside the bound; later drafts the bound itself
	exclusiveMinimum: (operand, where, schema) => (typeof operand === 'boolean' ? accept : bound(above)(operand, where, schema)),
	exclusiveMaximum: (operand, where, schema) => (typeof operand === 'boolean' ? accept : bound(below)(operand, where, schema)),
	multipleOf: bound((n) => ofNumbers((value) => (Number.isInteger(value / n) ? undefined : `must be a multiple of ${n}`))),
	items(operand, where) {
		const check = compileSchema(operand, where);
		return ofArrays((values) => values.map(check).find((problem) => problem !== undefined));
	},
	minItems: bound((n) => ofArrays((values) => (values.length >= n ? undefined : `must have at least ${n} items`))),
	maxItems: bound((n) => ofArrays((values) => (values.length <= n ? undefined : `must have at most ${n} items`))),
	uniqueItems: (operand) =>
		ofArrays((values) =>
			operand === true && values.some((value, at) => values.slice(0, at).some((other) => isDeepStrictEqual(other, value)))
				? 'must not have an item twice'
				: undefined,
		),
	allOf: many((checks) => (value) => firstOf(checks, value)),
	anyOf: many((checks) => (value) => (passes(checks, value) > 0 ? undefined : 'must match one of several schemas')),
	oneOf: many((checks) => (value) => (passes(checks, value) === 1 ? undefined : 'must match exactly one of several schemas')),
	not(operand, where) {
		const check = compileSchema(operand, where);
		return (value) => (check(value) === undefined ? 'must not match a schema' : undefined);
	},
};

const accept: Check = () => undefined;

function firstOf(checks: readonly Check[], value: unknown): string | undefined {
	for (const check of checks) {
		const problem = check(value);
		if (problem !== undefined) return problem;
	}
	return undefined;
}

function passes(checks: readonly Check[], value: unknown): number {
	return checks.filter((check) => check(value) === undefined).length;
}

function above(n: number): Check {
	return ofNumbers((value) => (value > n ? undefined : `must be above ${n}`));
}

function below(n: number): Check {
	return ofNumbers((value) => (value < n ? undefined : `must be below ${n}`));
}

function ofStrings(check: (value: string) => string | undefined): Check {
	return (value) => (typeof value === 'string' ? check(value) : undefined);
}

function ofNumbers(check: (value: number) => string | undefined): Check {
	return (value) => (typeof value === 'number' ? check(value) : undefined);
}

function ofArrays(check: (value: readonly unknown[]) => string | undefined): Check {
	return (value) => (Array.isArray(value) ? check(value) : undefined);
}

function bound(make: (n: number, schema: ValueSchema) => Check): Compile {
	return (operand, where, schema) => {
		if (typeof operand !== 'number') throw malformed(where, 'must be a number');
		return make(operand, schema);
	};
}

function many(make: (checks: readonly Check[]) => Check): Compile {
	return (operand, where) => {
		if (!Array.isArray(operand)) throw malformed(where, 'must be an array of schemas');
		return make(operand.map((each, at) => compileSchema(each, `${where}[${at}]`)));
	};
}

function expression(operand: unknown, where: string): RegExp {
	if (typeof operand !== 'string') throw malformed(where, 'must be a string');
	try {
		return new RegExp(operand, 'u');
	} catch (cause) {
		throw new ImageError('invalid', `${where} is not a regular expression`, { cause });
	}
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function malformed(where: string, what: string): ImageError {
	return new ImageError('invalid', `${where} ${what}`);
}

function shown(value: unknown): string {
	return typeof value === 'string' ? value : JSON.stringify(value);
}
