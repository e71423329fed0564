/** The query of "List images": every parameter becomes a filter, a sort or a page. Image API v2, "List images". */
import { ImageError } from '#domain/errors.ts';
import { VISIBILITIES } from '#domain/image.ts';
import { MEMBER_STATUSES } from '#domain/member.ts';
import type { ImageFilter, ImageQuery, NumberField, TextField, TimeField } from '#domain/query.ts';
import { lastOf } from './params.ts';
import { parseSort } from './sort.ts';
import { quoted } from './texts.ts';
import { parseTime } from './times.ts';

export interface PageLimits {
	readonly defaultLimit: number;
	readonly maxLimit: number;
}

export const DEFAULT_PAGES: PageLimits = { defaultLimit: 25, maxLimit: 1000 };

export function parseListQuery(params: URLSearchParams, pages: PageLimits = DEFAULT_PAGES): ImageQuery {
	if (params.has('changes-since')) throw new ImageError('invalid', 'changes-since is not a parameter of this API version');
	const visibility = lastOf(params, 'visibility');
	const marker = lastOf(params, 'marker');
	const filters = [...new Set(params.keys())].flatMap((name) => parseFilter(name, params));
	return {
		filters: params.has('os_hidden') ? filters : [...filters, { field: 'hidden', is: false }],
		sort: parseSort(params),
		// an empty visibility matches no image
		limit: visibility === '' ? 0 : parseLimit(lastOf(params, 'limit'), pages),
		...(marker !== undefined && { marker }),
		withCommunity: visibility === 'community' || visibility === 'all',
		...parseMemberStatus(lastOf(params, 'member_status')),
	};
}

type Parser = (value: string, name: string) => readonly ImageFilter[];

const NONE: Parser = () => [];

const PARSERS: Readonly<Record<string, Parser>> = {
	limit: NONE,
	marker: NONE,
	sort: NONE,
	sort_key: NONE,
	sort_dir: NONE,
	deleted: NONE,
	name: listed('name'),
	id: listed('id'),
	status: listed('status'),
	container_format: listed('containerFormat'),
	disk_format: listed('diskFormat'),
	owner: equal('owner'),
	checksum: equal('checksum'),
	os_hash_algo: equal('hashAlgorithm'),
	os_hash_value: equal('hashValue'),
	created_at: compared('createdAt'),
	updated_at: compared('updatedAt'),
	visibility: (value) => parseVisibility(value),
	member_status: NONE,
	os_hidden: (value) => [{ field: 'hidden', is: parseFlag('os_hidden', value.toLowerCase()) }],
	protected: (value) => [{ field: 'protected', is: parseFlag('protected', value) }],
};

const NUMBERS: Readonly<Record<string, NumberField>> = {
	size: 'size',
	virtual_size: 'virtualSize',
	min_ram: 'minRam',
	min_disk: 'minDisk',
};

/** Of a parameter that is given more than once the last value counts; only tags add up. */
function parseFilter(name: string, params: URLSearchParams): readonly ImageFilter[] {
	if (name === 'tag') return params.getAll(name).map((value) => ({ field: 'tag', value }));
	const value = lastOf(params, name) ?? '';
	if (Object.hasOwn(PARSERS, name)) return PARSERS[name]?.(value, name) ?? [];
	if (Object.hasOwn(NUMBERS, name)) return numbers(name, name, value, ['min', 'max']);
	const bound = /^(?<column>.+)_(?<side>min|max)$/.exec(name)?.groups;
	if (bound !== undefined) return numbers(name, bound.column ?? '', value, [bound.side === 'min' ? 'min' : 'max']);
	return [{ field: 'property', name, value }];
}

function numbers(param: string, column: string, value: string, sides: readonly ('min' | 'max')[]): readonly ImageFilter[] {
	const field = Object.hasOwn(NUMBERS, column) ? NUMBERS[column] : undefined;
	if (field === undefined) throw new ImageError('invalid', `cannot compare by ${quoted(param)}`);
	if (!/^[+-]?\d+$/.test(value)) throw new ImageError('invalid', `${param} must be an integer, not ${quoted(value)}`);
	return [{ field, ...Object.fromEntries(sides.map((side) => [side, Number(value)])) }];
}

function equal(field: TextField): Parser {
	return (value) => [{ field, oneOf: [value] }];
}

/** `v`, `eq:v` or `in:a,b,"c,d"`. Any other word before a colon is an operator that does not exist. */
function listed(field: TextField): Parser {
	return (value, name) => {
		const { operator, operand } = splitOperator(value);
		if (operator === undefined || operator === 'eq') return [{ field, oneOf: [operand] }];
		if (operator === 'in') return [{ field, oneOf: splitQuoted(operand) }];
		throw new ImageError('invalid', `operator ${quoted(operator)} cannot be used with ${name}`);
	};
}

const TIME_OPERATORS = ['gt', 'gte', 'lt', 'lte', 'eq', 'neq'] as const;

function compared(field: TimeField): Parser {
	return (value, name) => {
		const plain = parseTime(value);
		const { operator, operand } = plain === undefined ? splitOperator(value) : { operator: 'eq', operand: value };
		const op = TIME_OPERATORS.find((each) => each === operator);
		const time = parseTime(operand);
		if (op === undefined || time === undefined)
			throw new ImageError('invalid', `${name} must be an operator and an ISO 8601 time, not ${quoted(value)}`);
		return /\.\d/.test(operand) ? [{ field, op, value: time }] : wholeSecond(field, op, time);
	};
}

/** Times are shown to the second and kept to the millisecond: a second that is named means all of it. */
function wholeSecond(field: TimeField, op: (typeof TIME_OPERATORS)[number], time: number): readonly ImageFilter[] {
	const next = time + 1000;
	switch (op) {
		case 'eq':
			return [
				{ field, op: 'gte', value: time },
				{ field, op: 'lt', value: next },
			];
		case 'gt':
			return [{ field, op: 'gte', value: next }];
		case 'lte':
			return [{ field, op: 'lt', value: next }];
		default:
			return [{ field, op, value: time }];
	}
}

function splitOperator(value: string): { readonly operator: string | undefined; readonly operand: string } {
	const colon = value.indexOf(':');
	return colon < 0
		? { operator: undefined, operand: value }
		: { operator: value.slice(0, colon), operand: value.slice(colon + 1) };
}

/** Comma separated; double quotes protect commas, a backslash inside of quotes protects the next character. */
export function splitQuoted(text: string): readonly string[] {
	const malformed = () => new ImageError('invalid', `badly quoted list ${quoted(text)}`);
	const values: string[] = [];
	let rest = text;
	for (;;) {
		const item = /^(?:"(?<quoted>(?:[^"\\]|\\.)*)"|(?<bare>[^",]*))(?<next>,|$)/su.exec(rest);
		if (item === null) throw malformed();
		const { quoted: inner, bare = '', next } = item.groups ?? {};
		values.push(inner === undefined ? bare : inner.replace(/\\(.)/gsu, '$1'));
		if (next === '') return values;
		rest = rest.slice(item[0].length);
	}
}

function parseVisibility(value: string): readonly ImageFilter[] {
	if (value === 'all' || value === '') return [];
	const is = VISIBILITIES.find((each) => each === value);
	if (is === undefined)
		throw new ImageError('invalid', `visibility must be one of ${VISIBILITIES.join(', ')}, all, not ${quoted(value)}`);
	return [{ field: 'visibility', is }];
}

/** No filter: it says which memberships count, and one's own and public images are listed whatever it says. */
function parseMemberStatus(value: string | undefined): Pick<ImageQuery, 'memberStatus'> {
	if (value === undefined) return {};
	const memberStatus = [...MEMBER_STATUSES, 'all' as const].find((each) => each === value);
	if (memberStatus === undefined)
		throw new ImageError('invalid', `member_status must be one of ${MEMBER_STATUSES.join(', ')}, all, not ${quoted(value)}`);
	return { memberStatus };
}

function parseFlag(name: string, value: string): boolean {
	if (value !== 'true' && value !== 'false')
		throw new ImageError('invalid', `${name} must be true or false, not ${quoted(value)}`);
	return value === 'true';
}

function parseLimit(value: string | undefined, pages: PageLimits): number {
	if (value === undefined) return pages.defaultLimit;
	if (!/^\s*\+?\d+\s*$/.test(value))
		throw new ImageError('invalid', `limit must be an integer of at least 0, not ${quoted(value)}`);
	return Math.min(Number(value), pages.maxLimit);
}
