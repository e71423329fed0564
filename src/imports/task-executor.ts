/**
 * Does tasks: a few at once, in the order they came, each by the runner of its type. What a failed run has left is taken
 * back before the task says that it failed. A task that waits survives the end of the process and is done by the next
 * one; so does one that was under way, if its steps are safe to do again. Of any other nobody knows how far it was.
 */
import type { CallerCredential } from '#domain/context.ts';
import { ImageError } from '#domain/errors.ts';
import type { TaskExecutor, TaskJob, TaskRunner, TaskRunners } from '#domain/ports/task-runners.ts';
import type { TaskProgress } from '#domain/tasks/progress.ts';
import { contextOf, type TaskRecord } from '#domain/tasks/record.ts';
import type { TaskRepository } from '#domain/tasks/repository.ts';
import type { Log } from '#lib/log.ts';

export interface RunningExecutor extends TaskExecutor, AsyncDisposable {
	/** What an earlier process has left: waiting tasks are taken on, those under way have failed. Once, before the first `submit`. */
	resume(): Promise<void>;
	/** Resolves when nothing is under way or waiting. */
	idle(): Promise<void>;
}

export interface TaskExecutorOptions {
	readonly repository: TaskRepository;
	readonly progress: TaskProgress;
	readonly runners: TaskRunners;
	readonly log: Log;
	readonly atOnce?: number;
}

const AT_ONCE = 4;
const UNDO_TIMEOUT_MS = 30_000;

export function createTaskExecutor(options: TaskExecutorOptions): RunningExecutor {
	const { repository, progress, runners, log, atOnce = AT_ONCE } = options;
	const waiting: string[] = [];
	const credentials = new Map<string, CallerCredential>();
	const running = new Set<Promise<void>>();
	const stopping = new AbortController();
	let whenIdle = Promise.withResolvers<void>();
	whenIdle.resolve();

	function submit(id: string, credential?: CallerCredential): void {
		if (credential !== undefined) credentials.set(id, credential);
		if (waiting.length + running.size === 0) whenIdle = Promise.withResolvers<void>();
		waiting.push(id);
		// Not at once: whoever submits tells of the task's creation first.
		setImmediate(pump);
	}

	function pump(): void {
		while (running.size < atOnce && !stopping.signal.aborted) {
			const id = waiting.shift();
			if (id === undefined) break;
			const work = attend(id)
				.catch((error: unknown) => log.error({ err: error, task: id }, 'a task could not be kept up to date'))
				.finally(() => {
					running.delete(work);
					credentials.delete(id);
					pump();
				});
			running.add(work);
		}
		if (running.size === 0 && (waiting.length === 0 || stopping.signal.aborted)) whenIdle.resolve();
	}

	async function attend(id: string): Promise<void> {
		const found = repository.get(id);
		// of an earlier process, which was cut short
		let task = found.status === 'processing' ? found : await progress.begin(found);
		const credential = credentials.get(id);
		const job: TaskJob = {
			id,
			input: task.input,
			noted: task.note,
			...(credential && { credential }),
			async say(message) {
				task = await progress.amend(task, { message }, { sync: false });
			},
			async note(note) {
				task = await progress.amend(task, { note }, { sync: true });
			},
		};
		let result: Readonly<Record<string, unknown>>;
		try {
			result = await runnerOf(task).run(contextOf(task, stopping.signal), job);
		} catch (error) {
			// the next process goes on with it
			if (stopping.signal.aborted && runnerOf(task).isRepeatable === true) return;
			await undo(task);
			await progress.fail(task, reasonOf(task, error));
			return;
		}
		await progress.succeed(task, result);
	}

	function runnerOf({ type }: TaskRecord): TaskRunner {
		const runner = Object.hasOwn(runners, type) ? runners[type] : undefined;
		if (runner === undefined) throw new ImageError('invalid', `this node does no tasks of type ${type}`);
		return runner;
	}

	/** Not by the signal that may have ended the run. What cannot be taken back is said in the log: the task has failed either way. */
	async function undo(task: TaskRecord): Promise<void> {
		if (task.note === null) return;
		try {
			await runnerOf(task).undo(contextOf(task, AbortSignal.timeout(UNDO_TIMEOUT_MS)), task.note, task);
		} catch (error) {
			log.warn({ err: error, task: task.id, note: task.note }, 'what a failed task has left could not be taken back');
		}
	}

	/** Texts of errors of ours are safe to show; others stay inside. */
	function reasonOf({ id }: TaskRecord, error: unknown): string {
		if (stopping.signal.aborted) return STOPPED;
		if (error instanceof ImageError) return error.message;
		log.error({ err: error, task: id }, 'a task failed');
		return 'the task failed by an internal error';
	}

	function isRepeatable(id: string): boolean {
		return runners[repository.get(id).type]?.isRepeatable === true;
	}

	async function giveUp(id: string): Promise<void> {
		const task = repository.get(id);
		await undo(task);
		await progress.fail(task, STOPPED);
	}

	return {
		submit,
		idle: () => whenIdle.promise,
		async resume() {
			const left = [...repository.stubs()].sort((a, b) => a.createdAt - b.createdAt);
			for (const { id, status } of left) if (status === 'processing' && !isRepeatable(id)) await giveUp(id);
			for (const { id, status } of left) if (status === 'pending' || (status === 'processing' && isRepeatable(id))) submit(id);
		},
		async [Symbol.asyncDispose]() {
			stopping.abort(new ImageError('aborted', STOPPED));
			await Promise.all(running);
			whenIdle.resolve();
		},
	};
}

const STOPPED = 'the node stopped while the task was under way; what it had done was taken back';
