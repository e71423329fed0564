import type { CallerCredential, RequestContext } from '../context.ts';

/** How tasks of one type are done. Found by the type's name in the register: imports/index.ts. */
export interface TaskRunner {
	/** Before there is a task: `invalid` for an input that can come to nothing. */
	check(input: TaskInput, options: { readonly signal: AbortSignal }): Promise<void>;
	/** What there is to take back before it has begun, as `note` would say it; absent: nothing. */
	noteOf?(input: TaskInput): string;
	/** A run that the end of the process has cut short is begun again by the next one, from its beginning. Default: it has failed. */
	readonly isRepeatable?: boolean;
	/** Does it, in the name of its creator (`ctx.door` is `task`). What it resolves to is the task's result. */
	run(ctx: RequestContext, job: TaskJob): Promise<Readonly<Record<string, unknown>>>;
	/** Takes back what a failed or an interrupted run has left; what that is was noted. */
	undo(ctx: RequestContext, note: string, task: Pick<TaskJob, 'id' | 'input'>): Promise<void>;
}

export type TaskInput = Readonly<Record<string, unknown>>;

export interface TaskJob {
	readonly id: string;
	readonly input: TaskInput;
	/** what was noted last, by an earlier process if it was cut short */
	readonly noted: string | null;
	/** of who asked for it; absent after a restart, since it is never written down */
	readonly credential?: CallerCredential;
	/** For people who look meanwhile. */
	say(message: string): Promise<void>;
	/** For `undo`, in place of what was noted before; durable when it resolves. */
	note(text: string): Promise<void>;
}

/** By type. A type that is not here can be shown, and not be created. */
export type TaskRunners = Readonly<Partial<Record<string, TaskRunner>>>;

/** Does tasks in the background, a few at once, in the order they came. */
export interface TaskExecutor {
	submit(id: string, credential?: CallerCredential): void;
}
