/** What a list asks for, in domain words. Image API v2, "List images". */
import type { Image, ImageId, Visibility } from './image.ts';
import type { Member, MemberStatus } from './member.ts';

export const SORT_KEYS = ['name', 'status', 'containerFormat', 'diskFormat', 'size', 'id', 'createdAt', 'updatedAt'] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export interface SortTerm {
	readonly key: SortKey;
	readonly descending: boolean;
}

/** Columns that can be compared for equality or membership in a set of values. */
export type TextField =
	| 'id'
	| 'name'
	| 'status'
	| 'containerFormat'
	| 'diskFormat'
	| 'owner'
	| 'checksum'
	| 'hashAlgorithm'
	| 'hashValue';
export type NumberField = 'size' | 'virtualSize' | 'minRam' | 'minDisk';
export type TimeField = 'createdAt' | 'updatedAt';

/** All filters of one query must hold. */
export type ImageFilter =
	| { readonly field: TextField; readonly oneOf: readonly string[] }
	| { readonly field: NumberField; readonly min?: number; readonly max?: number }
	| { readonly field: TimeField; readonly op: 'gt' | 'gte' | 'lt' | 'lte' | 'eq' | 'neq'; readonly value: number }
	| { readonly field: 'protected' | 'hidden'; readonly is: boolean }
	| { readonly field: 'visibility'; readonly is: Visibility }
	| { readonly field: 'tag'; readonly value: string }
	| { readonly field: 'property'; readonly name: string; readonly value: string };

export interface ImageQuery {
	readonly filters: readonly ImageFilter[];
	/** total order: the door has already appended createdAt and id */
	readonly sort: readonly SortTerm[];
	/** at least 0 */
	readonly limit: number;
	/** the last image of the page before; unknown or invisible: `invalid` */
	readonly marker?: ImageId;
	/** others' community images are listed only when asked for */
	readonly withCommunity: boolean;
	/** which memberships of the viewer bring others' shared images into the list; absent: `accepted` */
	readonly memberStatus?: MemberStatus | 'all';
	/**
	 * Whose eyes: set by the authorisation layer, never by a door. `project: null` without `admin` lists public
	 * images.
	 */
	readonly viewer?: Viewer;
}

export interface Viewer {
	readonly project: string | null;
	readonly admin: boolean;
}

export interface ImagePage {
	readonly images: readonly Image[];
	/** the page was full: there may be more after its last image */
	readonly full: boolean;
}

type Sharing = Pick<Image, 'owner' | 'visibility' | 'members'>;

/** May this viewer see the image at all (show, download)? For members their status does not matter. */
/** One on its way out is seen by nobody. */
export function canSee(viewer: Viewer, image: Sharing & Pick<Image, 'status'>): boolean {
	if (image.status === 'pending_delete') return false;
	return seesUnshared(viewer, image) || membershipOf(viewer, image) !== undefined;
}

/**
 * Would this image be in the viewer's list, filters apart? One without owner can be seen by everybody, but is in the lists
 * of others than administrators only as one of any other project would be.
 */
export function isListed(
	viewer: Viewer,
	query: Pick<ImageQuery, 'withCommunity' | 'memberStatus'>,
	image: Sharing & Pick<Image, 'status'>,
): boolean {
	if (image.status === 'killed' || image.status === 'deleted' || image.status === 'pending_delete') return false;
	if (owns(viewer, image)) return true;
	if (image.visibility === 'community') return query.withCommunity;
	if (viewer.admin || image.visibility === 'public') return true;
	const wanted = query.memberStatus ?? 'accepted';
	const membership = membershipOf(viewer, image);
	return membership !== undefined && (wanted === 'all' || membership.status === wanted);
}

function seesUnshared(viewer: Viewer, image: Sharing): boolean {
	return (
		viewer.admin ||
		image.owner === null ||
		image.visibility === 'public' ||
		image.visibility === 'community' ||
		owns(viewer, image)
	);
}

function owns({ project }: Viewer, { owner }: Sharing): boolean {
	return project !== null && owner === project;
}

/** Memberships count only while the image is `shared`. */
function membershipOf({ project }: Viewer, { visibility, members }: Sharing): Member | undefined {
	return visibility === 'shared' ? members.find((each) => each.member === project) : undefined;
}
