/** A project that an image is shared with. Image API v2, "Sharing". */
export const MEMBER_STATUSES = ['pending', 'accepted', 'rejected'] as const;
export type MemberStatus = (typeof MEMBER_STATUSES)[number];

export interface Member {
	/** project id; any non-empty text, as in Glance */
	readonly member: string;
	/** affects listing only: a member of any status may show and download */
	readonly status: MemberStatus;
	/** UTC milliseconds */
	readonly createdAt: number;
	readonly updatedAt: number;
}
