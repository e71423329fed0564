/**
 * Index keys: everything a list can be driven by. All values are empty; the order of keys is the order of the list.
 *
 *   x/<scope>/<path>/<value of each field in path><created_at><id>
 *   s/<status>/<id>           any status
 *   r/<root>/<id>             images of a content
 *
 * scope   whose list: `a` everyone's, `e` what everyone sees (public, or without owner), `c` community,
 *         `w<owner>` what a project owns, `m<status><project>` what is shared with it (one letter a status). A project's
 *         list is the merge of `e`, its `w`, its `m` of the statuses asked for and, when asked for, `c`; an image in two
 *         of them has the same tail in both and is taken once.
 * path    one letter a field (FIELDS). The last field may be one to sort by, those before it are held equal. A scope `m`
 *         has only paths of at most one field to sort by: an image may have many members, and each has keys of its own.
 * text    escaped so that it ends in U+0000, which sorts before whatever a longer text goes on with: U+0000 becomes
 *         U+0001 U+0001, U+0001 becomes U+0001 U+0002. Absent sorts as the empty text.
 * numbers 14 hex digits, times 12, absent as zero. The id is a UUID, always the last 36 characters.
 *
 * Fields that are never sorted by (tags, properties) have long values replaced by their digest: an index only narrows,
 * every candidate is compared with the filters again.
 */
import { createHash } from 'node:crypto';
import { contentsOf, type Image, type ImageId } from '#domain/image.ts';
import type { MemberStatus } from '#domain/member.ts';
import type { SortKey } from '#domain/query.ts';

export type Field = Exclude<SortKey, 'createdAt'> | 'visibility' | 'tag' | 'property' | 'checksum' | 'hashValue';

interface FieldRule {
	readonly letter: string;
	/** its encoded values in an image: one for a column, any number for tags and properties */
	of(image: Image): readonly string[];
}

const ID_CHARS = 36;
const TIME_DIGITS = 12;
const NUMBER_DIGITS = 14;
const FACET_CHARS_MAX = 64;

export const FIELDS: Readonly<Record<Field, FieldRule>> = {
	name: { letter: 'n', of: (image) => [textKey(image.name)] },
	status: { letter: 's', of: (image) => [textKey(image.status)] },
	containerFormat: { letter: 'c', of: (image) => [textKey(image.containerFormat)] },
	diskFormat: { letter: 'd', of: (image) => [textKey(image.diskFormat)] },
	size: { letter: 'z', of: (image) => [hex(image.size, NUMBER_DIGITS)] },
	updatedAt: { letter: 'u', of: (image) => [timeKey(image.updatedAt)] },
	id: { letter: 'i', of: (image) => [image.id] },
	visibility: { letter: 'v', of: (image) => [textKey(image.visibility)] },
	tag: { letter: 't', of: (image) => image.tags.map(facetKey) },
	property: { letter: 'p', of: (image) => Object.entries(image.properties).map(([name, value]) => propertyKey(name, value)) },
	checksum: { letter: 'k', of: (image) => (image.checksum === null ? [] : [facetKey(image.checksum)]) },
	hashValue: { letter: 'h', of: (image) => (image.hashValue === null ? [] : [facetKey(image.hashValue)]) },
};

type Path = readonly Field[];

/** `[]` is the order of creation alone. */
const SORT_PATHS: readonly Path[] = [
	[],
	['name'],
	['status'],
	['containerFormat'],
	['diskFormat'],
	['size'],
	['updatedAt'],
	['id'],
];

/** Every path there is. */
const PATHS: readonly Path[] = [
	...SORT_PATHS,
	['visibility'],
	['tag'],
	['property'],
	['checksum'],
	['hashValue'],
	['status', 'name'],
	['containerFormat', 'name'],
	['diskFormat', 'name'],
	['visibility', 'name'],
	['tag', 'name'],
	['property', 'name'],
];

const lettersOf = (path: Path) => path.map((field) => FIELDS[field].letter).join('');
const KNOWN_PATHS = new Set(PATHS.map(lettersOf));

export function hasIndex(path: Path): boolean {
	return KNOWN_PATHS.has(lettersOf(path));
}

export const EVERYTHING = 'a';
export const SEEN_BY_ALL = 'e';
export const COMMUNITY = 'c';
export const ownedBy = (project: string) => `w${textKey(project)}`;
const SHARED = 'm';
const STATUS_LETTERS: Readonly<Record<MemberStatus, string>> = { pending: 'p', accepted: 'a', rejected: 'r' };
export const sharedWith = (project: string, status: MemberStatus) => SHARED + STATUS_LETTERS[status] + textKey(project);

/** Is it a scope without paths of a field held equal? */
export const onlySorts = (scope: string) => scope.startsWith(SHARED);

export const statusPrefix = (status: Image['status']) => `s/${status}/`;
export const rootPrefix = (root: string) => `r/${root}/`;

/** What all keys of a path in a scope begin with; values are those of the first fields. */
export function listPrefix(scope: string, path: Path, values: readonly string[]): string {
	return `x/${scope}/${lettersOf(path)}/${values.join('')}`;
}

/** The end of a key: where an image stands among those with equal values before it. */
export function tailOf(image: Image): string {
	return timeKey(image.createdAt) + image.id;
}

export function idOf(key: string): ImageId {
	return key.slice(-ID_CHARS);
}

/** Of what follows a prefix that ends before the field to sort by: that field's value. */
export function sortValueOf(tail: string): string {
	return tail.slice(0, -(TIME_DIGITS + ID_CHARS));
}

/** Of what follows a prefix that ends before the time of creation: that time. */
export function instantOf(tail: string): string {
	return tail.slice(0, TIME_DIGITS);
}

export function timeKey(ms: number): string {
	return hex(ms, TIME_DIGITS);
}

export function indexKeys(image: Image): readonly string[] {
	const keys = [statusPrefix(image.status) + image.id];
	for (const { root } of contentsOf(image)) keys.push(rootPrefix(root) + image.id);
	const tail = tailOf(image);
	const values = PATHS.map((path) => [path, combinations(image, path)] as const);
	for (const scope of scopesOf(image))
		for (const [path, combined] of onlySorts(scope) ? values.slice(0, SORT_PATHS.length) : values)
			for (const value of combined) keys.push(listPrefix(scope, path, [value, tail]));
	return keys;
}

function scopesOf(image: Image): readonly string[] {
	const scopes = [EVERYTHING];
	if (image.visibility === 'public' || image.owner === null) scopes.push(SEEN_BY_ALL);
	if (image.visibility === 'community') scopes.push(COMMUNITY);
	if (image.owner !== null) scopes.push(ownedBy(image.owner));
	if (image.visibility === 'shared') scopes.push(...image.members.map(({ member, status }) => sharedWith(member, status)));
	return scopes;
}

function combinations(image: Image, path: Path): readonly string[] {
	return path.reduce<readonly string[]>(
		(heads, field) => heads.flatMap((head) => FIELDS[field].of(image).map((value) => head + value)),
		[''],
	);
}

export function textKey(value: string | null): string {
	const escaped = (value ?? '').replaceAll('\u0001', '\u0001\u0002').replaceAll('\u0000', '\u0001\u0001');
	return `${escaped}\u0000`;
}

export function facetKey(value: string): string {
	return value.length <= FACET_CHARS_MAX ? textKey(value) : textKey(createHash('sha256').update(value).digest('base64url'));
}

export function propertyKey(name: string, value: string): string {
	return facetKey(name) + facetKey(value);
}

function hex(value: number | null, digits: number): string {
	return (value ?? 0).toString(16).padStart(digits, '0');
}
