/** Tasks put together: where they are kept, who does them, and what they can do. Part of the composition root; it decides nothing. */
import type { ImageController } from '#domain/controller.ts';
import type { ImageDraft } from '#domain/image.ts';
import { buildImportController, type ImportController } from '#domain/imports/controller.ts';
import { buildLocationController, type LocationController } from '#domain/imports/locations.ts';
import type { Catalogue } from '#domain/ports/catalogue.ts';
import type { Notifier } from '#domain/ports/notifier.ts';
import type { Policy } from '#domain/ports/policy.ts';
import { recoverImports } from '#domain/recovery.ts';
import type { TaskController } from '#domain/tasks/controller.ts';
import { buildTaskController, buildTaskStarter } from '#domain/tasks/onion.ts';
import { taskProgress } from '#domain/tasks/progress.ts';
import { isTaskOver, openTaskRepository } from '#domain/tasks/repository.ts';
import { taskRunners } from '#imports/index.ts';
import { createTaskExecutor } from '#imports/task-executor.ts';
import { createWebSource } from '#imports/web-source.ts';
import type { KeyValue } from '#lib/key-value.ts';
import type { Surroundings } from './surroundings.ts';

interface TaskFloor {
	readonly db: KeyValue;
	readonly catalogue: Catalogue;
	readonly site: string;
	readonly node: string;
	readonly images: ImageController;
	readonly policy: Policy;
	readonly notifier: Notifier;
	readonly clock: () => number;
	readonly parseDraft: (properties: unknown) => ImageDraft;
}

interface OpenTasks {
	readonly tasks: TaskController;
	readonly imports: ImportController;
	readonly locations: LocationController;
}

const HOUR_MS = 3600_000;

/** Resolves when what an earlier process has left is settled or under way again. */
export async function openTasks({ config, log, stack }: Surroundings, floor: TaskFloor): Promise<OpenTasks> {
	const { db, images, clock, parseDraft } = floor;
	const repository = await openTaskRepository({ kv: db.sub('tasks/'), clock });
	const unfinished = new Set(repository.stubs().flatMap(({ imageId, expiresAt }) => (expiresAt === null && imageId) || []));
	await recoverImports(floor, (id) => unfinished.has(id));
	const progress = taskProgress({ ...floor, repository, timeToLiveMs: config.tasks.timeToLiveHours * HOUR_MS });
	const runners = taskRunners({
		log,
		hashes: config.locations.hash,
		images,
		web: createWebSource({ filtering: config.imports.filtering }),
		parseDraft,
		clock,
	});
	const executor = stack.use(createTaskExecutor({ repository, progress, runners, log }));
	await executor.resume();
	const sweeping = setInterval(
		() => void repository.sweep().catch((error) => log.warn({ err: error }, 'expired tasks stay')),
		HOUR_MS,
	);
	stack.defer(() => clearInterval(sweeping));
	const parts = { ...floor, repository, executor };
	const shared = {
		images,
		tasks: buildTaskStarter({ ...parts, runners }),
		isOver: (task: string) => isTaskOver(repository, task),
	};
	return {
		// the API creates tasks of one type only; the others come of requests that have routes of their own
		tasks: buildTaskController({ ...parts, runners: { import: runners.import } }),
		imports: buildImportController({ ...shared, methods: ['glance-direct', 'copy-image'], check: async () => {} }),
		locations: buildLocationController({ ...shared, hashes: config.locations.hash }),
	};
}
