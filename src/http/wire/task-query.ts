/** The query of "List tasks". Image API v2, "Tasks". */
import { ImageError } from '#domain/errors.ts';
import { TASK_STATUSES } from '#domain/task.ts';
import type { TaskQuery, TaskSortKey } from '#domain/tasks/query.ts';
import type { PageLimits } from './filters.ts';
import { isDescending, lastOf, sortKeyOf } from './params.ts';
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
		sortKey: sortKeyOf(lastOf(params, 'sort_key') ?? 'created_at', SORT_KEYS),
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

function limitOf(text: string): number {
	if (!/^\s*\+?\d+\s*$/.test(text))
		throw new ImageError('invalid', `limit must be an integer of at least 0, not ${quoted(text)}`);
	return Number(text);
}
