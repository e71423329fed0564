import { MEMBER_STATUSES } from '#domain/member.ts';
import { UUID_PATTERN } from '../custom-properties.ts';
import type { JsonSchema } from './image.ts';

/** A project that an image is shared with. Image API v2, "Show image member schema". */
export const MEMBER_SCHEMA: Omit<JsonSchema, 'links'> = {
	name: 'member',
	properties: {
		member_id: { type: 'string', description: 'Project that the image is shared with' },
		image_id: { type: 'string', pattern: UUID_PATTERN, description: 'Identifier of the image' },
		created_at: { type: 'string', description: 'When the image was shared' },
		updated_at: { type: 'string', description: 'When the membership was changed last' },
		status: { type: 'string', enum: MEMBER_STATUSES, description: 'What the project answered' },
		schema: { readOnly: true, type: 'string' },
	},
};

/** All members of an image. Image API v2, "Show image members schema". */
export const MEMBERS_SCHEMA: JsonSchema = {
	name: 'members',
	properties: { members: { type: 'array', items: MEMBER_SCHEMA }, schema: { type: 'string' } },
	links: [{ rel: 'describedby', href: '{schema}' }],
};
