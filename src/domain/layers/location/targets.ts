/** Which stores an image's bytes may go to. This site is one of them, without a backend: undefined. */

import { ImageError } from '#domain/errors.ts';
import type { Image } from '#domain/image.ts';
import type { ImportRequest } from '#domain/import-request.ts';
import type { ImageStore } from '#domain/ports/stores.ts';
import type { Location } from './shared.ts';

type Where = Pick<Location, 'stores' | 'site'>;

/** `invalid` for a store that is not there, `gone` for one that takes nothing. */
export function uploadTarget({ stores, site }: Where, asked: string | undefined): ImageStore | undefined {
	if (asked === undefined) return stores.byDefault;
	const store = stores.find(asked);
	if (store === undefined && asked === site) return undefined;
	if (store === undefined) throw new ImageError('invalid', `there is no store ${asked}`);
	if (store.readOnly) throw new ImageError('gone', `store ${asked} takes no images`);
	return store;
}

/**
 * Ids, sorted as Glance shows them. `conflict` for a store that is not there or takes nothing; `invalid` for a copy to a store
 * that has the image.
 */
export function importTargets(where: Where, image: Image, request: ImportRequest): readonly string[] {
	const isCopy = request.method.name === 'copy-image';
	const holding = new Set(image.copies.map(({ store }) => store));
	const wanted = request.allStores === true ? everyStore(where) : (request.stores ?? [where.stores.byDefault?.id ?? where.site]);
	for (const id of wanted) assertTakes(where, id);
	const there = isCopy && request.allStores !== true ? wanted.find((id) => holding.has(id)) : undefined;
	if (there !== undefined) throw new ImageError('invalid', `image ${image.id} is in store ${there} already`);
	return wanted.filter((id) => !isCopy || !holding.has(id)).toSorted();
}

function everyStore({ stores, site }: Where): readonly string[] {
	const writable = stores.all.filter(({ readOnly }) => !readOnly).map(({ id }) => id);
	return writable.length > 0 ? writable : [site];
}

function assertTakes({ stores, site }: Where, id: string): void {
	const store = stores.find(id);
	if (store === undefined && id === site) return;
	if (store === undefined || store.readOnly) throw new ImageError('conflict', `there is no store ${id} that takes images`);
}
