import type { ImageController } from '#domain/controller.ts';
import type { LocationController } from '#domain/imports/locations.ts';
import { parseAddedLocation } from '#http/wire/given-location.ts';
import type { AppContext } from '../env.ts';
import { jsonBody } from '../json-body.ts';
import { respond, respondJson } from '../respond.ts';
import { bodyless, type Route } from '../route.ts';
import { idOf } from './images.ts';

const MAX_LOCATION_BYTES = 16 * 1024;

/** Image API v2, "Locations": for services, which may know where bytes are. */
export function locationRoutes(images: Pick<ImageController, 'listLocations'>, locations: LocationController): readonly Route[] {
	async function list(c: AppContext): Promise<Response> {
		return respondJson(c, 200, await images.listLocations(c.var.ctx, idOf(c)));
	}
	async function add(c: AppContext): Promise<Response> {
		await locations.add(c.var.ctx, idOf(c), parseAddedLocation(await jsonBody(c, MAX_LOCATION_BYTES)));
		return respond(c, 202, null);
	}
	return [{ path: '/v2/images/:id/locations', methods: { GET: bodyless(list), POST: add } }];
}
