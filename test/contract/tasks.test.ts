/** Tasks across ends of the process, at their limits, and by their table of states. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { memoryKeyValue } from '#catalogue/memory.ts';
import { ImageError } from '#domain/errors.ts';
import type { TaskRunner } from '#domain/ports/task-runners.ts';
import { TASK_STATUSES } from '#domain/task.ts';
import { moved, type TaskRecord } from '#domain/tasks/record.ts';
import type { KeyValue } from '#lib/key-value.ts';
import { administrator, caller, type TestSite, testSite } from '../support/onion.ts';

interface Waiting extends TaskRunner {
	/** inputs of the runs that have begun, in order, and notes that were taken back */
	readonly begun: string[];
	readonly undone: string[];
	most: number;
	/** the callers of the runs */
	readonly callers: object[];
	finish(): void;
}

/** Runs note their name and wait for `finish`, or for the end of the process. */
function waiting(): Waiting {
	const gate = Promise.withResolvers<void>();
	let running = 0;
	return {
		...{ begun: [], undone: [], callers: [], most: 0 },
		finish: gate.resolve,
		async check() {},
		async run({ signal, ...ctx }, { input, note }) {
			running += 1;
			this.most = Math.max(this.most, running);
			const name = String(input.name);
			this.callers.push(ctx);
			await note(name);
			this.begun.push(name);
			await Promise.race([
				gate.promise,
				new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
			]);
			running -= 1;
			return { name };
		},
		async undo(_ctx, note) {
			this.undone.push(note);
		},
	};
}

const site = (
	runner: TaskRunner,
	tasksKv: KeyValue = memoryKeyValue(),
	over: Parameters<typeof testSite>[0] = {},
): Promise<TestSite> => testSite({ runners: { import: runner }, tasksKv, ...over });
const create = async ({ tasks }: TestSite, name: string) =>
	(await tasks.create(administrator(), { type: 'import', input: { name } })).id;
const show = ({ tasks }: TestSite, id: string) => tasks.show(administrator(), id);
/** What waits in line has its turn before this. */
const turns = async (until: () => boolean) => {
	for (let turn = 0; turn < 1000 && !until(); turn += 1) await new Promise(setImmediate);
	assert.ok(until());
};

describe('the executor', () => {
	it('does a few at once, in the order they came, in the name of their creators', async () => {
		const runner = waiting();
		const here = await site(runner, undefined, { atOnce: 2 });
		const names = ['a', 'b', 'c', 'd'];
		for (const name of names) await create(here, name);
		await turns(() => runner.begun.length === 2);
		runner.finish();
		await here.executor.idle();
		assert.deepEqual([runner.begun, runner.most, runner.undone], [names, 2, []]);
		const { requestId, user, project, roles, admin } = administrator();
		assert.deepEqual(runner.callers[0], { requestId, user, project, roles, admin, door: 'task' });
	});
	it('stops what is under way when it is ended, takes it back, and leaves what waits to the next', async () => {
		const kv = memoryKeyValue();
		const first = waiting();
		const before = await site(first, kv, { atOnce: 1 });
		const [stopped, left] = [await create(before, 'stopped'), await create(before, 'left')];
		await turns(() => first.begun.length === 1);
		await before.executor[Symbol.asyncDispose]();
		assert.deepEqual(first.undone, ['stopped']);
		const second = waiting();
		second.finish();
		const after = await site(second, kv);
		assert.partialDeepStrictEqual(await show(after, stopped), { status: 'failure' });
		assert.match((await show(after, stopped)).message, /the node stopped/);
		assert.equal((await show(after, left)).status, 'pending');
		await after.executor.resume();
		await after.executor.idle();
		assert.equal((await show(after, left)).status, 'success');
		assert.deepEqual(second.begun, ['left']);
	});
	it('of a process that was killed leaves a task under way, which then has failed and is taken back', async () => {
		const kv = memoryKeyValue();
		const first = waiting();
		const before = await site(first, kv, { atOnce: 1 });
		const [killed, left] = [await create(before, 'killed'), await create(before, 'left')];
		await turns(() => first.begun.length === 1);
		const second = waiting();
		second.finish();
		const after = await site(second, kv);
		await after.executor.resume();
		await after.executor.idle();
		assert.deepEqual([second.undone, second.begun], [['killed'], ['left']]);
		assert.match((await show(after, killed)).message, /the node stopped/);
		assert.deepEqual([(await show(after, killed)).status, (await show(after, left)).status], ['failure', 'success']);
		const told = after.events.flatMap((event) => ('task' in event ? [`${event.type} ${event.task.input.name}`] : []));
		assert.deepEqual(told, ['task.failure killed', 'task.run left', 'task.processing left', 'task.success left']);
	});
	it('keeps the words of what is not an error of ours to itself', async () => {
		const runner = { ...waiting(), run: () => Promise.reject(new Error('a secret')) };
		const here = await site(runner);
		const id = await create(here, 'x');
		await here.executor.idle();
		assert.equal((await show(here, id)).message, 'the task failed by an internal error');
	});
	it('lets a task fail whose type nobody does any more, and one whose undoing fails', async () => {
		const kv = memoryKeyValue();
		const first = waiting();
		const before = await site(first, kv, { atOnce: 1 });
		const [begun, waits] = [await create(before, 'begun'), await create(before, 'waits')];
		await turns(() => first.begun.length === 1);
		const after = await testSite({ tasksKv: kv, runners: {} });
		await after.executor.resume();
		await after.executor.idle();
		for (const id of [begun, waits]) assert.equal((await show(after, id)).status, 'failure');
	});
});

describe('the room for tasks', () => {
	it('is bounded: the oldest that has ended goes, and where none has a new one is refused', async () => {
		let now = 1e12;
		const runner = waiting();
		const here = await site(runner, undefined, { maxTasks: 3, clock: () => (now += 1) });
		const ids = [await create(here, 'a'), await create(here, 'b'), await create(here, 'c')];
		await assert.rejects(create(here, 'd'), (error) => error instanceof ImageError && error.code === 'limit-exceeded');
		runner.finish();
		await here.executor.idle();
		await create(here, 'e');
		await here.executor.idle();
		await assert.rejects(show(here, ids[0] ?? ''), /no task found/);
		assert.equal((await show(here, ids[1] ?? '')).status, 'success');
		assert.equal((await here.tasks.list(administrator(), LIST)).tasks.length, 3);
	});
	const LIST = { equal: {}, sortKey: 'createdAt', descending: true, limit: 10 } as const;

	it('is swept of what has expired, also in the store', async () => {
		let now = 1e12;
		const kv = memoryKeyValue();
		const runner = waiting();
		runner.finish();
		const here = await site(runner, kv, { clock: () => now });
		await create(here, 'a');
		await here.executor.idle();
		now += 48 * 3600_000;
		assert.deepEqual((await here.tasks.list(administrator(), LIST)).tasks, []);
		assert.deepEqual(await Array.fromAsync(kv.keys({})), []);
	});
});

describe('states of a task', () => {
	it('follow one another by the table and no other way', () => {
		const task = { status: 'pending', updatedAt: 0 } as TaskRecord;
		const ways = TASK_STATUSES.flatMap((from) => TASK_STATUSES.map((to) => [from, to] as const)).filter(([from, to]) => {
			try {
				return moved({ ...task, status: from }, to, 1).status === to;
			} catch {
				return false;
			}
		});
		assert.deepEqual(
			ways.map((way) => way.join(' ')),
			[...['pending processing', 'pending failure', 'processing success', 'processing failure']],
		);
	});
	it('are for those of the project where rules let it use tasks', async () => {
		const runner = waiting();
		runner.finish();
		const here = await site(runner, undefined, { policy: { allows: () => true, decide: async () => true } });
		const { id, owner } = await here.tasks.create(caller(), { type: 'import', input: {} });
		assert.equal(owner, 'project-a');
		assert.equal((await here.tasks.show(caller(), id)).id, id);
		await assert.rejects(here.tasks.show(caller({ project: 'project-b' }), id), /no task found/);
	});
});
