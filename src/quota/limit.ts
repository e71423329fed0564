/** One limit of a project, wherever it comes from, and what is said when it is met. */
import { type QuotaLimits, UNIFIED_RESOURCES, type UnifiedResource } from '#domain/ports/quota.ts';
import type { Resource, Usage } from '#domain/usage.ts';
import { MiB } from '#lib/sizes.ts';
import type { UnifiedLimits } from './ports.ts';

export interface Limit {
	/** as an operator knows it */
	readonly name: string;
	readonly resource: Resource;
	/** in bytes or images */
	readonly max: number;
	/** bytes or images to one of the unit that the limit is given in */
	readonly unit: number;
	/** may an upload of undeclared size pass it? */
	readonly passable: boolean;
}

interface Unified {
	readonly resource: Resource;
	readonly unit: number;
}

const UNIFIED: Readonly<Record<UnifiedResource, Unified>> = {
	image_size_total: { resource: 'bytes', unit: MiB },
	image_stage_total: { resource: 'stagedBytes', unit: MiB },
	image_count_total: { resource: 'images', unit: 1 },
	image_count_uploading: { resource: 'uploading', unit: 1 },
};

export function staticLimits({ userStorage, queuedImages }: QuotaLimits): readonly Limit[] {
	const limits: Limit[] = [];
	if (userStorage > 0) limits.push({ name: 'user_storage_quota', resource: 'bytes', max: userStorage, unit: 1, passable: false });
	if (queuedImages > 0) limits.push({ name: 'queued images', resource: 'queued', max: queuedImages, unit: 1, passable: false });
	return limits;
}

export function unifiedLimits(limits: Awaited<ReturnType<UnifiedLimits['of']>>, overshoot: 'none' | 'one'): readonly Limit[] {
	return UNIFIED_RESOURCES.filter((name) => limits[name] >= 0).map((name) => {
		const { resource, unit } = UNIFIED[name];
		return { name, resource, unit, max: limits[name] * unit, passable: overshoot === 'one' && unit === MiB };
	});
}

/** In the unit that limits are given in, rounded down as Glance does. */
export function reported(name: UnifiedResource, usage: Usage): number {
	const { resource, unit } = UNIFIED[name];
	return Math.floor(usage[resource] / unit);
}

export function refusal(limit: Limit, owner: string | null, standing: Usage): string {
	const { name, resource, max, unit } = limit;
	const who = owner === null ? 'what belongs to no project' : `project ${owner}`;
	const what = unit === MiB ? ` MiB (${max} bytes)` : resource === 'bytes' ? ' bytes' : '';
	return `${who} would exceed its limit ${name} of ${max / unit}${what}: ${standing[resource]} with this request`;
}
