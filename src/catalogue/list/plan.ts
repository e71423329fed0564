/**
 * Answers a list. A filter that few images pass gives all of them to sort in memory; otherwise an index in the list's
 * order is walked and candidates are tested until the page is full. When too many of them fail, the ids that pass the
 * filters are gathered from their indexes, and the walk goes on without reading the records of others. The work is
 * thus bounded by the page and the filters rather than by the number of images.
 */
import { ImageError } from '#domain/errors.ts';
import type { Image, ImageId } from '#domain/image.ts';
import { MEMBER_STATUSES } from '#domain/member.ts';
import { canSee, type ImageFilter, type ImagePage, type ImageQuery, isListed, type Viewer } from '#domain/query.ts';
import {
	COMMUNITY,
	EVERYTHING,
	type Field,
	facetKey,
	idOf,
	onlySorts,
	ownedBy,
	propertyKey,
	SEEN_BY_ALL,
	sharedWith,
	textKey,
} from '../indexes.ts';
import { essentialTerms, matches } from './order.ts';
import { afterTail, scan } from './scan.ts';
import { images, prefixesOf, type Roots, type Source, sorted, walk, walks } from './walk.ts';

/** A filter with at most this many images under it is answered by reading them all. */
const FEW_IMAGES = 256;
/** Candidates that fail before it is asked whether to go on like this, and how many more may then be in sight. */
const PATIENCE_IMAGES = 200;
const WORTH_TESTING_IMAGES = 500;
/** Ids gathered under one filter; where there are more, enough of the candidates pass it. */
const GATHERED_IDS_MAX = 16_384;
/** So few that no other filter's ids are worth reading. */
const NARROW_ENOUGH_IDS = 2048;
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
	if (query.limit <= 0) return { images: [], full: false };
	const scopes = scopesOf(query, viewer);
	const facets = facetsOf(query.filters, scopes);
	const taken = new Map<ImageId, Image>();
	let allowed: ReadonlySet<ImageId> | undefined;
	let failed = 0;
	const narrowed: Source = {
		kv: source.kv,
		image: (id) => (allowed === undefined || allowed.has(id) ? source.image(id) : undefined),
	};
	for await (const image of await candidates(narrowed, query, scopes, facets, marker)) {
		if (isListed(viewer, query, image) && matches(image, query.filters)) taken.set(image.id, image);
		else if (++failed === PATIENCE_IMAGES && isFarFrom(query.limit, taken.size)) allowed = await gathered(source, facets);
		if (taken.size === query.limit) break;
	}
	return { images: [...taken.values()], full: taken.size === query.limit };
}

/** At the rate so far, would filling the page take more candidates than are worth testing one by one? */
function isFarFrom(limit: number, taken: number): boolean {
	return ((limit - taken) * PATIENCE_IMAGES) / (taken + 1) > WORTH_TESTING_IMAGES;
}

function markerOf(source: Source, id: string, viewer: Viewer): Image {
	const marker = source.image(id);
	if (!marker || !canSee(viewer, marker)) throw new ImageError('invalid', `marker ${id} is not an image that can be seen`);
	return marker;
}

async function candidates(
	source: Source,
	query: ImageQuery,
	scopes: readonly string[],
	facets: readonly Roots[],
	marker?: Image,
): Promise<AsyncIterable<Image>> {
	const terms = essentialTerms(query.sort, query.filters);
	const ids = query.filters.find((filter) => filter.field === 'id');
	if (ids && 'oneOf' in ids) return sorted(images(source, new Set(ids.oneOf)), terms, marker);
	const walkable = facets.filter((roots) => walks(roots, terms));
	const only = facets.length === 1 ? walkable[0] : undefined;
	if (only) return walk(source, only, terms, marker);
	for (const roots of facets) {
		const few = await idsUnder(source, roots, FEW_IMAGES);
		if (few) return sorted(images(source, few), terms, marker);
	}
	return walk(source, walkable[0] ?? { scopes }, terms, marker);
}

/** The ids that pass every filter which has an index and not too many of them; undefined when no filter is such. */
async function gathered(source: Source, facets: readonly Roots[]): Promise<ReadonlySet<ImageId> | undefined> {
	let all: ReadonlySet<ImageId> | undefined;
	for (const roots of facets) {
		const ids = await idsUnder(source, roots, GATHERED_IDS_MAX);
		if (ids) all = all?.intersection(ids) ?? ids;
		if (all && all.size <= NARROW_ENOUGH_IDS) return all;
	}
	return all;
}

/**
 * The ids under a facet, and perhaps some beside it, when there are no more than `max`. Scopes that have no index of the
 * facet count in full; a facet that is rare in the whole catalogue is found all the same.
 */
async function idsUnder(source: Source, roots: Roots, max: number): Promise<ReadonlySet<ImageId> | undefined> {
	const ids = await idsIn(source, roots, max);
	if (ids || !roots.scopes.some(onlySorts)) return ids;
	return idsIn(source, { ...roots, scopes: [EVERYTHING] }, max);
}

async function idsIn(source: Source, roots: Roots, max: number): Promise<ReadonlySet<ImageId> | undefined> {
	const found = new Set<ImageId>();
	const prefixes = prefixesOf(roots, roots.facet ? [roots.facet.field] : []);
	for await (const tail of scan(source.kv, prefixes, afterTail(false))) {
		if (found.add(idOf(tail)).size > max) return undefined;
	}
	return found;
}

function scopesOf(query: ImageQuery, viewer: Viewer): readonly string[] {
	const owners = query.filters.find((filter) => filter.field === 'owner');
	if (owners && 'oneOf' in owners && owners.oneOf.length <= RANGES_MAX) return [...new Set(owners.oneOf)].map(ownedBy);
	if (viewer.admin) return [EVERYTHING];
	return [SEEN_BY_ALL, ...ofProject(viewer.project, query), ...(query.withCommunity ? [COMMUNITY] : [])];
}

function ofProject(project: string | null, { memberStatus = 'accepted' }: ImageQuery): readonly string[] {
	if (project === null) return [];
	const statuses = memberStatus === 'all' ? MEMBER_STATUSES : [memberStatus];
	return [ownedBy(project), ...statuses.map((status) => sharedWith(project, status))];
}

function facetsOf(filters: readonly ImageFilter[], scopes: readonly string[]): readonly Roots[] {
	const facets = filters.map(facetOf).filter((facet) => facet !== undefined);
	return facets
		.sort((a, b) => BY_SELECTIVITY.indexOf(a.field) - BY_SELECTIVITY.indexOf(b.field))
		.map((facet) => ({ scopes, facet }))
		.filter((roots) => prefixesOf(roots, [roots.facet.field]).length <= RANGES_MAX);
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
