import type { ImageController } from '#domain/controller.ts';
import { ImageError } from '#domain/errors.ts';
import type { StoreController, StoreInfo } from '#domain/stores/controller.ts';
import type { StoresShown } from '#http/wire/image-rules.ts';
import type { AppContext } from '../env.ts';
import { respond, respondJson } from '../respond.ts';
import { bodyless, type Route } from '../route.ts';

export interface StoresParts {
	readonly stores: StoreController;
	readonly images: Pick<ImageController, 'removeFromStore'>;
	readonly shown: StoresShown;
}

/** Those that clients are told of. */
export function shownStores(stores: Pick<StoreController, 'list'>, shown: StoresShown): readonly StoreInfo[] {
	return shown === 'none' ? [] : stores.list().filter(isShownAs(shown));
}

function isShownAs(shown: StoresShown): (store: Pick<StoreInfo, 'kind'>) => boolean {
	return ({ kind }) => kind === 'backend' || shown === 'backends and sites';
}

/** Image API v2, "Stores discovery" and "Delete image from store". Without several stores neither is there, as in Glance. */
export function storeRoutes({ stores, images, shown }: StoresParts): readonly Route[] {
	function several(): void {
		if (shown === 'none') throw new ImageError('not-found', 'several stores are not enabled here');
	}

	async function list(c: AppContext): Promise<Response> {
		several();
		return respondJson(c, 200, { stores: shownStores(stores, shown).map(viewStore) });
	}
	async function detail(c: AppContext): Promise<Response> {
		several();
		const rows = (await stores.detail(c.var.ctx)).filter(isShownAs(shown));
		const views = rows.map((row) => ({ ...viewStore(row), type: row.type, weight: row.weight, properties: row.properties }));
		return respondJson(c, 200, { stores: views });
	}
	async function remove(c: AppContext): Promise<Response> {
		several();
		const store = c.req.param('store') ?? '';
		// said before anything is said of the image, as in Glance
		if (!shownStores(stores, shown).some(({ id }) => id === store))
			throw new ImageError('conflict', `there is no store ${store}`);
		await images.removeFromStore(c.var.ctx, c.req.param('id') ?? '', store);
		return respond(c, 204, null);
	}
	return [
		{ path: '/v2/info/stores', methods: { GET: bodyless(list) } },
		{ path: '/v2/info/stores/detail', methods: { GET: bodyless(detail) } },
		{ path: '/v2/stores/:store/:id', methods: { DELETE: bodyless(remove) } },
	];
}

/** Glance's flags are texts, and there only when they are true. */
function viewStore({ id, description, isDefault, readOnly }: StoreInfo): Readonly<Record<string, unknown>> {
	return {
		id,
		...(description !== undefined && { description }),
		...(isDefault && { default: 'true' }),
		...(readOnly && { 'read-only': 'true' }),
	};
}
