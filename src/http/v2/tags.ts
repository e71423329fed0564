import type { ImageController } from '#domain/controller.ts';
import { parseTag } from '#http/wire/attributes.ts';
import type { ImageRules } from '#http/wire/image-rules.ts';
import { refuseAstral } from '#http/wire/texts.ts';
import type { AppContext, Handler } from '../env.ts';
import { respond } from '../respond.ts';
import { bodyless, type Route } from '../route.ts';
import { idOf } from './images.ts';

/** Image API v2, "Image tags". */
export function tagRoutes(images: Pick<ImageController, 'addTag' | 'dropTag'>, rules: ImageRules): readonly Route[] {
	function tagOf(c: AppContext): string {
		const tag = parseTag(c.req.param('tag'));
		if (rules.refuseAstral) refuseAstral(tag);
		return tag;
	}
	const on = (verb: 'addTag' | 'dropTag'): Handler =>
		bodyless(async (c) => {
			await images[verb](c.var.ctx, idOf(c), tagOf(c));
			return respond(c, 204, null);
		});
	return [{ path: '/v2/images/:id/tags/:tag', methods: { PUT: on('addTag'), DELETE: on('dropTag') } }];
}
