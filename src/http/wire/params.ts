/** What queries of lists have in common. */
import { ImageError } from '#domain/errors.ts';
import { quoted } from './texts.ts';

/** Of a parameter that is given more than once the last value counts. */
export function lastOf(params: URLSearchParams, name: string): string | undefined {
	return params.getAll(name).at(-1);
}

/** The key that a name of the API sorts by. */
export function sortKeyOf<Key>(name: string, keys: Readonly<Record<string, Key>>): Key {
	const key = Object.hasOwn(keys, name) ? keys[name] : undefined;
	if (key === undefined)
		throw new ImageError('invalid', `cannot sort by ${quoted(name)}; sort keys are ${Object.keys(keys).join(', ')}`);
	return key;
}

export function isDescending(direction: string): boolean {
	if (direction !== 'asc' && direction !== 'desc')
		throw new ImageError('invalid', `sort direction must be asc or desc, not ${quoted(direction)}`);
	return direction === 'desc';
}
