/**
 * Tasks of type `location_import`: bytes that lie in a store already become an image's. With digests announced, all bytes
 * are read before the image is active; without, after, and an image whose bytes cannot be read then stays as it is.
 */
import type { ImageController } from '#domain/controller.ts';
import { codeOf, ImageError } from '#domain/errors.ts';
import type { ValidationData } from '#domain/given-location.ts';
import type { TaskInput, TaskRunner } from '#domain/ports/task-runners.ts';
import type { Log } from '#lib/log.ts';

export interface LocationImportOptions {
	readonly images: Pick<ImageController, 'placeLocation' | 'hashLocation' | 'endLocation'>;
	/** Glance's do_secure_hash */
	readonly hashes: boolean;
	readonly log: Log;
}

export function locationImport({ images, hashes, log }: LocationImportOptions): TaskRunner {
	return {
		check: async () => {},
		noteOf: (input) => placeOf(input).id,
		isRepeatable: true,
		async run(ctx, job) {
			const { id, url, validation } = placeOf(job.input);
			const location = { url, metadata: {}, ...(validation && { validation }) };
			await images.placeLocation(ctx, id, location);
			const { status } = hashes && validation !== undefined ? await images.hashLocation(ctx, id, validation) : { status: '' };
			await images.endLocation(ctx, id);
			if (hashes && status === '') {
				await job.say('the bytes at the location are read');
				await images.hashLocation(ctx, id).catch((error: unknown) => {
					if (ctx.signal.aborted) throw error;
					if (codeOf(error) !== 'not-found') log.warn({ err: error, image: id }, 'the bytes at a location could not be hashed');
				});
			}
			return { image_id: id };
		},
		async undo(ctx, id) {
			await images.endLocation(ctx, id).catch((error: unknown) => {
				if (codeOf(error) !== 'not-found') throw error;
			});
		},
	};
}

function placeOf({ image_id: id, loc_url: url, validation_data: data }: TaskInput) {
	if (typeof id !== 'string' || typeof url !== 'string')
		throw new ImageError('invalid', "the task's input has no image_id, or no loc_url");
	const validation = data as ValidationData | undefined;
	return { id, url, validation: validation?.hashValue === undefined ? undefined : validation };
}
