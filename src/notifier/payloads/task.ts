import type { Circumstances, TaskEvent } from '#domain/events.ts';
import { deletion, seconds } from './times.ts';

/** What a task was given, and what came of it, may be secret: both are withheld, as Glance does. */
export function taskPayload({ type, task, at }: Circumstances & TaskEvent): object {
	return {
		id: task.id,
		type: task.type,
		status: task.status,
		result: null,
		owner: task.owner,
		message: null,
		expires_at: task.expiresAt === null ? null : seconds(task.expiresAt),
		created_at: seconds(task.createdAt),
		updated_at: seconds(task.updatedAt),
		...deletion(type === 'task.delete', at),
	};
}
