import type { ImageController } from '#domain/controller.ts';
import { ImageError } from '#domain/errors.ts';
import type { Image } from '#domain/image.ts';
import type { LocationsOf } from '#domain/locations.ts';
import { type PageLimits, parseListQuery } from '#http/wire/filters.ts';
import { parseImageDraft } from '#http/wire/image-draft.ts';
import { PATCH_TYPES, parseImagePatch } from '#http/wire/image-patch.ts';
import type { ImageRules } from '#http/wire/image-rules.ts';
import { imageTexts } from '#http/wire/image-view.ts';
import type { AppContext } from '../env.ts';
import { jsonBody } from '../json-body.ts';
import { pageLink } from '../page-link.ts';
import { problem } from '../problems.ts';
import { queryOf } from '../request-path.ts';
import { respond, respondJsonText } from '../respond.ts';
import { bodyless, type Route } from '../route.ts';

const MAX_CREATE_BYTES = 64 * 1024;
const MAX_PATCH_BYTES = 256 * 1024;

export interface ImagesParts {
	readonly images: ImageController;
	/** what a new image says can be done to give it data */
	readonly importMethods: readonly string[];
	/** where data may go, also said of a new image; empty without several stores */
	readonly storeIds: () => readonly string[];
	readonly rules: ImageRules;
	readonly locationsOf: LocationsOf;
	readonly pages: PageLimits;
	readonly publicUrl: (c: AppContext) => string;
}

/** Image API v2, "Images". */
export function imageRoutes(parts: ImagesParts): readonly Route[] {
	const { images, importMethods, storeIds, rules, locationsOf, pages, publicUrl } = parts;
	const textOf = imageTexts(rules);
	const shown = (c: AppContext, image: Image) => textOf(image, (each) => locationsOf(c.var.ctx, each));

	async function create(c: AppContext): Promise<Response> {
		const draft = parseImageDraft(await jsonBody(c, MAX_CREATE_BYTES), rules);
		const image = await images.create(c.var.ctx, draft);
		const ids = storeIds();
		return respondJsonText(c, 201, shown(c, image), {
			location: `${publicUrl(c)}/v2/images/${image.id}`,
			'openstack-image-import-methods': importMethods.join(','),
			...(ids.length > 0 && { 'openstack-image-store-ids': ids.join(',') }),
		});
	}
	async function list(c: AppContext): Promise<Response> {
		const params = queryOf(c.req.url);
		const page = await images.list(c.var.ctx, parseListQuery(params, pages));
		const last = page.images.at(-1);
		const texts = page.images.map((image) => shown(c, image));
		const rest = JSON.stringify({
			first: pageLink('/v2/images', params),
			schema: '/v2/schemas/images',
			...(page.full && last !== undefined && { next: pageLink('/v2/images', params, last.id) }),
		});
		return respondJsonText(c, 200, `{"images":[${texts.join()}],${rest.slice(1)}`);
	}
	async function show(c: AppContext): Promise<Response> {
		return respondJsonText(c, 200, shown(c, await images.show(c.var.ctx, idOf(c))));
	}
	async function patch(c: AppContext): Promise<Response> {
		const type = PATCH_TYPES.find((each) => each === mediaType(c));
		if (type === undefined) {
			const error = new ImageError('unsupported-type', `the content type must be one of ${PATCH_TYPES.join(', ')}`);
			return problem(c, error, { 'accept-patch': PATCH_TYPES.join(', ') });
		}
		const changes = parseImagePatch(type, await jsonBody(c, MAX_PATCH_BYTES), rules);
		return respondJsonText(c, 200, shown(c, await images.update(c.var.ctx, idOf(c), changes)));
	}
	async function remove(c: AppContext): Promise<Response> {
		await images.remove(c.var.ctx, idOf(c));
		return respond(c, 204, null);
	}
	return [
		{ path: '/v2/images', methods: { GET: bodyless(list), POST: create } },
		{ path: '/v2/images/:id', methods: { GET: bodyless(show), PATCH: patch, DELETE: bodyless(remove) } },
	];
}

export function idOf(c: AppContext): string {
	return c.req.param('id') ?? '';
}

/** Without parameters such as a charset. */
export function mediaType(c: AppContext): string | undefined {
	return c.req.header('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
}
