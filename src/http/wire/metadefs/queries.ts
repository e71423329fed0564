/** The queries of lists of metadata definitions. Where Glance fails on a value, it is `invalid` here. */
import { ImageError } from '#domain/errors.ts';
import { METADEF_VISIBILITIES } from '#domain/metadef.ts';
import type { NamespaceQuery, NamespaceSortKey } from '#domain/metadefs/controller.ts';
import { NATURAL_TAGS, type TagQuery } from '#domain/metadefs/query.ts';
import type { PageLimits } from '#http/wire/filters.ts';
import { isDescending, lastOf, sortKeyOf } from '#http/wire/params.ts';
import { quoted } from '#http/wire/texts.ts';

/** By Glance's columns; its ids grow with creation. */
const NAMESPACE_KEYS: Readonly<Record<string, NamespaceSortKey>> = {
	created_at: 'createdAt',
	updated_at: 'updatedAt',
	id: 'createdAt',
	namespace: 'namespace',
	display_name: 'displayName',
	description: 'description',
	visibility: 'visibility',
	protected: 'protected',
	owner: 'owner',
};

const TAG_KEYS: Readonly<Record<string, TagQuery['sortKey']>> = {
	created_at: 'createdAt',
	updated_at: 'updatedAt',
	id: 'createdAt',
	name: 'name',
};

export function parseNamespaceQuery(params: URLSearchParams, pages: PageLimits): NamespaceQuery {
	const visibility = visibilityOf(params, METADEF_VISIBILITIES);
	const limit = lastOf(params, 'limit');
	const marker = lastOf(params, 'marker');
	const resourceTypes = lastOf(params, 'resource_types')?.split(',');
	const wanted = limit === undefined ? pages.defaultLimit : Math.min(parseLimit(limit, 0), pages.maxLimit);
	return {
		// an empty visibility is the one of no namespace
		limit: visibility === '' ? 0 : wanted,
		sortKey: sortKeyOf(lastOf(params, 'sort_key') ?? 'created_at', NAMESPACE_KEYS),
		descending: isDescending(lastOf(params, 'sort_dir') ?? 'desc'),
		...(visibility && { visibility }),
		...(marker !== undefined && { marker }),
		...(resourceTypes && { resourceTypes }),
	};
}

export function parseTagQuery(params: URLSearchParams): TagQuery {
	visibilityOf(params, OLD_VISIBILITIES);
	const limit = lastOf(params, 'limit');
	const marker = lastOf(params, 'marker');
	return {
		...NATURAL_TAGS,
		sortKey: sortKeyOf(lastOf(params, 'sort_key') ?? 'created_at', TAG_KEYS),
		descending: isDescending(lastOf(params, 'sort_dir') ?? 'desc'),
		...(limit && { limit: parseLimit(limit, 0) }),
		...(marker && { marker }),
	};
}

/** A list of objects is always whole and in the order of creation: its parameters are checked and change nothing. */
export function assertObjectQuery(params: URLSearchParams): void {
	visibilityOf(params, OLD_VISIBILITIES);
	isDescending(lastOf(params, 'sort_dir') ?? 'desc');
	const limit = lastOf(params, 'limit');
	if (limit !== undefined) parseLimit(limit, 1);
}

/** Of the resources that properties are shown for. */
export function resourceTypeOf(params: URLSearchParams): string | undefined {
	return lastOf(params, 'resource_type') || undefined;
}

/** What Glance takes for a yes in a header. */
export function saysYes(header: string | undefined): boolean {
	return ['1', 't', 'true', 'on', 'y', 'yes'].includes(header?.trim().toLowerCase() ?? '');
}

const OLD_VISIBILITIES = ['public', 'private', 'shared'] as const;

function visibilityOf<T extends string>(params: URLSearchParams, allowed: readonly T[]): T | '' | undefined {
	const value = lastOf(params, 'visibility');
	const found = allowed.find((each) => each === value);
	if (found === undefined && value !== undefined && value !== '')
		throw new ImageError('invalid', `visibility must be one of ${allowed.join(', ')}, not ${quoted(value)}`);
	return value === '' ? '' : found;
}

function parseLimit(value: string, min: number): number {
	if (!/^\d{1,15}$/.test(value) || Number(value) < min)
		throw new ImageError('invalid', `limit must be an integer of at least ${min}, not ${quoted(value)}`);
	return Number(value);
}
