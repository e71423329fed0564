/** Locations for services: a place is given by a task, so that its bytes can be read before, or after, the image is active. Image API v2, "Locations". */

import type { ImageStores } from '#domain/ports/stores.ts';
import type { TaskController } from '#domain/tasks/controller.ts';
import type { RequestContext } from '../context.ts';
import type { ImageController } from '../controller.ts';
import { asKept, type GivenLocation } from '../given-location.ts';
import type { ImageId } from '../image.ts';
import type { TaskHolds } from './holds.ts';

export interface LocationController {
	/** Resolves when the task is there. Errors as of `ImageController.beginLocation`. */
	add(ctx: RequestContext, id: ImageId, location: GivenLocation): Promise<void>;
}

export interface LocationControllerParts {
	readonly images: Pick<ImageController, 'beginLocation' | 'endLocation'>;
	readonly tasks: Pick<TaskController, 'create'>;
	readonly stores: Pick<ImageStores, 'ofLocation'>;
	readonly holds: TaskHolds;
	/** all bytes at given places are read: Glance's do_secure_hash */
	readonly hashes: boolean;
}

export function buildLocationController({ images, tasks, stores, holds, hashes }: LocationControllerParts): LocationController {
	return {
		async add(ctx, id, given) {
			const location = asKept(given, stores);
			await holds.take(async (task) => {
				await images.beginLocation(ctx, id, location, { task, isOver: holds.isOver, hashes });
				const input = { image_id: id, loc_url: location.url, validation_data: location.validation ?? {} };
				try {
					await tasks.create(ctx, { type: 'location_import', input, id: task });
				} catch (error) {
					await images.endLocation(ctx, id);
					throw error;
				}
			});
		},
	};
}
