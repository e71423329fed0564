/** Candidates for a list in its order, found by walking indexes; never reads far beyond what is taken. */
import type { Image, ImageId } from '#domain/image.ts';
import type { SortTerm } from '#domain/query.ts';
import type { KeyValue } from '#lib/key-value.ts';
import {
	FIELDS,
	type Field,
	hasIndex,
	idOf,
	instantOf,
	listPrefix,
	onlySorts,
	sortValueOf,
	tailOf,
	timeKey,
} from '../indexes.ts';
import { orderOf } from './order.ts';
import { afterTail, beyondGroup, fromGroup, type RangeOf, scan } from './scan.ts';

/** Images of one value that are sorted in memory: where an index has their order, and where none has it. */
const SORTED_INDEXED_MAX = 64;
const SORTED_UNINDEXED_MAX = 2048;

/** Where candidates come from: scopes, narrowed to some values of one field where a scope has an index of that. */
export interface Roots {
	readonly scopes: readonly string[];
	readonly facet?: { readonly field: Field; readonly values: readonly string[] };
}

export interface Source {
	readonly kv: KeyValue;
	image(id: ImageId): Image | undefined;
}

/** At least one, the last of which is the id. */
type Terms = readonly SortTerm[];

/** Can `walk` give this order from these roots? */
export function walks(roots: Roots, terms: Terms): boolean {
	return hasIndex(pathOf(roots, terms));
}

/** Terms are essential ones: they end with the id. Images come after `marker`, each once, not yet filtered. */
export async function* walk(source: Source, roots: Roots, terms: Terms, marker?: Image): AsyncIterable<Image> {
	const [lead] = terms;
	if (lead === undefined) return;
	const prefixes = prefixesOf(roots, pathOf(roots, terms));
	if (isNatural(terms)) {
		const after = marker && (lead.key === 'createdAt' ? '' : groupValue(lead, marker)) + tailOf(marker);
		yield* images(source, scan(source.kv, prefixes, afterTail(lead.descending, after)));
		return;
	}
	const max = hasInnerOrder(roots, terms) ? SORTED_INDEXED_MAX : SORTED_UNINDEXED_MAX;
	const first = marker && groupValue(lead, marker);
	let range = first === undefined ? afterTail(lead.descending) : fromGroup(lead.descending, first);
	for (;;) {
		const large = yield* smallGroups(source, prefixes, range, terms, max, marker);
		if (large === undefined) return;
		yield* largeGroup(source, roots, prefixes, large, terms, large === first ? marker : undefined);
		range = beyondGroup(lead.descending, large);
	}
}

/** Images group by group, each sorted in memory, up to a group that is too large for that: its value is returned. */
async function* smallGroups(
	source: Source,
	prefixes: readonly string[],
	range: RangeOf,
	terms: Terms,
	max: number,
	marker?: Image,
): AsyncGenerator<Image, string | undefined> {
	const groupIn = terms[0]?.key === 'createdAt' ? instantOf : sortValueOf;
	let group: string | undefined;
	let ids: string[] = [];
	for await (const tail of scan(source.kv, prefixes, range)) {
		const value = groupIn(tail);
		if (value !== group) {
			yield* sorted(images(source, ids), terms, marker);
			group = value;
			ids = [];
		}
		if (ids.push(tail) > max) return group;
	}
	yield* sorted(images(source, ids), terms, marker);
	return undefined;
}

/** The images of one value of the leading term, in the order of the others. */
async function* largeGroup(
	source: Source,
	roots: Roots,
	prefixes: readonly string[],
	group: string,
	terms: Terms,
	marker?: Image,
): AsyncIterable<Image> {
	const [lead, ...rest] = terms;
	const [second] = rest;
	if (!lead || !second) return;
	if (isRestOfIndex(terms)) {
		const after = marker && (lead.key === 'createdAt' ? marker.id : tailOf(marker));
		const inGroup = prefixes.map((prefix) => prefix + group);
		yield* images(source, scan(source.kv, inGroup, afterTail(second.descending, after)));
		return;
	}
	const narrower = narrowerRoots(roots, lead, group);
	const same = narrower && walks(narrower, rest) ? narrower : { scopes: roots.scopes };
	yield* withLead(walk(source, same, rest, marker), lead, group);
}

function hasInnerOrder(roots: Roots, terms: Terms): boolean {
	const narrower = terms[0] && narrowerRoots(roots, terms[0], '');
	return isRestOfIndex(terms) || (narrower !== undefined && walks(narrower, terms.slice(1)));
}

/** Is the order within one value of the leading term what the index goes on with, perhaps in the other direction? */
function isRestOfIndex([lead, ...rest]: Terms): boolean {
	return isNatural(rest) && rest[0]?.key === (lead?.key === 'createdAt' ? 'id' : 'createdAt');
}

function narrowerRoots(roots: Roots, lead: SortTerm, group: string): Roots | undefined {
	if (roots.facet || lead.key === 'createdAt') return undefined;
	return { scopes: roots.scopes, facet: { field: lead.key, values: [group] } };
}

/** Those with this value. Where no index has them alone they are a large share of all images, and met often enough. */
async function* withLead(all: AsyncIterable<Image>, lead: SortTerm, group: string): AsyncIterable<Image> {
	for await (const image of all) if (groupValue(lead, image) === group) yield image;
}

/** All of them, in order, after the marker. For sets known to be small. */
export async function* sorted(
	candidates: AsyncIterable<Image> | Iterable<Image>,
	terms: Terms,
	marker?: Image,
): AsyncIterable<Image> {
	const order = orderOf(terms);
	const all = await Array.fromAsync(candidates);
	yield* all.filter((image) => !marker || order(image, marker) > 0).sort(order);
}

/** The images of ids, or of keys or tails that end with one. */
export async function* images(source: Source, keys: AsyncIterable<string> | Iterable<string>): AsyncIterable<Image> {
	for await (const key of keys) {
		const image = source.image(idOf(key));
		if (image) yield image;
	}
}

/** Does an index have this order as it is: its leading field, then creation, then id, all in one direction? */
function isNatural(terms: Terms): boolean {
	const keys = terms.map((term) => term.key).join();
	const lead = terms[0]?.key;
	const natural = keys === 'createdAt,id' || keys === 'id' || keys === `${lead},createdAt,id`;
	return natural && terms.every((term) => term.descending === terms[0]?.descending);
}

function groupValue({ key }: SortTerm, image: Image): string {
	return key === 'createdAt' ? timeKey(image.createdAt) : (FIELDS[key].of(image)[0] ?? '');
}

function pathOf({ facet }: Roots, terms: Terms): readonly Field[] {
	const lead = terms[0]?.key;
	return [...(facet ? [facet.field] : []), ...(lead === undefined || lead === 'createdAt' ? [] : [lead])];
}

export function prefixesOf({ scopes, facet }: Roots, path: readonly Field[]): readonly string[] {
	return scopes.flatMap((scope) => {
		if (!facet) return listPrefix(scope, path, []);
		// the tails are the same with and without the field held equal
		if (onlySorts(scope)) return listPrefix(scope, path.slice(1), []);
		return facet.values.map((value) => listPrefix(scope, path, [value]));
	});
}
