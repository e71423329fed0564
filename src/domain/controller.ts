/** The verbs a client can ask for. Every layer of the onion is a function from one of these to another. */
import type { RequestContext } from './context.ts';
import type { GivenLocation, ValidationData } from './given-location.ts';
import type { Image, ImageChange, ImageDraft, ImageId } from './image.ts';
import type { ImportRequest } from './import-request.ts';
import type { Member, MemberStatus } from './member.ts';
import type { StoreLocation } from './ports/stores.ts';
import type { ImagePage, ImageQuery } from './query.ts';

export interface ImageController {
	create(ctx: RequestContext, draft: ImageDraft): Promise<Image>;
	show(ctx: RequestContext, id: ImageId): Promise<Image>;
	list(ctx: RequestContext, query: ImageQuery): Promise<ImagePage>;
	/** All changes or none. */
	update(ctx: RequestContext, id: ImageId, changes: readonly ImageChange[]): Promise<Image>;
	remove(ctx: RequestContext, id: ImageId): Promise<void>;
	/** Resolves when bytes and record survive loss of power; the image is then `active`. On failure it is `queued` again. */
	upload(ctx: RequestContext, id: ImageId, upload: Upload): Promise<Image>;
	/**
	 * Takes bytes that a later import makes the image's own. Resolves when they survive loss of power; the image is then
	 * `uploading`. On failure it is `queued` again.
	 */
	stage(ctx: RequestContext, id: ImageId, upload: Upload): Promise<Image>;
	/**
	 * An import holds the image from now on, which is `importing` unless it is copied. The stores that are to have it are noted on
	 * it; none, and no change, when a copy to all stores finds nothing to do. `conflict` for an image in a status that the
	 * method does not take, without formats, or held by an import that goes on; also for a store that takes nothing.
	 */
	beginImport(ctx: RequestContext, id: ImageId, request: ImportRequest, plan: ImportPlan): Promise<Image>;
	/** The image, for the task that holds it; `conflict` when that is another one by now, `not-found` when the image has gone. */
	holdImport(ctx: RequestContext, id: ImageId, task: string): Promise<Image>;
	/** Gives an importing image staged bytes, in place of those before, together with what changes of it by them. */
	stageImport(ctx: RequestContext, id: ImageId, upload: Upload): Promise<Image>;
	/** Formats and properties of an importing image. */
	changeImport(ctx: RequestContext, id: ImageId, changes: readonly ImageChange[]): Promise<Image>;
	/** What is staged has the declared format, is safe and signed, or the errors of `upload`. */
	checkImport(ctx: RequestContext, id: ImageId): Promise<Image>;
	/**
	 * Puts what is staged, or of a copy the image's own bytes, into one store, and notes that on the image; does nothing for a store
	 * that is not waited for any more. Errors as of `ImageStore.put`.
	 */
	importTo(ctx: RequestContext, id: ImageId, store: string, onProgress?: (bytes: number) => void): Promise<Image>;
	/** Notes on the image that a store could not take it. */
	missImport(ctx: RequestContext, id: ImageId, store: string): Promise<Image>;
	/** What was staged is the image's own, and it is active. */
	activateImport(ctx: RequestContext, id: ImageId): Promise<Image>;
	/**
	 * Nobody holds the image any more. `failed`: one that is not active yet is `queued`, what was staged is let go, and what
	 * the import has put into stores is taken out; of a copy, that of the `stored` ones. Nothing when another task holds it.
	 */
	endImport(ctx: RequestContext, id: ImageId, how: 'done' | 'failed', which: EndedImport): Promise<Image>;
	/** bytes at a place that a client names; `invalid` for one that no store here knows, or that cannot be read */
	statLocation(ctx: RequestContext, id: ImageId, location: StoreLocation): Promise<number>;
	/**
	 * A task holds the image from now on, to give it a place. It is `importing` when its bytes are to be checked before it is
	 * active. `conflict` unless it is queued and nobody holds it, `forbidden` for a scheme that only services may name.
	 */
	beginLocation(ctx: RequestContext, id: ImageId, location: GivenLocation, plan: ImportPlan): Promise<Image>;
	/** The bytes there are the image's, and it is active, unless they are to be checked before. */
	placeLocation(ctx: RequestContext, id: ImageId, location: GivenLocation): Promise<Image>;
	/** All bytes at the image's places are read: what they are is known, and is what was said, or the image stays as it is. */
	hashLocation(ctx: RequestContext, id: ImageId, validation?: ValidationData): Promise<Image>;
	/** Nobody holds the image any more; one that is not active is `queued`, without a place. */
	endLocation(ctx: RequestContext, id: ImageId): Promise<Image>;
	/** For services: where the bytes are, the best place first. */
	listLocations(ctx: RequestContext, id: ImageId): Promise<readonly StoreLocation[]>;
	/** Decides and finds the bytes; nothing is read until `read` is iterated. */
	download(ctx: RequestContext, id: ImageId, wish?: DownloadWish): Promise<Download>;
	/**
	 * Takes the image out of one store, which is left with the others. `not-found` when it is not there, `forbidden` for the last
	 * store that clients see, which a site may be, `conflict` for a store that is not there, an image that is not active, or one
	 * that something depends on.
	 */
	removeFromStore(ctx: RequestContext, id: ImageId, store: string): Promise<Image>;
	deactivate(ctx: RequestContext, id: ImageId): Promise<void>;
	reactivate(ctx: RequestContext, id: ImageId): Promise<void>;
	addTag(ctx: RequestContext, id: ImageId, tag: string): Promise<void>;
	dropTag(ctx: RequestContext, id: ImageId, tag: string): Promise<void>;
	/** Those that the caller may know of. For this and all that follow: `forbidden` unless the image is `shared`. */
	listMembers(ctx: RequestContext, id: ImageId): Promise<readonly Member[]>;
	/** A pending membership; `conflict` for a project that has one. Only at the site that owns the image. */
	addMember(ctx: RequestContext, id: ImageId, member: string): Promise<Member>;
	/** `not-found` whatever the reason. */
	showMember(ctx: RequestContext, id: ImageId, member: string): Promise<Member>;
	/** At any site: the receiving project decides wherever it is. */
	updateMember(ctx: RequestContext, id: ImageId, member: string, status: MemberStatus): Promise<Member>;
	/** Only at the site that owns the image. */
	removeMember(ctx: RequestContext, id: ImageId, member: string): Promise<void>;
}

export interface Upload {
	/** read once; chunks may be of any size, and each is valid until the next one is asked for */
	readonly data: AsyncIterable<Uint8Array>;
	/** bytes the client declared (X-OpenStack-Image-Size, else Content-Length); a different count is `invalid` */
	readonly declaredSize?: number;
	/** id of the store that is to have it; absent: the default one. `invalid` when it is not there, `gone` when it takes nothing */
	readonly store?: string;
	/** of staging within an import: what of the image changes in the same moment */
	readonly changes?: readonly ImageChange[];
	/** the most this upload may carry, in bytes; a layer may lower it; beyond it: `too-large` */
	readonly maxBytes: number;
}

export interface DownloadWish {
	/** ids of stores to read from first, the best first; `invalid` for one that is not there */
	readonly prefer?: readonly string[];
}

/** Who imports, and who does not any more. */
export interface ImportPlan {
	/** id of the task */
	readonly task: string;
	/** Of a task that holds an image: has it ended, or been forgotten? */
	isOver(task: string, image: Image): boolean;
	/** of a location: its bytes are read */
	readonly hashes?: boolean;
}

export interface EndedImport {
	/** id of the task */
	readonly task: string;
	/** ids of stores that a copy was for, when none of them may keep it; default: none */
	readonly stored?: readonly string[];
}

export interface Download {
	readonly image: Image;
	/** bytes; null when the image has no data yet (the door answers 204) */
	readonly size: number | null;
	/**
	 * Bytes [start, end) in order. A chunk is valid until the next one is asked for.
	 * Fails with `unavailable` when no source can give a block, `corrupt` never reaches the reader.
	 */
	read(range: ByteRange, options: { readonly signal: AbortSignal }): AsyncIterable<Uint8Array>;
}

/** Half-open: [start, end), bytes. */
export interface ByteRange {
	readonly start: number;
	readonly end: number;
}
