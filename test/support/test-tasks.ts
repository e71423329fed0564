/** Tasks of a test site: kept in memory unless told otherwise, done by the real executor. */
import { memoryKeyValue } from '#catalogue/memory.ts';
import type { ImageController } from '#domain/controller.ts';
import { IMPORT_METHODS, type ImportMethodName } from '#domain/import-request.ts';
import { buildImportController, type ImportController } from '#domain/imports/controller.ts';
import { taskHolds } from '#domain/imports/holds.ts';
import { buildLocationController, type LocationController } from '#domain/imports/locations.ts';
import type { ImageData } from '#domain/ports/image-data.ts';
import type { Notifier } from '#domain/ports/notifier.ts';
import type { Policy } from '#domain/ports/policy.ts';
import type { ImageStores } from '#domain/ports/stores.ts';
import type { TaskRunners } from '#domain/ports/task-runners.ts';
import type { TaskController } from '#domain/tasks/controller.ts';
import { buildTaskController, buildTaskStarter } from '#domain/tasks/onion.ts';
import { taskProgress } from '#domain/tasks/progress.ts';
import { isTaskOver, openTaskRepository, type TaskRepository } from '#domain/tasks/repository.ts';
import { draftParser } from '#http/app.ts';
import { taskRunners } from '#imports/index.ts';
import type { RegionalImages } from '#imports/methods/glance-download.ts';
import { fetchMethods } from '#imports/methods/index.ts';
import { createRegions } from '#imports/methods/regions.ts';
import type { ImportPlugin } from '#imports/plugins/plugin.ts';
import { createTaskExecutor, type RunningExecutor } from '#imports/task-executor.ts';
import { createWebSource, type WebSource } from '#imports/web-source.ts';
import type { KeyValue } from '#lib/key-value.ts';
import { silentLog } from '#lib/log.ts';
import { memoryImageData } from './memory-image-data.ts';

export interface TestTasks {
	readonly tasks: TaskController;
	readonly imports: ImportController;
	readonly locations: LocationController;
	readonly executor: RunningExecutor;
	readonly repository: TaskRepository;
}

export interface TestTasksOptions {
	readonly images: ImageController;
	readonly stores: ImageStores;
	readonly policy: Policy;
	readonly notifier: Notifier;
	readonly clock: () => number;
	/** peer id */
	readonly node: string;
	readonly web?: WebSource;
	/** for other regions; default: the same */
	readonly plainWeb?: WebSource;
	readonly runners?: TaskRunners;
	readonly tasksKv?: KeyValue;
	readonly maxTasks?: number;
	readonly atOnce?: number;
	readonly data?: ImageData;
	readonly regions?: RegionalImages;
	readonly plugins?: readonly ImportPlugin[];
	readonly parallelStores?: number;
	/** import methods that clients may ask for; default: all */
	readonly offered?: readonly ImportMethodName[];
}

export const TIME_TO_LIVE_MS = 48 * 3600_000;

export async function testTasks(options: TestTasksOptions): Promise<TestTasks> {
	const { images, clock, node, web = createWebSource(), tasksKv: kv = memoryKeyValue(), ...rest } = options;
	const repository = await openTaskRepository({ ...rest, kv, clock });
	const progress = taskProgress({ ...options, repository, timeToLiveMs: TIME_TO_LIVE_MS });
	const regions = options.regions ?? createRegions({ catalogue: async () => [], token: async () => undefined });
	const extraProperties = ['hw_', 'trait:', 'os_distro', 'os_secure_boot', 'os_type'];
	const methods = fetchMethods({ web, plainWeb: options.plainWeb ?? web, regions, extraProperties, parseDraft: draftParser({}) });
	const runners: TaskRunners =
		options.runners ??
		taskRunners({
			...{ log: silentLog, hashes: true, methods, plugins: options.plugins ?? [], parallelStores: options.parallelStores ?? 1 },
			staged: { ...(options.data ?? memoryImageData()), file: () => undefined },
			images,
			web,
			parseDraft: draftParser({}),
			clock,
		});
	const executor = createTaskExecutor({ ...rest, repository, progress, runners, log: silentLog });
	const parts = { ...options, repository, executor };
	const { api_image_import: _, location_import: __, ...clientRunners } = runners;
	const shared = {
		images,
		tasks: buildTaskStarter({ ...parts, runners }),
		holds: taskHolds({ isOver: (task) => isTaskOver(repository, task, clock()), node, clock }),
	};
	return {
		tasks: buildTaskController({ ...parts, runners: clientRunners }),
		imports: buildImportController({ ...shared, methods: options.offered ?? IMPORT_METHODS, check: methods.check }),
		locations: buildLocationController({ ...shared, stores: options.stores, hashes: true }),
		executor,
		repository,
	};
}
