import type { RequestContext } from '../context.ts';
import type { ImageId } from '../image.ts';

/** Glance's limits of its `[DEFAULT]` section, and one of ours. docs/operating.md, "Quotas". Of counts, -1 is none. */
export interface QuotaLimits {
	/** bytes of one image; -1 is none */
	readonly imageSizeCap: number;
	readonly imageProperties: number;
	readonly imageTags: number;
	readonly imageMembers: number;
	readonly imageLocations: number;
	/** bytes of all images of one project; 0 is none */
	readonly userStorage: number;
	/** images of one project that may be queued at once; 0 is none. Glance has no such limit. */
	readonly queuedImages: number;
}

export const DEFAULT_QUOTA: QuotaLimits = {
	imageSizeCap: 1024 ** 4,
	imageProperties: 128,
	imageTags: 128,
	imageMembers: 128,
	imageLocations: 10,
	userStorage: 0,
	queuedImages: 0,
};

/** How much everybody may have. The owner of an image is charged, whoever acts on it. */
export interface Quota {
	readonly limits: QuotaLimits;
	/**
	 * Room for what is about to be done, found and reserved in one step: what is used and what is reserved never exceed
	 * a limit together, however many ask at once. Held until disposed; dispose when what was done can be seen, or when
	 * it has failed. While both count, the use of that image counts once.
	 * Errors: `limit-exceeded` for an image, `too-large` for bytes, each naming the limit; `unavailable` when nobody can
	 * say what the limits are.
	 */
	reserve(ctx: RequestContext, claim: Claim): Promise<Reservation>;
	/** The caller's project against its unified limits; undefined when there are none. `forbidden` for a caller without project. */
	report(ctx: RequestContext): Promise<UsageReport | undefined>;
}

export interface Claim {
	/** what it takes: quota/purposes.ts */
	readonly purpose: 'create' | 'upload' | 'stage' | 'import';
	/** also of an image that is yet to be created */
	readonly image: ImageId;
	/** who is charged */
	readonly owner: string | null;
	/** absent: not known, and charged by `grow` as they come */
	readonly bytes?: number;
}

export interface Reservation extends Disposable {
	/** Reserves more bytes, or throws `too-large` and holds what it held. */
	grow(bytes: number): void;
}

/** By Glance's names of resources; sizes in MiB, rounded down. A limit of -1 is none. Image API v2, "Show usage". */
export type UsageReport = Readonly<Record<UnifiedResource, { readonly usage: number; readonly limit: number }>>;

export const UNIFIED_RESOURCES = ['image_size_total', 'image_stage_total', 'image_count_total', 'image_count_uploading'] as const;
export type UnifiedResource = (typeof UNIFIED_RESOURCES)[number];
