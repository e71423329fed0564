/** Metadata definitions: a catalogue of the properties that images and other resources may carry. Image API v2, "Metadefs". */
import type { RequestContext } from './context.ts';

export type MetadefVisibility = 'public' | 'private';

export interface MetadefNamespace {
	readonly namespace: string;
	readonly displayName: string | null;
	readonly description: string | null;
	readonly visibility: MetadefVisibility;
	readonly protected: boolean;
	/** project id */
	readonly owner: string | null;
	/** UTC milliseconds */
	readonly createdAt: number;
	readonly updatedAt: number;
}

export interface MetadefObject {
	readonly name: string;
	readonly description: string | null;
	readonly required: readonly string[];
	/** property name → its JSON schema */
	readonly properties: Readonly<Record<string, JsonObject>>;
	readonly createdAt: number;
	readonly updatedAt: number;
}

export interface MetadefProperty {
	readonly name: string;
	/** title, type, enum, … by their API names; without the name */
	readonly schema: JsonObject;
}

export interface MetadefTag {
	readonly name: string;
	readonly createdAt: number;
	readonly updatedAt: number;
}

export interface ResourceTypeAssociation {
	/** of the resource type, such as OS::Glance::Image */
	readonly name: string;
	readonly prefix: string | null;
	readonly propertiesTarget: string | null;
	readonly createdAt: number;
	readonly updatedAt: number;
}

export type JsonObject = Readonly<Record<string, unknown>>;

/** Whose namespaces are seen: public ones, those of the caller's project, all for administrators. */
export function canSeeNamespace(
	ctx: Pick<RequestContext, 'admin' | 'project'>,
	namespace: Pick<MetadefNamespace, 'owner' | 'visibility'>,
): boolean {
	return ctx.admin || namespace.visibility === 'public' || (ctx.project !== null && namespace.owner === ctx.project);
}
