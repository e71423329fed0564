/**
 * Imports: staged or foreign bytes become an image's own, as tasks. The image is `importing` before its task exists, so
 * that of two requests one is refused; whoever undoes a task makes it `queued` again. Image API v2, "Import an image".
 */

import type { TaskController } from '#domain/tasks/controller.ts';
import type { RequestContext } from '../context.ts';
import type { ImageController } from '../controller.ts';
import type { ImageId } from '../image.ts';
import type { ImportRequest } from '../import-request.ts';

export interface ImportController {
	/** names of what `start` takes */
	readonly methods: readonly string[];
	/**
	 * Resolves when the import is under way and would survive the end of the process. `conflict` for an image in another
	 * status or without formats, `invalid` for a method that is not here.
	 */
	start(ctx: RequestContext, id: ImageId, request: ImportRequest): Promise<void>;
}

export const IMPORT_METHODS = ['glance-direct'] as const;

export interface ImportParts {
	readonly images: Pick<ImageController, 'beginImport' | 'endImport'>;
	/** creates tasks in the name of whoever imports, whatever the rules say of the task API */
	readonly tasks: Pick<TaskController, 'create'>;
}

export function buildImportController({ images, tasks }: ImportParts): ImportController {
	return {
		methods: IMPORT_METHODS,
		async start(ctx, id, request) {
			await images.beginImport(ctx, id, request);
			const input = {
				image_id: id,
				import_req: { method: { name: request.method } },
				...(request.stores && { stores: request.stores }),
			};
			try {
				await tasks.create(ctx, { type: 'api_image_import', input });
			} catch (error) {
				await images.endImport(ctx, id, 'failed');
				throw error;
			}
		},
	};
}
