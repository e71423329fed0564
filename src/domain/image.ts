/**
 * The image: a plain, immutable value and the rules about it. Nothing here does I/O.
 * Source of the rules: Image API v2, "Image status transitions"; Glance's domain model.
 */
import { ImageError } from './errors.ts';
import type { GivenLocation } from './given-location.ts';
import type { Member } from './member.ts';
import type { StoreLocation } from './ports/stores.ts';

export type ImageId = string & { readonly brand?: 'ImageId' };

export const IMAGE_STATUSES = [
	'queued',
	'saving',
	'active',
	'killed',
	'deleted',
	'uploading',
	'importing',
	'pending_delete',
	'deactivated',
] as const;
export type ImageStatus = (typeof IMAGE_STATUSES)[number];

export const VISIBILITIES = ['public', 'private', 'shared', 'community'] as const;
export type Visibility = (typeof VISIBILITIES)[number];

/** Names the bytes: a UnixFS root CID (base32 text) and what is needed to recompute it. docs/content-format.md §2 */
export interface ContentRef {
	readonly root: string;
	/** bytes */
	readonly size: number;
	/** bytes; the last block may be shorter */
	readonly blockSize: number;
}

export interface Image {
	readonly id: ImageId;
	readonly name: string | null;
	readonly status: ImageStatus;
	readonly visibility: Visibility;
	/** project id; null: visible to everyone, changed by admins only */
	readonly owner: string | null;
	readonly protected: boolean;
	readonly hidden: boolean;
	/** GiB */
	readonly minDisk: number;
	/** MiB */
	readonly minRam: number;
	readonly diskFormat: string | null;
	readonly containerFormat: string | null;
	readonly tags: readonly string[];
	readonly properties: Readonly<Record<string, string>>;
	/** bytes; null while queued */
	readonly size: number | null;
	readonly virtualSize: number | null;
	/** md5, hex */
	readonly checksum: string | null;
	/** Node's name of the digest, as Glance stores it: sha512 */
	readonly hashAlgorithm: string | null;
	readonly hashValue: string | null;
	/** UTC milliseconds */
	readonly createdAt: number;
	readonly updatedAt: number;
	/** null: no bytes, or bytes at `locations` that nobody here has read yet */
	readonly content: ContentRef | null;
	/** the places that clients gave for its bytes, in their order */
	readonly locations: readonly StoreLocation[];
	/** bytes that wait for an import to take them; not readable */
	readonly staged: StagedData | null;
	/** the site whose log created the image and may change it */
	readonly site: string;
	/** peer id of the node that is giving it bytes: of one that is saving, uploading or importing, or that an import holds, and of no other */
	readonly worker: string | null;
	/** who says that it holds a full, verified copy; sorted by store, then node */
	readonly copies: readonly Copy[];
	/** projects that it is shared with while it is `shared`; kept in every visibility; sorted by creation, then name */
	readonly members: readonly Member[];
	/** grows with every change of this record; what `expected` compares */
	readonly revision: number;
}

/** What is known of bytes when all of them have come. */
export interface DataFacts {
	readonly content: ContentRef;
	/** md5, hex */
	readonly checksum: string;
	/** Node's name of the digest */
	readonly hashAlgorithm: string;
	/** hex */
	readonly hashValue: string;
}

export interface StagedData extends DataFacts {
	/** bytes of the disk inside; null, or absent: nobody has looked yet, or it is not known */
	readonly virtualSize?: number | null;
}

/** A full, verified copy: a site's blocks (`store` is the site's name) or a central backend (`store` is its id). */
export interface Copy {
	readonly store: string;
	/** peer id of the node that said so */
	readonly node: string;
	readonly kind: 'site' | 'backend';
	/** of a backend's object: where it is, and what its location carries beside the store's id */
	readonly url?: string;
	readonly metadata?: Readonly<Record<string, unknown>>;
}

/** Every field a client may choose when it creates an image. Absent means default. */
export interface ImageDraft {
	readonly id?: ImageId;
	readonly name?: string | null;
	readonly visibility?: Visibility;
	readonly owner?: string | null;
	readonly protected?: boolean;
	readonly hidden?: boolean;
	readonly minDisk?: number;
	readonly minRam?: number;
	readonly diskFormat?: string | null;
	readonly containerFormat?: string | null;
	readonly tags?: readonly string[];
	readonly properties?: Readonly<Record<string, string>>;
}

/** Base attributes that a change may set, by their domain names. */
export type Settable = Omit<ImageDraft, 'id' | 'tags' | 'properties'>;

/** What a client changes, after the wire form has been parsed. Applied in memory in order, saved once. */
export type ImageChange =
	| { readonly set: Settable }
	| { readonly setProperty: string; readonly value: string; readonly when: 'always' | 'absent' | 'present' }
	| { readonly dropProperty: string }
	| { readonly setTags: readonly string[] }
	| { readonly addTag: string }
	| { readonly dropTag: string }
	| LocationChange;

/** Positions are those of the places as they are shown. */
export type LocationChange =
	| { readonly setLocations: readonly GivenLocation[] }
	| { readonly addLocation: GivenLocation; readonly at: number | 'end' }
	| { readonly dropLocation: number };

export function isLocationChange(change: ImageChange): change is LocationChange {
	return 'setLocations' in change || 'addLocation' in change || 'dropLocation' in change;
}

const NEXT: Readonly<Record<ImageStatus, readonly ImageStatus[]>> = {
	queued: ['saving', 'uploading', 'importing', 'active', 'deleted'],
	saving: ['active', 'killed', 'deleted', 'queued'],
	uploading: ['importing', 'queued', 'deleted'],
	importing: ['active', 'deleted', 'queued'],
	active: ['pending_delete', 'deleted', 'deactivated'],
	deactivated: ['active', 'pending_delete', 'deleted'],
	killed: ['deleted'],
	pending_delete: ['deleted', 'active'],
	deleted: [],
};

/** The bytes an image holds on to: those it has, and those that wait. */
export function contentsOf({ content, staged }: Pick<Image, 'content' | 'staged'>): readonly ContentRef[] {
	return [content, staged?.content].filter((ref) => ref !== null && ref !== undefined);
}

/** May `to` follow `from`? (Glance's table; staying where one is, is not a transition.) */
export function follows(from: ImageStatus, to: ImageStatus): boolean {
	return NEXT[from].includes(to);
}

export function assertFollows(from: ImageStatus, to: ImageStatus): void {
	if (!follows(from, to)) throw new ImageError('conflict', `image status cannot go from ${from} to ${to}`);
}

/** Data can be staged only while the image is queued; formats may be unknown, but can then not be set any more. */
export function assertReadyForStaging(image: Image): void {
	if (image.status !== 'queued')
		throw new ImageError('conflict', `image ${image.id} is ${image.status}; data can be staged only while it is queued`);
}

/** Only staged data can be imported, into an image whose formats are known. `conflict` otherwise, as Glance has it here. */
export function assertReadyForImport(image: Image): void {
	const { id, status, staged } = image;
	if (status !== 'uploading' || staged === null)
		throw new ImageError('conflict', `image ${id} is ${status}; only staged data can be imported`);
	assertHasFormats(image);
}

/** Data is fetched only into a queued image whose formats are known. */
export function assertReadyForFetch(image: Image): void {
	const { id, status } = image;
	if (status !== 'queued')
		throw new ImageError('conflict', `image ${id} is ${status}; data can be fetched only while it is queued`);
	assertHasFormats(image);
}

/** Only an active image is copied to other stores. */
export function assertReadyForCopy({ id, status }: Image): void {
	if (status !== 'active') throw new ImageError('conflict', `image ${id} is ${status}; only an active image can be copied`);
}

function assertHasFormats({ diskFormat, containerFormat }: Image): void {
	if (diskFormat === null || containerFormat === null)
		throw new ImageError('conflict', 'properties disk_format, container_format must be set prior to importing data');
}

/** An image may be given data only while queued and only when both formats are known. */
export function assertReadyForData(image: Image): void {
	if (image.status !== 'queued')
		throw new ImageError('conflict', `image ${image.id} is ${image.status}; data can be uploaded only while it is queued`);
	if (image.diskFormat === null || image.containerFormat === null)
		throw new ImageError('invalid', 'properties disk_format, container_format must be set prior to saving data');
}
