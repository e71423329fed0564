/** Where the bytes of an image are in its stores: a secret of the cloud's, told by the rule `get_image_location` alone. */
import type { RequestContext } from './context.ts';
import type { Image } from './image.ts';
import { policyTarget } from './policy-target.ts';
import type { Policy } from './ports/policy.ts';

export interface ImageLocation {
	/** as its store names the place: file:///dir/<image id> */
	readonly url: string;
	/** `store`: the store's id */
	readonly metadata: Readonly<Record<string, unknown>>;
}

/** The best place first. */
export type LocationsOf = (ctx: RequestContext, image: Image) => readonly ImageLocation[];

interface Store {
	/** its id */
	readonly store: string;
	/** the heavier, the better; equal ones in the order of configuration */
	readonly weight: number;
	/** the place of an image's object there */
	locate(image: Image): string;
}

/** Nothing for those who may not know, and of a deactivated image nothing for anybody but administrators. */
export function locationsFor(policy: Pick<Policy, 'allows'>, stores: readonly Store[]): LocationsOf {
	const byWeight = stores.toSorted((a, b) => b.weight - a.weight);
	return (ctx, image) => {
		if (image.status === 'deactivated' && !ctx.admin) return [];
		const holding = byWeight.filter(({ store }) => image.copies.some((copy) => copy.kind === 'backend' && copy.store === store));
		if (holding.length === 0 || !policy.allows(ctx, 'get_image_location', policyTarget(ctx, image))) return [];
		return holding.map(({ store, locate }) => ({ url: locate(image), metadata: { store } }));
	};
}
