/** What a list's order and filters mean. The indexes only find candidates faster. */
import type { Image } from '#domain/image.ts';
import type { ImageFilter, SortKey, SortTerm } from '#domain/query.ts';
import { compareUtf8 } from '#lib/utf8-order.ts';

export type Order = (a: Image, b: Image) => number;

/** Text by its code points; absent text as '', absent numbers as 0 (Glance's marker query). */
export function orderOf(terms: readonly SortTerm[]): Order {
	return (a, b) => {
		for (const { key, descending } of terms) {
			const order = compareBy(key, a, b);
			if (order !== 0) return descending ? -order : order;
		}
		return 0;
	};
}

function compareBy(key: SortKey, a: Image, b: Image): number {
	if (key === 'size' || key === 'createdAt' || key === 'updatedAt') return (a[key] ?? 0) - (b[key] ?? 0);
	return compareUtf8(a[key] ?? '', b[key] ?? '');
}

export function matches(image: Image, filters: readonly ImageFilter[]): boolean {
	return filters.every((filter) => matchesOne(image, filter));
}

/** Absent values match no comparison, as in SQL. */
function matchesOne(image: Image, filter: ImageFilter): boolean {
	switch (filter.field) {
		case 'tag':
			return image.tags.includes(filter.value);
		case 'property':
			return Object.hasOwn(image.properties, filter.name) && image.properties[filter.name] === filter.value;
		case 'protected':
		case 'hidden':
		case 'visibility':
			return image[filter.field] === filter.is;
		case 'size':
		case 'virtualSize':
		case 'minRam':
		case 'minDisk':
			return within(image[filter.field], filter.min, filter.max);
		case 'createdAt':
		case 'updatedAt':
			return compares(image[filter.field], filter.op, filter.value);
		default: {
			const value = image[filter.field];
			return value !== null && filter.oneOf.includes(value);
		}
	}
}

function within(value: number | null, min?: number, max?: number): boolean {
	if (min === undefined && max === undefined) return true;
	return value !== null && (min === undefined || value >= min) && (max === undefined || value <= max);
}

function compares(value: number, op: 'gt' | 'gte' | 'lt' | 'lte' | 'eq' | 'neq', other: number): boolean {
	switch (op) {
		case 'gt':
			return value > other;
		case 'gte':
			return value >= other;
		case 'lt':
			return value < other;
		case 'lte':
			return value <= other;
		case 'eq':
			return value === other;
		case 'neq':
			return value !== other;
	}
}

/** The same order in fewer terms: what a filter holds equal, what was said before, and all behind the id is dropped. */
export function essentialTerms(sort: readonly SortTerm[], filters: readonly ImageFilter[]): readonly SortTerm[] {
	const settled = new Set<string>();
	for (const filter of filters) if ('oneOf' in filter && filter.oneOf.length === 1) settled.add(filter.field);
	const terms: SortTerm[] = [];
	for (const term of [...sort, { key: 'id', descending: false } as const]) {
		if (settled.has(term.key)) continue;
		settled.add(term.key);
		terms.push(term);
		if (term.key === 'id') return terms;
	}
	return terms;
}
