import type { ImageController } from '#domain/controller.ts';
import type { Handler } from '../env.ts';
import { respond } from '../respond.ts';
import { bodyless, type Route } from '../route.ts';
import { idOf } from './images.ts';

/** Image API v2, "Image actions". */
export function actionRoutes(images: Pick<ImageController, 'deactivate' | 'reactivate'>): readonly Route[] {
	const on = (verb: 'deactivate' | 'reactivate'): Handler =>
		bodyless(async (c) => {
			await images[verb](c.var.ctx, idOf(c));
			return respond(c, 204, null);
		});
	return [
		{ path: '/v2/images/:id/actions/deactivate', methods: { POST: on('deactivate') } },
		{ path: '/v2/images/:id/actions/reactivate', methods: { POST: on('reactivate') } },
	];
}
