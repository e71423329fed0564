/** Tasks put together: where they are kept, who does them, and what they can do. Part of the composition root; it decides nothing. */
import type { ImageController } from '#domain/controller.ts';
import type { ImageDraft } from '#domain/image.ts';
import { buildImportController, type ImportController } from '#domain/imports/controller.ts';
import { taskHolds } from '#domain/imports/holds.ts';
import { buildLocationController, type LocationController } from '#domain/imports/locations.ts';
import type { Catalogue } from '#domain/ports/catalogue.ts';
import type { Notifier } from '#domain/ports/notifier.ts';
import type { Policy } from '#domain/ports/policy.ts';
import type { ImageStores } from '#domain/ports/stores.ts';
import { recoverImports } from '#domain/recovery.ts';
import type { TaskController } from '#domain/tasks/controller.ts';
import { buildTaskController, buildTaskStarter } from '#domain/tasks/onion.ts';
import { taskProgress } from '#domain/tasks/progress.ts';
import { isTaskOver, openTaskRepository } from '#domain/tasks/repository.ts';
import type { ImageImportOptions } from '#imports/image-import.ts';
import { taskRunners } from '#imports/index.ts';
import { fetchMethods } from '#imports/methods/index.ts';
import { createRegions, type RegionsOptions } from '#imports/methods/regions.ts';
import { createTaskExecutor } from '#imports/task-executor.ts';
import { createWebSource } from '#imports/web-source.ts';
import type { Keystone, ServiceAccess } from '#keystone/ports.ts';
import type { KeyValue } from '#lib/key-value.ts';
import { openPlugins } from './open-plugins.ts';
import type { Surroundings } from './surroundings.ts';

interface TaskFloor {
	readonly db: KeyValue;
	readonly catalogue: Catalogue;
	readonly site: string;
	readonly node: string;
	readonly images: ImageController;
	readonly content: ImageImportOptions['staged'];
	/** absent: there is no catalogue of regions, and no token of the node's own */
	readonly keystone: (Keystone & ServiceAccess) | undefined;
	readonly stores: ImageStores;
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
export async function openTasks(around: Surroundings, floor: TaskFloor): Promise<OpenTasks> {
	const { config, log, stack } = around;
	const { db, node, images, clock, parseDraft, content, keystone } = floor;
	const repository = await openTaskRepository({ kv: db.sub('tasks/'), clock });
	const unfinished = new Set(repository.stubs().flatMap(({ imageId, expiresAt }) => (expiresAt === null && imageId) || []));
	await recoverImports(floor, (id) => unfinished.has(id));
	const progress = taskProgress({ ...floor, repository, timeToLiveMs: config.tasks.timeToLiveHours * HOUR_MS });
	const { filtering, parallelStores, extraProperties } = config.imports;
	const web = createWebSource({ filtering });
	const plainWeb = createWebSource({ filtering, redirects: false });
	const regions = createRegions(regionsBy(keystone));
	const methods = fetchMethods({ web, plainWeb, regions, extraProperties, parseDraft });
	const plugins = await openPlugins(around);
	const runners = taskRunners({
		...{ log, images, web, parseDraft, clock, methods, plugins, parallelStores, staged: content },
		hashes: config.locations.hash,
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
		holds: taskHolds({ isOver: (task) => isTaskOver(repository, task, clock()), node, clock }),
	};
	return {
		// the API creates tasks of one type only; the others come of requests that have routes of their own
		tasks: buildTaskController({ ...parts, runners: { import: runners.import } }),
		imports: buildImportController({ ...shared, methods: config.imports.methods, check: methods.check }),
		locations: buildLocationController({ ...shared, stores: floor.stores, hashes: config.locations.hash }),
	};
}

function regionsBy(keystone: TaskFloor['keystone']): RegionsOptions {
	return {
		token: async (signal) => keystone?.token(signal),
		async catalogue(signal) {
			const answer = await keystone?.ask({ method: 'GET', path: '/auth/catalog', signal });
			return (answer?.body as { readonly catalog?: unknown } | undefined)?.catalog;
		},
	};
}
