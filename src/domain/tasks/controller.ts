/** The verbs of tasks. Every layer of their onion (onion.ts) is a function from one of these to another. */
import type { RequestContext } from '../context.ts';
import type { ImageId } from '../image.ts';
import type { Task } from '../task.ts';
import type { TaskPage, TaskQuery } from './query.ts';

export interface TaskController {
	/** Resolves for who may use tasks at all: asked before anything else of a request is looked at. */
	enter(ctx: RequestContext): Promise<void>;
	/** A pending task, durable when it resolves; what is done of it is done later. `invalid` for an input that can come to nothing. */
	create(ctx: RequestContext, draft: TaskDraft): Promise<Task>;
	list(ctx: RequestContext, query: TaskQuery): Promise<TaskPage>;
	/** `not-found` */
	show(ctx: RequestContext, id: string): Promise<Task>;
	/** Tasks about one image, the oldest first. Who may see the image may see which of the own tasks are about it. */
	ofImage(ctx: RequestContext, image: ImageId): Promise<readonly Task[]>;
}

export interface TaskDraft {
	readonly type: string;
	/** of its own, unless somebody had to know it before */
	readonly id?: string;
	/** as the client gave it */
	readonly input: Readonly<Record<string, unknown>>;
}
