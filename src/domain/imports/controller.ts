/**
 * Imports: staged or foreign bytes become an image's own, as tasks. The image is held before its task exists, so that of
 * two requests one is refused; whoever undoes a task lets it go. Image API v2, "Import an image".
 */

import type { TaskController } from '#domain/tasks/controller.ts';
import type { RequestContext } from '../context.ts';
import type { ImageController } from '../controller.ts';
import type { ImageId } from '../image.ts';
import { IMPORT_TASK, IMPORTING, type ImportMethodName, type ImportRequest } from '../import-request.ts';
import type { TaskHolds } from './holds.ts';

export interface ImportController {
	/** names of what `start` takes */
	readonly methods: readonly ImportMethodName[];
	/**
	 * Resolves when the import is under way and would survive the end of the process. `conflict` for an image in another
	 * status, without formats or held by another import, `invalid` for a method that is not here or a URL that is not fetched.
	 */
	start(ctx: RequestContext, id: ImageId, request: ImportRequest): Promise<void>;
}

export interface ImportParts {
	readonly images: Pick<ImageController, 'beginImport' | 'endImport'>;
	/** creates tasks in the name of whoever imports, whatever the rules say of the task API */
	readonly tasks: Pick<TaskController, 'create'>;
	readonly methods: readonly ImportMethodName[];
	readonly holds: TaskHolds;
	/** Before anything is changed: `invalid` for what is never fetched. Resolves to what the task is to fail with, if anything. */
	check(ctx: RequestContext, request: ImportRequest): Promise<string | undefined>;
}

export function buildImportController({ images, tasks, methods, holds, check }: ImportParts): ImportController {
	return {
		methods,
		async start(ctx, id, request) {
			const refused = await check(ctx, request);
			await holds.take(async (task) => {
				const image = await images.beginImport(ctx, id, request, { task, isOver: holds.isOver });
				// a copy to all stores that finds nothing to do
				if (image.properties[IMPORT_TASK] !== task) return;
				const backend = (image.properties[IMPORTING] ?? '').split(',');
				const input = { image_id: id, import_req: request, backend, ...(refused !== undefined && { refused }) };
				try {
					await tasks.create(ctx, { type: 'api_image_import', input, id: task });
				} catch (error) {
					await images.endImport(ctx, id, 'failed', { task });
					throw error;
				}
			});
		},
	};
}
