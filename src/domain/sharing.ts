/** What sharing an image means. Image API v2, "Sharing". */
import { ImageError } from './errors.ts';
import type { Image, ImageId } from './image.ts';
import type { Member } from './member.ts';
import type { Viewer } from './query.ts';

/** Longer ones are no project's; what a message repeats of a name. */
const NAME_CHARS_SHOWN = 255;

/** Memberships are kept in every visibility, but only those of `shared` images can be seen or changed. */
export function assertShared(image: Image): void {
	if (image.visibility !== 'shared')
		throw new ImageError('forbidden', `only shared images have members, image ${image.id} is ${image.visibility}`);
}

/** `not-found` */
export function memberOf(image: Image, member: string): Member {
	const found = image.members.find((each) => each.member === member);
	if (found === undefined) throw noSuchMember(image.id, member);
	return found;
}

/** Owner and administrators know all members; anybody else only whether they are one. */
export function knowsMember(viewer: Viewer, image: Pick<Image, 'owner'>, member: string): boolean {
	if (viewer.admin) return true;
	return viewer.project !== null && (viewer.project === image.owner || viewer.project === member);
}

/** The one answer for a project that is no member and for one whose membership is not the caller's to know. */
export function noSuchMember(id: ImageId, member: string, options?: ErrorOptions): ImageError {
	return new ImageError('not-found', `${member.slice(0, NAME_CHARS_SHOWN)} is not a member of image ${id}`, options);
}
