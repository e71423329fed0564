/** The verbs a client can ask for. Every layer of the onion is a function from one of these to another. */
import type { RequestContext } from './context.ts';
import type { Image, ImageChange, ImageDraft, ImageId } from './image.ts';
import type { ImportRequest } from './import-request.ts';
import type { Member, MemberStatus } from './member.ts';
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
	/** A staged image is `importing` from now on; `conflict` for any other, and for one without formats. */
	beginImport(ctx: RequestContext, id: ImageId, request: ImportRequest): Promise<Image>;
	/** `done`: what was staged is the image's own, and it is active. `failed`: it is `queued`, what was staged is let go. */
	endImport(ctx: RequestContext, id: ImageId, how: 'done' | 'failed'): Promise<Image>;
	/** Decides and finds the bytes; nothing is read until `read` is iterated. */
	download(ctx: RequestContext, id: ImageId): Promise<Download>;
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
	/** the most this upload may carry, in bytes; a layer may lower it; beyond it: `too-large` */
	readonly maxBytes: number;
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
