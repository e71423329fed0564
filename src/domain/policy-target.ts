import type { RequestContext } from './context.ts';
import type { Image } from './image.ts';
import type { PolicyTarget } from './ports/policy.ts';

/**
 * What a rule may look at: every attribute by its API name, custom properties by theirs, and Glance's aliases.
 * A custom property never shadows an attribute or an alias: tenants write properties, and rules must not believe them.
 */
export function policyTarget(ctx: RequestContext, image: Image): PolicyTarget {
	return {
		...image.properties,
		id: image.id,
		image_id: image.id,
		name: image.name,
		status: image.status,
		visibility: image.visibility,
		owner: image.owner,
		project_id: image.owner,
		tenant: image.owner,
		user_id: null,
		member: memberOf(ctx, image),
		member_id: memberOf(ctx, image),
		protected: flag(image.protected),
		os_hidden: flag(image.hidden),
		min_disk: String(image.minDisk),
		min_ram: String(image.minRam),
		disk_format: image.diskFormat,
		container_format: image.containerFormat,
		size: number(image.size),
		virtual_size: number(image.virtualSize),
		checksum: image.checksum,
		os_hash_algo: image.hashAlgorithm,
		os_hash_value: image.hashValue,
	};
}

/** Only a caller who was let see a shared image of somebody else is its member; the authorisation layer has seen to that. */
function memberOf(ctx: RequestContext, image: Image): string | null {
	return image.visibility === 'shared' && image.owner !== ctx.project ? ctx.project : null;
}

/** Rules compare with Python's words. */
function flag(value: boolean): string {
	return value ? 'True' : 'False';
}

function number(value: number | null): string | null {
	return value === null ? null : String(value);
}
