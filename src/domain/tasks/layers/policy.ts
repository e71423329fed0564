/** Policy: one rule for all of the task API, as Glance; `get_task` and its like are asked by nobody. */
import type { RequestContext } from '#domain/context.ts';
import type { Policy } from '#domain/ports/policy.ts';
import { refusedBy } from '#domain/refused-by.ts';
import type { TaskGuard } from '../onion.ts';

const RULE = 'tasks_api_access';

export function decision(policy: Policy): TaskGuard {
	async function must(ctx: RequestContext): Promise<void> {
		if (!(await policy.decide(ctx, RULE, {}))) throw refusedBy(RULE);
	}
	return (inner) => ({
		async enter(ctx) {
			await must(ctx);
			return inner.enter(ctx);
		},
		async create(ctx, draft) {
			await must(ctx);
			return inner.create(ctx, draft);
		},
		async list(ctx, query) {
			await must(ctx);
			return inner.list(ctx, query);
		},
		async show(ctx, id) {
			await must(ctx);
			return inner.show(ctx, id);
		},
		// a question about an image, and asked of who may see that
		ofImage: inner.ofImage,
	});
}
