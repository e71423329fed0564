/** An image is held before its task is there: nobody takes such a hold for one of a task that is gone. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { taskHolds } from '#domain/imports/holds.ts';

const OURS = { worker: 'this node', updatedAt: 0 };
const HOUR_MS = 60 * 60_000;

function holdsOf(isOver: (task: string) => boolean, now = 0) {
	const holds = taskHolds({ isOver, node: 'this node', clock: () => now });
	return { ...holds, isOver: (task: string, image = OURS) => holds.isOver(task, image) };
}

describe('a hold', () => {
	it('counts from before its task is made until that is done', async () => {
		const known = new Set<string>();
		const holds = holdsOf((task) => !known.has(task));
		let made = '';
		await holds.take(async (task) => {
			made = task;
			assert.equal(holds.isOver(task), false);
			await Promise.resolve();
			assert.equal(holds.isOver(task), false);
			known.add(task);
		});
		assert.equal(holds.isOver(made), false);
		known.clear();
		assert.equal(holds.isOver(made), true);
	});
	it('of a task that could not be made is over', async () => {
		const holds = holdsOf(() => true);
		let failed = '';
		const begun = holds.take((task) => {
			failed = task;
			return Promise.reject(new Error('no room'));
		});
		await assert.rejects(begun, /no room/);
		assert.equal(holds.isOver(failed), true);
	});
	it('of a task that nobody knows is over', () => {
		assert.equal(holdsOf(() => true).isOver(randomUUID()), true);
	});
	it("of another node's task lasts for an hour after the record has changed, whatever this node knows of the task", () => {
		const theirs = { worker: 'another', updatedAt: 1000 };
		assert.equal(holdsOf(() => true, 1000 + HOUR_MS).isOver(randomUUID(), theirs), false);
		assert.equal(holdsOf(() => false, 1001 + HOUR_MS).isOver(randomUUID(), theirs), true);
	});
});
