/**
 * Tasks in this node's own key-value store: they are not replicated, as the work is this node's. Stubs of all tasks are in
 * memory, so that a list reads nothing; what may be long is read one by one. Both are bounded: when there is no more
 * room, finished tasks go before their time, the oldest first, and where nothing has finished a new one is refused.
 */
import type { KeyChange, KeyValue } from '#lib/key-value.ts';
import { ImageError } from '../errors.ts';
import type { TaskStatus } from '../task.ts';
import { stubOf, type TaskRecord, type TaskStub } from './record.ts';

export interface TaskRepository {
	/** Stubs of all tasks that have not expired. */
	stubs(): readonly TaskStub[];
	/** `not-found` */
	get(id: string): TaskRecord;
	/** Durable when it resolves. `limit-exceeded` when there is no room for one more. */
	add(task: TaskRecord): Promise<void>;
	/** Durable when it resolves, unless `sync` is false: then a loss of power may take it back. */
	save(task: TaskRecord, options?: { readonly sync: boolean }): Promise<void>;
	/** Forgets tasks that have expired; how many. */
	sweep(): Promise<number>;
}

export interface TaskRepositoryOptions {
	readonly kv: KeyValue;
	/** UTC milliseconds */
	readonly clock: () => number;
	readonly maxTasks?: number;
}

const MAX_TASKS = 10_000;

export async function openTaskRepository(options: TaskRepositoryOptions): Promise<TaskRepository> {
	const { kv, clock, maxTasks = MAX_TASKS } = options;
	const stubs = new Map<string, TaskStub>();
	for await (const [, value] of kv.entries({})) remember(decoded(value));

	function remember(task: TaskRecord): void {
		stubs.set(task.id, stubOf(task));
	}
	async function forget(ids: readonly string[]): Promise<void> {
		if (ids.length === 0) return;
		for (const id of ids) stubs.delete(id);
		await kv.write(
			ids.map((id): KeyChange => ({ del: id })),
			{ sync: false },
		);
	}
	const isLive = ({ expiresAt }: TaskStub): boolean => expiresAt === null || expiresAt > clock();

	async function sweep(): Promise<number> {
		const expired = [...stubs.values()].filter((task) => !isLive(task));
		await forget(expired.map(({ id }) => id));
		return expired.length;
	}
	/** One in ten, so that a full house is not swept for every guest. */
	async function makeRoom(): Promise<void> {
		if (stubs.size < maxTasks || (await sweep()) > 0) return;
		const finished = [...stubs.values()].filter(({ expiresAt }) => expiresAt !== null);
		const oldest = finished.sort((a, b) => a.updatedAt - b.updatedAt).slice(0, Math.ceil(maxTasks / 10));
		if (oldest.length === 0) throw new ImageError('limit-exceeded', `${maxTasks} tasks wait to be done; try again later`);
		await forget(oldest.map(({ id }) => id));
	}
	async function put(task: TaskRecord, sync: boolean): Promise<void> {
		await kv.write([{ put: task.id, value: Buffer.from(JSON.stringify(task)) }], { sync });
		remember(task);
	}

	return {
		stubs: () => [...stubs.values()].filter(isLive),
		get(id) {
			const stub = stubs.get(id);
			const value = stub !== undefined && isLive(stub) ? kv.get(id) : undefined;
			if (value === undefined) throw new ImageError('not-found', `no task found with id ${id}`);
			return decoded(value);
		},
		async add(task) {
			await makeRoom();
			await put(task, true);
		},
		save: (task, { sync } = { sync: true }) => put(task, sync),
		sweep,
	};
}

const STALE_MS: Readonly<Partial<Record<TaskStatus, number>>> = { pending: 120 * 60_000, processing: 60 * 60_000 };

/** It has ended, nobody knows it, or it has not moved for so long that nobody waits for it any more. As Glance's import lock. */
export function isTaskOver(repository: Pick<TaskRepository, 'stubs'>, id: string, now: number): boolean {
	const stub = repository.stubs().find((each) => each.id === id);
	return stub === undefined || stub.expiresAt !== null || now - stub.updatedAt > (STALE_MS[stub.status] ?? 0);
}

function decoded(value: Uint8Array): TaskRecord {
	return JSON.parse(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8')) as TaskRecord;
}
