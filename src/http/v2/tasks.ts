import type { ImageController } from '#domain/controller.ts';
import type { TaskController } from '#domain/tasks/controller.ts';
import type { PageLimits } from '#http/wire/filters.ts';
import { parseTaskDraft } from '#http/wire/task-draft.ts';
import { parseTaskQuery } from '#http/wire/task-query.ts';
import { TASKS_PATH, viewTask, viewTaskOfImage, viewTaskStub } from '#http/wire/task-view.ts';
import type { AppContext } from '../env.ts';
import { jsonBody } from '../json-body.ts';
import { pageLink } from '../page-link.ts';
import { problemText } from '../problems.ts';
import { queryOf } from '../request-path.ts';
import { respondJson } from '../respond.ts';
import { bodyless, type Route } from '../route.ts';
import { idOf } from './images.ts';

const MAX_TASK_BYTES = 64 * 1024;

export interface TaskRouteParts {
	readonly tasks: TaskController;
	readonly images: Pick<ImageController, 'show'>;
	readonly pages: PageLimits;
	readonly publicUrl: (c: AppContext) => string;
}

/** Image API v2, "Tasks". Who may not use tasks at all is told so before anything of the request is read. */
export function taskRoutes({ tasks, images, pages, publicUrl }: TaskRouteParts): readonly Route[] {
	async function list(c: AppContext): Promise<Response> {
		await tasks.enter(c.var.ctx);
		const params = queryOf(c.req.url);
		const page = await tasks.list(c.var.ctx, parseTaskQuery(params, pages));
		const last = page.tasks.at(-1);
		return respondJson(c, 200, {
			tasks: page.tasks.map(viewTaskStub),
			first: pageLink(TASKS_PATH, params),
			schema: '/v2/schemas/tasks',
			...(page.full && last !== undefined && { next: pageLink(TASKS_PATH, params, last.id) }),
		});
	}
	async function create(c: AppContext): Promise<Response> {
		await tasks.enter(c.var.ctx);
		const task = await tasks.create(c.var.ctx, parseTaskDraft(await jsonBody(c, MAX_TASK_BYTES)));
		return respondJson(c, 201, viewTask(task), { location: `${publicUrl(c)}${TASKS_PATH}/${task.id}` });
	}
	async function show(c: AppContext): Promise<Response> {
		return respondJson(c, 200, viewTask(await tasks.show(c.var.ctx, idOf(c))));
	}
	/** A task is forgotten when its time has come, and by nobody before; so it is with ids that were never there. */
	async function remove(c: AppContext): Promise<Response> {
		await tasks.enter(c.var.ctx);
		return problemText(c, 405, 'tasks cannot be deleted; they are forgotten when they expire', { allow: 'GET' });
	}
	/** A look at the image, first of all. */
	async function ofImage(c: AppContext): Promise<Response> {
		const image = await images.show(c.var.ctx, idOf(c));
		return respondJson(c, 200, { tasks: (await tasks.ofImage(c.var.ctx, image.id)).map(viewTaskOfImage) });
	}
	return [
		{ path: TASKS_PATH, methods: { GET: list, POST: create } },
		{ path: `${TASKS_PATH}/:id`, methods: { GET: show, DELETE: remove } },
		{ path: '/v2/images/:id/tasks', methods: { GET: bodyless(ofImage) } },
	];
}
