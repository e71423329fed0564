/** Limits of Glance's `[DEFAULT]` section. -1 means none. docs/operating.md */
export interface QuotaLimits {
	/** bytes of one image; Glance's image_size_cap */
	readonly imageSizeCap: number;
	readonly imageProperties: number;
	readonly imageTags: number;
	readonly imageMembers: number;
}

export const DEFAULT_QUOTA: QuotaLimits = { imageSizeCap: 1024 ** 4, imageProperties: 128, imageTags: 128, imageMembers: 128 };
