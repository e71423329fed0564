/** The query of "List tasks". Image API v2, "Tasks". */
import { ImageError } from '#domain/errors.ts';
import { TASK_STATUSES } from '#domain/task.ts';
import type { TaskQuery, TaskSortKey } from '#domain/tasks/query.ts';
import type { PageLimits } from './filters.ts';
import { quoted } from './texts.ts';

const SORT_KEYS: Readonly<Record<string, TaskSortKey>> = {
	id: 'id',
	type: 'type',
	status: 'status',
	owner: 'owner',
	image_id: 'imageId',
	request_id: 'requestId',
	user_id: 'userId',
	expires_at: 'expiresAt',
	created_at: 'createdAt',
	updated_at: 'updatedAt',
};

const FILTERS: Readonly<Record<string, keyof TaskQuery['equal']>> = {
	id: 'id',
	type: 'type',
	status: 'status',
	owner: 'owner',
	image_id: 'imageId',
	request_id: 'requestId',
	user_id: 'userId',
};

/** Of all types Glance lets only this one be asked for. */
const TYPES = ['import'] as const;

/** Parameters that say nothing of a task are left alone, as Glance does. */
export function parseTaskQuery(params: URLSearchParams, pages: PageLimits): TaskQuery {
	assertOneOf('status', params.get('status'), TASK_STATUSES);
	assertOneOf('type', params.get('type'), TYPES);
	const marker = lastOf(params, 'marker');
	const equal = Object.entries(FILTERS).flatMap(([name, field]) => {
		const value = lastOf(params, name);
		return value === undefined ? [] : [[field, value] as const];
	});
	return {
		equal: Object.fromEntries(equal),
		sortKey: sortKeyOf(lastOf(params, 'sort_key') ?? 'created_at'),
		descending: isDescending(lastOf(params, 'sort_dir') ?? 'desc'),
		limit: Math.min(limitOf(lastOf(params, 'limit') ?? String(pages.defaultLimit)), pages.maxLimit),
		...(marker !== undefined && { marker }),
	};
}

/** What is empty is the value of no task. */
function assertOneOf(name: string, value: string | null, allowed: readonly string[]): void {
	if (value && !allowed.includes(value))
		throw new ImageError('invalid', `${name} must be one of ${allowed.join(', ')}, not ${quoted(value)}`);
}

function sortKeyOf(name: string): TaskSortKey {
	const key = Object.hasOwn(SORT_KEYS, name) ? SORT_KEYS[name] : undefined;
	if (key === undefined)
		throw new ImageError('invalid', `cannot sort by ${quoted(name)}; sort keys are ${Object.keys(SORT_KEYS).join(', ')}`);
	return key;
}

function isDescending(direction: string): boolean {
	if (direction !== 'asc' && direction !== 'desc')
		throw new ImageError('invalid', `sort direction must be asc or desc, not ${quoted(direction)}`);
	return direction === 'desc';
}

function limitOf(text: string): number {
	if (!/^\s*\+?\d+\s*$/.test(text))
		throw new ImageError('invalid', `limit must be an integer of at least 0, not ${quoted(text)}`);
	return Number(text);
}

function lastOf(params: URLSearchParams, name: string): string | undefined {
	return params.getAll(name).at(-1);
}
