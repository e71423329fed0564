/** How a task moves on, by the one table of states, told to those who listen. */

import type { Notifier } from '#domain/ports/notifier.ts';
import type { TaskEvent } from '../events.ts';
import type { TaskStatus } from '../task.ts';
import { moved, type TaskRecord } from './record.ts';
import type { TaskRepository } from './repository.ts';

export interface TaskProgress {
	begin(task: TaskRecord): Promise<TaskRecord>;
	/** A change of message or note while it is under way. `sync` as of the repository. */
	amend(task: TaskRecord, change: Partial<Pick<TaskRecord, 'message' | 'note'>>, options: Sync): Promise<TaskRecord>;
	succeed(task: TaskRecord, result: Readonly<Record<string, unknown>>): Promise<TaskRecord>;
	fail(task: TaskRecord, message: string): Promise<TaskRecord>;
}

type Sync = { readonly sync: boolean };

export interface TaskProgressOptions {
	readonly repository: Pick<TaskRepository, 'save'>;
	readonly notifier: Notifier;
	/** UTC milliseconds */
	readonly clock: () => number;
	/** how long a task is kept after its end */
	readonly timeToLiveMs: number;
}

export function taskProgress({ repository, notifier, clock, timeToLiveMs }: TaskProgressOptions): TaskProgress {
	function tell(task: TaskRecord, ...types: readonly TaskEvent['type'][]): void {
		const { requestId, owner: project, userId: user } = task;
		for (const type of types)
			notifier.publish({ type, task, requestId: requestId ?? '', project, user, at: clock(), priority: 'info' });
	}
	async function move(task: TaskRecord, to: TaskStatus, change: Partial<TaskRecord>): Promise<TaskRecord> {
		const next = moved(task, to, clock(), change);
		await repository.save(next);
		return next;
	}
	const ended = () => ({ expiresAt: clock() + timeToLiveMs, note: null });

	return {
		async begin(task) {
			const next = await move(task, 'processing', {});
			tell(next, 'task.run', 'task.processing');
			return next;
		},
		async amend(task, change, options) {
			const next = { ...task, ...change, updatedAt: clock() };
			await repository.save(next, options);
			return next;
		},
		async succeed(task, result) {
			const next = await move(task, 'success', { ...ended(), result });
			tell(next, 'task.success');
			return next;
		},
		async fail(task, message) {
			const next = await move(task, 'failure', { ...ended(), message });
			tell(next, 'task.failure');
			return next;
		},
	};
}
