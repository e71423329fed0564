/** Notifier: tells that a task was created. What becomes of it is told where it is done (progress.ts). */
import { circumstances } from '#domain/circumstances.ts';
import type { Notifier } from '#domain/ports/notifier.ts';
import type { TaskLayer } from '../onion.ts';

export function notification(notifier: Notifier, clock: () => number): TaskLayer {
	return (inner) => ({
		async create(ctx, draft) {
			const task = await inner.create(ctx, draft);
			notifier.publish({ type: 'task.create', task, ...circumstances(ctx, clock()) });
			return task;
		},
	});
}
