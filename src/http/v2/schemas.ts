import type { ImageRules } from '#http/wire/image-rules.ts';
import { imageSchema } from '#http/wire/json-schemas/image.ts';
import { imagesSchema } from '#http/wire/json-schemas/images.ts';
import { MEMBER_SCHEMA, MEMBERS_SCHEMA } from '#http/wire/json-schemas/member.ts';
import { respondJson } from '../respond.ts';
import { bodyless, type Route } from '../route.ts';

/** Image API v2, "Image schemas". */
export function schemaRoutes(rules: ImageRules): readonly Route[] {
	const image = imageSchema(rules);
	const images = imagesSchema(image);
	return [
		{ path: '/v2/schemas/image', methods: { GET: bodyless((c) => respondJson(c, 200, image)) } },
		{ path: '/v2/schemas/images', methods: { GET: bodyless((c) => respondJson(c, 200, images)) } },
		{ path: '/v2/schemas/member', methods: { GET: bodyless((c) => respondJson(c, 200, MEMBER_SCHEMA)) } },
		{ path: '/v2/schemas/members', methods: { GET: bodyless((c) => respondJson(c, 200, MEMBERS_SCHEMA)) } },
	];
}
