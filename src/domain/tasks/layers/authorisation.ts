/** Auth: whose tasks are whose. What the caller may not see does not exist for them. */
import { ImageError } from '#domain/errors.ts';
import type { TaskGuard } from '../onion.ts';
import { seesTask } from '../query.ts';

export const authorisation: TaskGuard = (inner) => ({
	enter: inner.enter,
	create: inner.create,
	list: (ctx, query) => inner.list(ctx, { ...query, viewer: ctx }),
	async show(ctx, id) {
		const task = await inner.show(ctx, id);
		if (!seesTask(ctx, task)) throw new ImageError('not-found', `no task found with id ${id}`);
		return task;
	},
	ofImage: async (ctx, image) => (await inner.ofImage(ctx, image)).filter((task) => seesTask(ctx, task)),
});
