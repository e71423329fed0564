import { ImageError } from '#domain/errors.ts';
import type { Image } from '#domain/image.ts';
import type { Member } from '#domain/member.ts';
import type { MemberAdd, MemberRemove, MemberSetStatus } from '#domain/ops.ts';
import { memberOf } from '#domain/sharing.ts';
import { compareUtf8 } from '#lib/utf8-order.ts';

/** Of one image. Above every quota an operator would set. */
const MEMBERS_MAX = 1024;

type MemberOp = MemberAdd | MemberSetStatus | MemberRemove;

export function isMemberOp(op: { readonly type: string }): op is MemberOp {
	return op.type.startsWith('member.');
}

/**
 * The image shared with more, fewer, or more willing projects. Not a matter of visibility: memberships outlive a change
 * of it. `conflict` for a member that there is, `not-found` for one that there is not.
 */
export function withMembers(image: Image, op: MemberOp, at: number): Image {
	if (op.type === 'member.add') return { ...image, members: [...added(image, op.member, at)].sort(byCreation) };
	const known = memberOf(image, op.member);
	const others = image.members.filter((each) => each !== known);
	if (op.type === 'member.remove') return { ...image, members: others };
	const answered = { ...known, status: op.status, updatedAt: at };
	return { ...image, members: image.members.map((each) => (each === known ? answered : each)) };
}

function added(image: Image, member: string, at: number): readonly Member[] {
	if (image.members.some((each) => each.member === member))
		throw new ImageError('conflict', `${member} is already a member of image ${image.id}`);
	if (image.members.length >= MEMBERS_MAX)
		throw new ImageError('limit-exceeded', `image ${image.id} would have more than ${MEMBERS_MAX} members`);
	return [...image.members, { member, status: 'pending', createdAt: at, updatedAt: at }];
}

function byCreation(a: Member, b: Member): number {
	return a.createdAt - b.createdAt || compareUtf8(a.member, b.member);
}
