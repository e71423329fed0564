import type { RequestContext } from '../context.ts';

/** Which custom properties a caller may create, read, update or delete. Glance's property protections. */
export interface PropertyProtections {
	allows(ctx: RequestContext, action: PropertyAction, property: string): boolean;
}

export type PropertyAction = 'create' | 'read' | 'update' | 'delete';
