/**
 * Answers a list. A filter that few images pass gives all of them to sort in memory; otherwise an index in the list's
 * order is walked and candidates are tested until the page is full. Either way the work is bounded by the page and the
 * filters, not by the number of images, unless filters and order are at odds in a way no index foresaw.
 */
import { ImageError } from '#domain/errors.ts';
import type { Image } from '#domain/image.ts';
import {
	canSee,
	type ImageFilter,
	type ImagePage,
	type ImageQuery,
	isListed,
	type SortTerm,
	type Viewer,
} from '#domain/query.ts';
import { COMMUNITY, EVERYTHING, type Field, facetKey, ownedBy, propertyKey, SEEN_BY_ALL, textKey } from '../indexes.ts';
import { essentialTerms, matches } from './order.ts';
import { scan } from './scan.ts';
import { atMost, images, prefixesOf, type Roots, type Source, sorted, walk, walks } from './walk.ts';

/** A filter with at most this many images under it is answered by reading them all. */
const FEW_IMAGES = 256;
/** Index ranges read side by side for one filter; a longer list of values is only tested. */
const RANGES_MAX = 16;

const EVERYONE: Viewer = { project: null, admin: true };

/** Facets that usually have few images come first. */
const BY_SELECTIVITY: readonly Field[] = [
	'checksum',
	'hashValue',
	'name',
	'property',
	'tag',
	'diskFormat',
	'containerFormat',
	'visibility',
	'status',
];

export async function listImages(source: Source, query: ImageQuery): Promise<ImagePage> {
	const viewer = query.viewer ?? EVERYONE;
	const marker = query.marker === undefined ? undefined : markerOf(source, query.marker, viewer);
	const taken = new Map<string, Image>();
	if (query.limit <= 0) return { images: [], full: false };
	const candidates = await plan(source, query, viewer, essentialTerms(query.sort, query.filters), marker);
	for await (const image of candidates) {
		if (!isListed(viewer, query.withCommunity, image) || !matches(image, query.filters)) continue;
		taken.set(image.id, image);
		if (taken.size === query.limit) break;
	}
	return { images: [...taken.values()], full: taken.size === query.limit };
}

function markerOf(source: Source, id: string, viewer: Viewer): Image {
	const marker = source.image(id);
	if (!marker || !canSee(viewer, marker)) throw new ImageError('invalid', `marker ${id} is not an image that can be seen`);
	return marker;
}

async function plan(
	source: Source,
	query: ImageQuery,
	viewer: Viewer,
	terms: readonly SortTerm[],
	marker?: Image,
): Promise<AsyncIterable<Image>> {
	const ids = query.filters.find((filter) => filter.field === 'id');
	if (ids && 'oneOf' in ids) return sorted(images(source, new Set(ids.oneOf)), terms, marker);
	const scopes = scopesOf(query, viewer);
	const facets = facetsOf(query.filters, scopes);
	const walkable = facets.filter((roots) => walks(roots, terms));
	const only = facets.length === 1 ? walkable[0] : undefined;
	if (only) return walk(source, only, terms, marker);
	for (const roots of facets) {
		const path = roots.facet ? [roots.facet.field] : [];
		const few = await atMost(scan(source.kv, prefixesOf(roots, path), false), FEW_IMAGES);
		if (few) return sorted(images(source, few), terms, marker);
	}
	return walk(source, walkable[0] ?? { scopes }, terms, marker);
}

function scopesOf(query: ImageQuery, viewer: Viewer): readonly string[] {
	const owners = query.filters.find((filter) => filter.field === 'owner');
	if (owners && 'oneOf' in owners && owners.oneOf.length <= RANGES_MAX) return [...new Set(owners.oneOf)].map(ownedBy);
	if (viewer.admin) return [EVERYTHING];
	const own = viewer.project === null ? [] : [ownedBy(viewer.project)];
	return [SEEN_BY_ALL, ...own, ...(query.withCommunity ? [COMMUNITY] : [])];
}

function facetsOf(filters: readonly ImageFilter[], scopes: readonly string[]): readonly Roots[] {
	const facets = filters.map(facetOf).filter((facet) => facet !== undefined);
	return facets
		.filter(({ values }) => values.length * scopes.length <= RANGES_MAX)
		.sort((a, b) => BY_SELECTIVITY.indexOf(a.field) - BY_SELECTIVITY.indexOf(b.field))
		.map((facet) => ({ scopes, facet }));
}

function facetOf(filter: ImageFilter): Roots['facet'] {
	switch (filter.field) {
		case 'tag':
			return { field: 'tag', values: [facetKey(filter.value)] };
		case 'property':
			return { field: 'property', values: [propertyKey(filter.name, filter.value)] };
		case 'visibility':
			return { field: 'visibility', values: [textKey(filter.is)] };
		case 'name':
		case 'status':
		case 'diskFormat':
		case 'containerFormat':
			return { field: filter.field, values: [...new Set(filter.oneOf.map(textKey))] };
		case 'checksum':
		case 'hashValue':
			return { field: filter.field, values: [...new Set(filter.oneOf.map(facetKey))] };
		default:
			return undefined;
	}
}
