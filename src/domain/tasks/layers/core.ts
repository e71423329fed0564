/** What every outer layer wraps: tasks are kept, and handed to who does them. */
import { ImageError } from '#domain/errors.ts';
import type { TaskExecutor, TaskRunner, TaskRunners } from '#domain/ports/task-runners.ts';
import { TASK_TYPES, type TaskType } from '#domain/task.ts';
import type { TaskController } from '../controller.ts';
import { pageOf } from '../query.ts';
import { creatorOf } from '../record.ts';
import type { TaskRepository } from '../repository.ts';

export interface CoreOptions {
	readonly repository: TaskRepository;
	readonly runners: TaskRunners;
	readonly executor: TaskExecutor;
	/** UTC milliseconds */
	readonly clock: () => number;
}

export function core({ repository, runners, executor, clock }: CoreOptions): TaskController {
	return {
		async enter() {},
		async create(ctx, { type, input, id = crypto.randomUUID() }) {
			const { signal, project, user, requestId } = ctx;
			const known = typeOf(type);
			const runner = runnerOf(runners, known);
			await runner.check(input, { signal });
			const at = clock();
			const task = {
				id,
				type: known,
				status: 'pending',
				owner: project,
				imageId: typeof input.image_id === 'string' ? input.image_id : null,
				requestId,
				userId: user,
				input,
				result: null,
				message: '',
				expiresAt: null,
				createdAt: at,
				updatedAt: at,
				creator: creatorOf(ctx),
				note: runner.noteOf?.(input) ?? null,
			} as const;
			await repository.add(task);
			executor.submit(task.id, ctx.credential);
			return task;
		},
		async list(_ctx, query) {
			await repository.sweep();
			return pageOf(repository.stubs(), query);
		},
		show: async (_ctx, id) => repository.get(id),
		async ofImage(_ctx, image) {
			await repository.sweep();
			const about = repository.stubs().filter(({ imageId }) => imageId === image);
			return about.sort((a, b) => a.createdAt - b.createdAt).map(({ id }) => repository.get(id));
		},
	};
}

function typeOf(text: string): TaskType {
	const type = TASK_TYPES.find((each) => each === text);
	if (type === undefined) throw new ImageError('invalid', `the type of a task must be one of ${TASK_TYPES.join(', ')}`);
	return type;
}

function runnerOf(runners: TaskRunners, type: TaskType): TaskRunner {
	const runner = Object.hasOwn(runners, type) ? runners[type] : undefined;
	if (runner === undefined) throw new ImageError('invalid', `tasks of type ${type} are not created by clients here`);
	return runner;
}
