/** Which stores an image's bytes may go to. This site is one of them, without a backend: undefined. */

import { ImageError } from '#domain/errors.ts';
import type { Image } from '#domain/image.ts';
import type { ImportRequest } from '#domain/import-request.ts';
import type { ImageStore } from '#domain/ports/stores.ts';
import type { Location } from './shared.ts';

type Where = Pick<Location, 'stores' | 'site' | 'sitesShown'>;

/** `invalid` for a store that is not there. Whether it takes anything is said of an image that could be given data. */
export function uploadTarget(where: Where, asked: string | undefined): ImageStore | undefined {
	if (asked === undefined) return where.stores.byDefault;
	const store = where.stores.find(asked);
	if (store === undefined && !isShownSite(where, asked)) throw new ImageError('invalid', `there is no store ${asked}`);
	return store;
}

/** A site that clients are not told of is no store to them. */
export function isShownSite({ site, sitesShown }: Omit<Where, 'stores'>, id: string): boolean {
	return sitesShown && id === site;
}

/**
 * Ids, sorted as Glance shows them. `conflict` for a store that is not there or takes nothing; `invalid` for a copy to a store
 * that has the image.
 */
export function importTargets(where: Where, image: Image, request: ImportRequest): readonly string[] {
	const isCopy = request.method.name === 'copy-image';
	const holding = new Set(image.copies.map(({ store }) => store));
	for (const id of request.stores ?? []) assertTakes(where, id);
	const wanted = request.allStores === true ? everyStore(where) : (request.stores ?? [where.stores.byDefault?.id ?? where.site]);
	const there = isCopy && request.allStores !== true ? wanted.find((id) => holding.has(id)) : undefined;
	if (there !== undefined) throw new ImageError('invalid', `image ${image.id} is in store ${there} already`);
	return wanted.filter((id) => !isCopy || !holding.has(id)).toSorted();
}

function everyStore({ stores, site }: Where): readonly string[] {
	const writable = stores.all.filter(({ readOnly }) => !readOnly).map(({ id }) => id);
	return writable.length > 0 ? writable : [site];
}

function assertTakes(where: Where, id: string): void {
	const store = where.stores.find(id);
	if (store === undefined && isShownSite(where, id)) return;
	if (store === undefined || store.readOnly) throw new ImageError('conflict', `there is no store ${id} that takes images`);
}
