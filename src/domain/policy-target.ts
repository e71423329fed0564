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
		protected: image.protected,
		os_hidden: image.hidden,
		min_disk: image.minDisk,
		min_ram: image.minRam,
		disk_format: image.diskFormat,
		container_format: image.containerFormat,
		size: image.size,
		virtual_size: image.virtualSize,
		checksum: image.checksum,
		os_hash_algo: image.hashAlgorithm,
		os_hash_value: image.hashValue,
	};
}

/** Only a caller who was let see a shared image of somebody else is its member; the authorisation layer has seen to that. */
function memberOf(ctx: RequestContext, image: Image): string | null {
	return image.visibility === 'shared' && image.owner !== ctx.project ? ctx.project : null;
}
