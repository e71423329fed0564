/** An image is held before its task is there: nobody takes such a hold for one of a task that is gone. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { taskHolds } from '#domain/imports/holds.ts';

describe('a hold', () => {
	it('counts from before its task is made until that is done', async () => {
		const known = new Set<string>();
		const holds = taskHolds((task) => !known.has(task));
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
		const holds = taskHolds(() => true);
		let failed = '';
		const begun = holds.take((task) => {
			failed = task;
			return Promise.reject(new Error('no room'));
		});
		await assert.rejects(begun, /no room/);
		assert.equal(holds.isOver(failed), true);
	});
	it('of a task that nobody knows is over', () => {
		assert.equal(taskHolds(() => true).isOver(randomUUID()), true);
	});
});
