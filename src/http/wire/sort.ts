import { ImageError } from '#domain/errors.ts';
import type { SortKey, SortTerm } from '#domain/query.ts';
import { isDescending, sortKeyOf } from './params.ts';
import { quoted } from './texts.ts';

const KEYS: Readonly<Record<string, SortKey>> = {
	name: 'name',
	status: 'status',
	container_format: 'containerFormat',
	disk_format: 'diskFormat',
	size: 'size',
	id: 'id',
	created_at: 'createdAt',
	updated_at: 'updatedAt',
};

/** Both spellings of a sort, made total by created_at and id. Image API v2, "List images", sorting. */
export function parseSort(params: URLSearchParams): readonly SortTerm[] {
	const keys = params.getAll('sort_key');
	const directions = params.getAll('sort_dir');
	const combined = params.get('sort');
	if (combined !== null && keys.length + directions.length > 0)
		throw new ImageError('invalid', 'sort cannot be used together with sort_key or sort_dir');
	const terms = combined === null ? fromLists(keys, directions) : fromCombined(combined);
	const chosen = combined === null ? directions : terms.map(({ descending }) => (descending ? 'desc' : 'asc'));
	const implicit = chosen.length === 1 ? isDescending((chosen[0] ?? '').trim()) : true;
	return distinct([...terms, { key: 'createdAt', descending: implicit }, { key: 'id', descending: implicit }]);
}

function fromLists(keys: readonly string[], directions: readonly string[]): readonly SortTerm[] {
	const all = keys.length === 0 ? ['created_at'] : keys;
	if (directions.length > 1 && directions.length !== all.length)
		throw new ImageError('invalid', 'the number of sort_dir values must be one or that of sort_key values');
	return all.map((key, index) => term(key, directions[index] ?? directions[0] ?? 'desc'));
}

function fromCombined(text: string): readonly SortTerm[] {
	return text.split(',').map((part) => {
		const [key = '', direction = '', ...rest] = part.split(':');
		if (rest.length > 0) throw new ImageError('invalid', `cannot sort by ${quoted(part)}`);
		return term(key, direction || 'desc');
	});
}

function term(name: string, direction: string): SortTerm {
	return { key: sortKeyOf(name.trim(), KEYS), descending: isDescending(direction.trim()) };
}

function distinct(terms: readonly SortTerm[]): readonly SortTerm[] {
	return terms.filter((each, index) => terms.findIndex(({ key }) => key === each.key) === index);
}
