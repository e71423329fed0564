/**
 * Tasks of type `api_image_import`: what was staged, or what lies elsewhere, becomes the image's own in every store that was
 * asked for. Each step is in the record when it is done, so that a task may be run again from its beginning.
 */
import type { RequestContext } from '#domain/context.ts';
import type { ImageController } from '#domain/controller.ts';
import { codeOf, ImageError } from '#domain/errors.ts';
import type { ImageId } from '#domain/image.ts';
import { IMPORTING, type ImportRequest } from '#domain/import-request.ts';
import type { TaskInput, TaskJob, TaskRunner } from '#domain/ports/task-runners.ts';

export interface ImageImportOptions {
	readonly images: ImageController;
}

export function imageImport({ images }: ImageImportOptions): TaskRunner {
	async function storeAll(ctx: RequestContext, id: ImageId, job: TaskJob, request: ImportRequest): Promise<void> {
		const isCopy = request.method.name === 'copy-image';
		const mustAll = request.allStoresMustSucceed ?? true;
		const { properties } = await images.show(ctx, id);
		let failure: unknown;
		for (const store of (properties[IMPORTING] ?? '').split(',').filter((each) => each !== '')) {
			try {
				await images.importTo(ctx, id, store, (bytes) => void job.say(`Copied ${Math.floor(bytes / MIB)} MiB`));
				if (!mustAll && !isCopy) await images.activateImport(ctx, id);
			} catch (error) {
				if (mustAll || ctx.signal.aborted) throw error;
				await images.missImport(ctx, id, store);
				failure = error;
			}
		}
		if (isCopy) return;
		const { status } = await images.show(ctx, id);
		if (mustAll) await images.activateImport(ctx, id);
		else if (status !== 'active') throw failure;
	}

	return {
		check: async () => {},
		isRepeatable: true,
		/** The image is held already, and nobody else would ever end that. */
		noteOf: imageOf,
		async run(ctx, job) {
			const id = imageOf(job.input);
			const request = job.input.import_req as ImportRequest;
			if (request.method.name !== 'copy-image') await images.checkImport(ctx, id);
			await storeAll(ctx, id, job, request);
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

const MIB = 1024 * 1024;

function imageOf({ image_id: id }: TaskInput): string {
	if (typeof id !== 'string') throw new ImageError('invalid', "the task's input has no image_id");
	return id;
}
