/** Tasks of type `api_image_import`: what was staged becomes the image's own. Nothing is copied; the record says so. */
import type { ImageController } from '#domain/controller.ts';
import { codeOf, ImageError } from '#domain/errors.ts';
import type { TaskInput, TaskRunner } from '#domain/ports/task-runners.ts';

export interface ImageImportOptions {
	readonly images: Pick<ImageController, 'endImport'>;
}

export function imageImport({ images }: ImageImportOptions): TaskRunner {
	return {
		check: async () => {},
		/** The image is `importing` already, and nobody else would ever end that. */
		noteOf: imageOf,
		async run(ctx, job) {
			const id = imageOf(job.input);
			await images.endImport(ctx, id, 'done');
			return { image_id: id };
		},
		/** Not if the image has gone on its way meanwhile. */
		async undo(ctx, id) {
			await images.endImport(ctx, id, 'failed').catch((error: unknown) => {
				if (codeOf(error) !== 'not-found' && codeOf(error) !== 'conflict') throw error;
			});
		},
	};
}

function imageOf({ image_id: id }: TaskInput): string {
	if (typeof id !== 'string') throw new ImageError('invalid', "the task's input has no image_id");
	return id;
}
