/** Tasks as clients see them: whole, in lists without what may be long, and beside an image as the database has them. */
import type { Task } from '#domain/task.ts';
import type { TaskStub } from '#domain/tasks/record.ts';
import { viewTime } from './times.ts';

export const TASKS_PATH = '/v2/tasks';

export function viewTask(task: Task): object {
	const { id, input, type, status, owner, message, result } = task;
	return {
		...{ id, input, type, status, owner, message, result },
		...timesAndLinks(task),
		...(task.imageId && { image_id: task.imageId }),
		...(task.requestId && { request_id: task.requestId }),
		...(task.userId && { user_id: task.userId }),
		...expiry(task),
	};
}

export function viewTaskStub(task: TaskStub): object {
	const { id, type, status, owner } = task;
	return { id, type, status, owner, ...timesAndLinks(task), ...expiry(task) };
}

/** Every column, and times as Python writes them. */
export function viewTaskOfImage({ id, type, status, owner, input, result, message, ...task }: Task): object {
	return {
		...{ id, type, status, owner },
		expires_at: task.expiresAt === null ? null : rawTime(task.expiresAt),
		created_at: rawTime(task.createdAt),
		updated_at: rawTime(task.updatedAt),
		...{ deleted_at: null, deleted: false, image_id: task.imageId, request_id: task.requestId, user_id: task.userId },
		...{ input, result, message },
	};
}

function timesAndLinks({ id, createdAt, updatedAt }: TaskStub): object {
	return {
		created_at: viewTime(createdAt),
		updated_at: viewTime(updatedAt),
		self: `${TASKS_PATH}/${id}`,
		schema: '/v2/schemas/task',
	};
}

function expiry({ expiresAt }: TaskStub): object {
	return expiresAt === null ? {} : { expires_at: viewTime(expiresAt) };
}

/** UTC, without saying so: 2026-11-23T07:32:48.000000 */
function rawTime(at: number): string {
	return `${new Date(at).toISOString().slice(0, -1)}000`;
}
