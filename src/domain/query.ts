/** What a list asks for, in domain words. Image API v2, "List images". */
import type { Image, ImageId, Visibility } from './image.ts';

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
	/**
	 * Whose eyes: set by the authorisation layer, never by a door. `project: null` without `admin` sees public
	 * images and those without owner.
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

/** May this viewer see the image at all (show, download)? Members come with their own rule later. */
export function canSee(viewer: Viewer, image: Pick<Image, 'owner' | 'visibility'>): boolean {
	return (
		viewer.admin ||
		image.owner === null ||
		image.visibility === 'public' ||
		image.visibility === 'community' ||
		image.owner === viewer.project
	);
}

/** Would this image be in the viewer's list, filters apart? */
export function isListed(viewer: Viewer, withCommunity: boolean, image: Pick<Image, 'owner' | 'visibility' | 'status'>): boolean {
	if (image.status === 'killed' || image.status === 'deleted' || image.status === 'pending_delete') return false;
	if (image.visibility === 'community' && !withCommunity && image.owner !== viewer.project) return false;
	return canSee(viewer, image);
}
