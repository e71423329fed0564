/** Which stores there are: the backends of this node, and the sites of the fleet. Image API v2, "Stores discovery". */
import type { RequestContext } from '#domain/context.ts';
import type { NodeRecord } from '#domain/ports/catalogue.ts';
import type { Policy } from '#domain/ports/policy.ts';
import type { ImageStores } from '#domain/ports/stores.ts';
import { refusedBy } from '#domain/refused-by.ts';

export interface StoreController {
	/** heaviest first; sites after the backends */
	list(): readonly StoreInfo[];
	/** With what only operators should know; `forbidden` for others. */
	detail(ctx: RequestContext): Promise<readonly StoreInfo[]>;
}

export interface StoreInfo {
	readonly id: string;
	readonly kind: 'backend' | 'site';
	/** Glance's type name, or `site` */
	readonly type: string;
	readonly description?: string;
	/** where images go when nobody says */
	readonly isDefault: boolean;
	/** takes no images from this node's clients */
	readonly readOnly: boolean;
	readonly weight: number;
	readonly properties: Readonly<Record<string, unknown>>;
}

export interface StoreControllerParts {
	readonly stores: ImageStores;
	readonly nodes: () => readonly Pick<NodeRecord, 'site'>[];
	/** this node's own */
	readonly site: string;
	readonly policy: Policy;
}

export function buildStoreController({ stores, nodes, site, policy }: StoreControllerParts): StoreController {
	function list(): readonly StoreInfo[] {
		const sites = new Set([site, ...nodes().map((node) => node.site)]);
		return [
			...stores.all.map(({ id, type, description, readOnly, weight, properties }) => ({
				id,
				kind: 'backend' as const,
				type,
				...(description !== undefined && { description }),
				isDefault: stores.byDefault?.id === id,
				readOnly,
				weight,
				properties,
			})),
			...[...sites].toSorted().map((id) => ({
				id,
				kind: 'site' as const,
				type: 'site',
				isDefault: stores.byDefault === undefined && id === site,
				readOnly: id !== site,
				weight: 0,
				properties: { nodes: nodes().filter((node) => node.site === id).length },
			})),
		];
	}
	return {
		list,
		async detail(ctx) {
			if (!(await policy.decide(ctx, 'stores_info_detail', {}))) throw refusedBy('stores_info_detail');
			return list();
		},
	};
}
