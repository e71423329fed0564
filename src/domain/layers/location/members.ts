/** Members: the innermost verbs of sharing, on the latest record. Part of the controller that `location` begins. */

import type { ImageController } from '#domain/controller.ts';
import { ImageError } from '#domain/errors.ts';
import type { LatestRecord } from '#domain/latest-record.ts';
import type { ImageFacts } from '#domain/ports/image-repository.ts';
import { assertShared, memberOf } from '#domain/sharing.ts';

export type MemberVerbs = Pick<ImageController, 'listMembers' | 'addMember' | 'showMember' | 'updateMember' | 'removeMember'>;

export function memberVerbs(facts: ImageFacts, latest: Pick<LatestRecord, 'change'>): MemberVerbs {
	return {
		listMembers: async (_ctx, id) => (await facts.get(id)).members,
		showMember: async (_ctx, id, member) => memberOf(await facts.get(id), member),
		async addMember(_ctx, id, member) {
			const image = await latest.change(id, (before) => {
				assertShared(before);
				if (before.members.some((each) => each.member === member))
					throw new ImageError('conflict', `${member} is already a member of image ${id}`);
				return [{ type: 'member.add', id, member }];
			});
			return memberOf(image, member);
		},
		async updateMember(_ctx, id, member, status) {
			const image = await latest.change(id, (before) => {
				assertShared(before);
				return memberOf(before, member).status === status ? [] : [{ type: 'member.status', id, member, status }];
			});
			return memberOf(image, member);
		},
		async removeMember(_ctx, id, member) {
			await latest.change(id, (before) => {
				assertShared(before);
				memberOf(before, member);
				return [{ type: 'member.remove', id, member }];
			});
		},
	};
}
