import type { RequestContext } from './context.ts';
import type { Circumstances } from './events.ts';

/** Who did it and when, for an event. */
export function circumstances(ctx: RequestContext, at: number, priority: Circumstances['priority'] = 'info'): Circumstances {
	return { requestId: ctx.requestId, project: ctx.project, user: ctx.user, at, priority };
}
