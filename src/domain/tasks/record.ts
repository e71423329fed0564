/** A task as it is kept: what clients see, and what a node needs to go on with it after a restart. */
import type { RequestContext, TokenFacts } from '../context.ts';
import { ImageError } from '../errors.ts';
import { type Task, type TaskStatus, taskFollows } from '../task.ts';

export interface TaskRecord extends Task {
	/** in whose name it is done */
	readonly creator: Creator;
	/** what the runner would have to undo, in its own words */
	readonly note: string | null;
}

/** Everything but the result and what may be long: what lists show, and what is kept in memory. */
export type TaskStub = Omit<Task, 'input' | 'result' | 'message'>;

export interface Creator {
	readonly user: string | null;
	readonly project: string | null;
	readonly roles: readonly string[];
	readonly admin: boolean;
	readonly token?: TokenFacts;
}

export function creatorOf({ user, project, roles, admin, token }: RequestContext): Creator {
	return { user, project, roles, admin, ...(token && { token }) };
}

/** The creator, asking through the door of tasks: every layer decides as if the request came now. */
export function contextOf({ creator, requestId, id }: TaskRecord, signal: AbortSignal): RequestContext {
	return { ...creator, requestId: requestId ?? `req-${id}`, door: 'task', signal };
}

export function stubOf({ id, type, status, owner, imageId, requestId, userId, expiresAt, createdAt, updatedAt }: Task): TaskStub {
	return { id, type, status, owner, imageId, requestId, userId, expiresAt, createdAt, updatedAt };
}

/** What a task is after it has moved on. `conflict` for a way that Glance's table does not have. */
export function moved(task: TaskRecord, to: TaskStatus, at: number, change: Partial<TaskRecord> = {}): TaskRecord {
	if (!taskFollows(task.status, to)) throw new ImageError('conflict', `task status cannot go from ${task.status} to ${to}`);
	return { ...task, ...change, status: to, updatedAt: at };
}
