/**
 * The controller of tasks: its layers, from the outside in, each a function from one record of verbs to another, as those
 * of images (../onion.ts).
 */
import type { Notifier } from '#domain/ports/notifier.ts';
import type { Policy } from '#domain/ports/policy.ts';
import { type GuardOf, type LayerOf, layered } from '../layered.ts';
import type { TaskController } from './controller.ts';
import { authorisation } from './layers/authorisation.ts';
import { type CoreOptions, core } from './layers/core.ts';
import { notification } from './layers/notifier.ts';
import { decision } from './layers/policy.ts';

export type TaskLayer = LayerOf<TaskController>;
export type TaskGuard = GuardOf<TaskController>;

export interface TaskParts extends CoreOptions {
	readonly policy: Policy;
	readonly notifier: Notifier;
}

export function buildTaskController({ policy, notifier, ...parts }: TaskParts): TaskController {
	const layers: readonly (TaskLayer | TaskGuard)[] = [authorisation, notification(notifier, parts.clock), decision(policy)];
	return layered(core(parts), layers);
}

/** For the node itself: tasks that come of another request, which has been decided on. */
export function buildTaskStarter({ notifier, ...parts }: Omit<TaskParts, 'policy'>): Pick<TaskController, 'create'> {
	return layered(core(parts), [notification(notifier, parts.clock)]);
}
