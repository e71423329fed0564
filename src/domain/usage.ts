/** What images cost the project that owns them. A quantity of each kind, added up image by image. */
import type { Image, ImageStatus } from './image.ts';

export interface Usage {
	/** images of any status but those on their way out */
	readonly images: number;
	/** of them, those without data that nobody is giving any */
	readonly queued: number;
	/** of them, those that are being given data: uploaded, staged, imported, or copied to another store */
	readonly uploading: number;
	/** bytes of images that have data; a copy more, in a store or at a site, costs nothing */
	readonly bytes: number;
	/** bytes of images that wait to be imported, or are being imported or copied */
	readonly stagedBytes: number;
}

export type Resource = keyof Usage;

export const RESOURCES = ['images', 'queued', 'uploading', 'bytes', 'stagedBytes'] as const satisfies readonly Resource[];

export const NO_USAGE: Usage = { images: 0, queued: 0, uploading: 0, bytes: 0, stagedBytes: 0 };

/** Of one image, or of none. */
export function usageOf(image: Image | undefined): Usage {
	if (image === undefined || GONE.has(image.status)) return NO_USAGE;
	const size = image.size ?? 0;
	const staged = STAGED.has(image.status) || (image.properties.os_glance_importing_to_stores ?? '') !== '';
	return {
		images: 1,
		queued: image.status === 'queued' ? 1 : 0,
		uploading: image.status === 'saving' || staged ? 1 : 0,
		bytes: image.content?.size ?? (HAS_DATA.has(image.status) ? size : 0),
		stagedBytes: staged ? size : 0,
	};
}

const HAS_DATA: ReadonlySet<ImageStatus> = new Set(['active', 'deactivated']);
const GONE: ReadonlySet<ImageStatus> = new Set(['killed', 'pending_delete', 'deleted']);
const STAGED: ReadonlySet<ImageStatus> = new Set(['uploading', 'importing']);

// Written out, resource by resource: they run for every chunk of an upload.

export function sum(a: Usage, b: Usage): Usage {
	return {
		images: a.images + b.images,
		queued: a.queued + b.queued,
		uploading: a.uploading + b.uploading,
		bytes: a.bytes + b.bytes,
		stagedBytes: a.stagedBytes + b.stagedBytes,
	};
}

export function difference(a: Usage, b: Usage): Usage {
	return {
		images: a.images - b.images,
		queued: a.queued - b.queued,
		uploading: a.uploading - b.uploading,
		bytes: a.bytes - b.bytes,
		stagedBytes: a.stagedBytes - b.stagedBytes,
	};
}

/** What of `a` is not yet in `b`; never below zero. */
export function beyond(a: Usage, b: Usage): Usage {
	return {
		images: Math.max(0, a.images - b.images),
		queued: Math.max(0, a.queued - b.queued),
		uploading: Math.max(0, a.uploading - b.uploading),
		bytes: Math.max(0, a.bytes - b.bytes),
		stagedBytes: Math.max(0, a.stagedBytes - b.stagedBytes),
	};
}

export function sameUsage(a: Usage, b: Usage): boolean {
	return RESOURCES.every((resource) => a[resource] === b[resource]);
}
