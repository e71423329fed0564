import type { ImageId } from '#domain/image.ts';
import type { Member } from '#domain/member.ts';
import { viewTime } from './times.ts';

/** A membership as Glance sends it. Image API v2, "Show image member details". */
export function viewMember(id: ImageId, { member, status, createdAt, updatedAt }: Member): Readonly<Record<string, unknown>> {
	return {
		member_id: member,
		image_id: id,
		status,
		created_at: viewTime(createdAt),
		updated_at: viewTime(updatedAt),
		schema: '/v2/schemas/member',
	};
}
