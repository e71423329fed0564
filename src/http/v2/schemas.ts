import type { ImageRules } from '#http/wire/image-rules.ts';
import { imageSchema } from '#http/wire/json-schemas/image.ts';
import { imagesSchema } from '#http/wire/json-schemas/images.ts';
import { MEMBER_SCHEMA, MEMBERS_SCHEMA } from '#http/wire/json-schemas/member.ts';
import { METADEF_SCHEMAS } from '#http/wire/json-schemas/metadefs.ts';
import { TASK_SCHEMA, TASKS_SCHEMA } from '#http/wire/json-schemas/task.ts';
import { respondJson } from '../respond.ts';
import { bodyless, type Route } from '../route.ts';

/** Image API v2, "Image schemas", "Task schemas", "Metadata definition schemas". */
export function schemaRoutes(rules: ImageRules): readonly Route[] {
	const image = imageSchema(rules);
	return [
		document('image', image),
		document('images', imagesSchema(image)),
		document('member', MEMBER_SCHEMA),
		document('members', MEMBERS_SCHEMA),
		document('task', TASK_SCHEMA),
		document('tasks', TASKS_SCHEMA),
		...Object.entries(METADEF_SCHEMAS).map(([name, schema]) => document(`metadefs/${name}`, schema)),
	];
}

function document(name: string, schema: object): Route {
	return { path: `/v2/schemas/${name}`, methods: { GET: bodyless((c) => respondJson(c, 200, schema)) } };
}
