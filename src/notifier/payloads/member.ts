import type { Circumstances, MemberEvent } from '#domain/events.ts';
import { deletion, seconds } from './times.ts';

export function memberPayload({ type, imageId, member, at }: Circumstances & MemberEvent): object {
	return {
		image_id: imageId,
		member_id: member.member,
		status: member.status,
		created_at: seconds(member.createdAt),
		updated_at: seconds(member.updatedAt),
		...deletion(type === 'image.member.delete', at),
	};
}
