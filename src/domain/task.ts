/** Work that goes on after its request was answered. Image API v2, "Tasks". */
import type { ImageId } from './image.ts';

export const TASK_STATUSES = ['pending', 'processing', 'success', 'failure'] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

export const TASK_TYPES = ['import', 'api_image_import', 'location_import'] as const;
export type TaskType = (typeof TASK_TYPES)[number];

export interface Task {
	readonly id: string;
	readonly type: TaskType;
	readonly status: TaskStatus;
	/** project id */
	readonly owner: string | null;
	readonly imageId: ImageId | null;
	readonly requestId: string | null;
	readonly userId: string | null;
	/** as the client gave it */
	readonly input: Readonly<Record<string, unknown>>;
	readonly result: Readonly<Record<string, unknown>> | null;
	readonly message: string;
	/** UTC milliseconds; null before the task has ended */
	readonly expiresAt: number | null;
	readonly createdAt: number;
	readonly updatedAt: number;
}

const NEXT: Readonly<Record<TaskStatus, readonly TaskStatus[]>> = {
	pending: ['processing', 'failure'],
	processing: ['success', 'failure'],
	success: [],
	failure: [],
};

/** May `to` follow `from`? */
export function taskFollows(from: TaskStatus, to: TaskStatus): boolean {
	return NEXT[from].includes(to);
}
