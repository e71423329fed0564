/**
 * Property protections from a table of sections: the first section whose pattern is found in the property's name
 * decides; without one the action is refused. Image API v2, "Property protections".
 */
import type { PropertyAction, PropertyProtections } from '#domain/ports/property-protections.ts';

export interface ProtectionSection {
	/** searched, not anchored */
	readonly pattern: RegExp;
	/** roles in any case; `@` everybody; empty nobody */
	readonly roles: Readonly<Record<PropertyAction, readonly string[]>>;
}

/** The service's own properties are never protected. */
const SERVICE_SECTION: ProtectionSection = {
	pattern: /^os_glance/,
	roles: { create: ['@'], read: ['@'], update: ['@'], delete: ['@'] },
};

export function createPropertyProtections(sections: readonly ProtectionSection[]): PropertyProtections {
	const table = [SERVICE_SECTION, ...sections];
	return {
		allows(ctx, action, property) {
			const section = table.find(({ pattern }) => pattern.test(property));
			return section?.roles[action].some((role) => role === '@' || ctx.roles.includes(role.toLowerCase())) ?? false;
		},
	};
}
