/** Candidates for a list in its order, found by walking indexes; never reads far beyond what is taken. */
import type { Image, ImageId } from '#domain/image.ts';
import type { SortTerm } from '#domain/query.ts';
import type { KeyValue } from '#lib/key-value.ts';
import { FIELDS, type Field, hasIndex, listPrefix, tailOf } from '../indexes.ts';
import { orderOf } from './order.ts';
import { groups, scan } from './scan.ts';

/** Images of one value that are sorted in memory when no index has their order. */
const SORTED_GROUP_MAX = 512;

/** Where candidates come from: a scope, narrowed to some values of one field. */
export interface Roots {
	readonly scopes: readonly string[];
	readonly facet?: { readonly field: Field; readonly values: readonly string[] };
}

export interface Source {
	readonly kv: KeyValue;
	image(id: ImageId): Image | undefined;
}

/** Can `walk` give this order from these roots? */
export function walks(roots: Roots, terms: readonly SortTerm[]): boolean {
	return hasIndex(pathOf(roots, terms));
}

/** Terms are essential ones: they end with the id. Images come after `marker`, each once, not yet filtered. */
export async function* walk(source: Source, roots: Roots, terms: readonly SortTerm[], marker?: Image): AsyncIterable<Image> {
	const path = pathOf(roots, terms);
	const lead = terms[0];
	if (lead === undefined) return;
	const prefixes = prefixesOf(roots, path);
	if (isNatural(terms)) {
		const after = marker && leadValue(lead, marker) + tailOf(marker);
		yield* images(source, scan(source.kv, prefixes, lead.descending, after));
		return;
	}
	if (lead.key === 'createdAt') {
		yield* byInstant(source, prefixes, terms, marker);
		return;
	}
	const first = marker && leadValue(lead, marker);
	for await (const group of groups(source.kv, prefixes, lead.descending, first)) {
		const inside = group === first ? marker : undefined;
		yield* withinGroup(source, roots, prefixes, group, terms, inside);
	}
}

/** The images of one value of the leading term, in the order of the others. */
async function* withinGroup(
	source: Source,
	roots: Roots,
	prefixes: readonly string[],
	group: string,
	terms: readonly SortTerm[],
	marker?: Image,
): AsyncIterable<Image> {
	const [lead, ...rest] = terms;
	const inGroup = prefixes.map((prefix) => prefix + group);
	if (rest[0]?.key === 'createdAt' && isNatural(rest)) {
		yield* images(source, scan(source.kv, inGroup, rest[0].descending, marker && tailOf(marker)));
		return;
	}
	const field = lead?.key === 'createdAt' ? undefined : lead?.key;
	const narrower = field && { scopes: roots.scopes, facet: { field, values: [group] } };
	if (!roots.facet && narrower && walks(narrower, rest)) {
		yield* walk(source, narrower, rest, marker);
		return;
	}
	const few = await atMost(scan(source.kv, inGroup, false), SORTED_GROUP_MAX);
	if (few) yield* sorted(images(source, few), terms, marker);
	else yield* withLead(walk(source, { scopes: roots.scopes }, rest, marker), terms, group);
}

/** A large share of all images has this value: they are met often enough in the order of the other terms. */
async function* withLead(all: AsyncIterable<Image>, terms: readonly SortTerm[], group: string): AsyncIterable<Image> {
	for await (const image of all) if (terms[0] && leadValue(terms[0], image) === group) yield image;
}

/** All ids when there are no more than `max`. */
export async function atMost(ids: AsyncIterable<ImageId>, max: number): Promise<readonly ImageId[] | undefined> {
	const found: ImageId[] = [];
	for await (const id of ids) if (found.push(id) > max) return undefined;
	return found;
}

/** Creation times in one direction and ids in the other: the images of an instant are few and sorted in memory. */
async function* byInstant(
	source: Source,
	prefixes: readonly string[],
	terms: readonly SortTerm[],
	marker?: Image,
): AsyncIterable<Image> {
	const descending = terms[0]?.descending ?? false;
	const edge = marker && tailOf(marker).slice(0, -marker.id.length) + (descending ? '\u{10FFFF}' : '');
	let instant: Image[] = [];
	for await (const image of images(source, scan(source.kv, prefixes, descending, edge))) {
		if (instant[0] && instant[0].createdAt !== image.createdAt) {
			yield* sorted(instant, terms, marker);
			instant = [];
		}
		instant.push(image);
	}
	yield* sorted(instant, terms, marker);
}

/** All of them, in order, after the marker. For sets known to be small, and for orders that no index has. */
export async function* sorted(
	candidates: AsyncIterable<Image> | Iterable<Image>,
	terms: readonly SortTerm[],
	marker?: Image,
): AsyncIterable<Image> {
	const order = orderOf(terms);
	const all = await Array.fromAsync(candidates);
	yield* all.filter((image) => !marker || order(image, marker) > 0).sort(order);
}

export async function* images(source: Source, ids: AsyncIterable<ImageId> | Iterable<ImageId>): AsyncIterable<Image> {
	for await (const id of ids) {
		const image = source.image(id);
		if (image) yield image;
	}
}

/** Does an index have this order as it is: its leading field, then creation, then id, all in one direction? */
function isNatural(terms: readonly SortTerm[]): boolean {
	const keys = terms.map((term) => term.key).join();
	const lead = terms[0]?.key;
	const natural = keys === 'createdAt,id' || keys === 'id' || keys === `${lead},createdAt,id`;
	return natural && terms.every((term) => term.descending === terms[0]?.descending);
}

function leadValue(lead: SortTerm, image: Image): string {
	return lead.key === 'createdAt' ? '' : (FIELDS[lead.key].of(image)[0] ?? '');
}

function pathOf({ facet }: Roots, terms: readonly SortTerm[]): readonly Field[] {
	const lead = terms[0]?.key;
	return [...(facet ? [facet.field] : []), ...(lead === undefined || lead === 'createdAt' ? [] : [lead])];
}

export function prefixesOf({ scopes, facet }: Roots, path: readonly Field[]): readonly string[] {
	if (!facet) return scopes.map((scope) => listPrefix(scope, path, []));
	return scopes.flatMap((scope) => facet.values.map((value) => listPrefix(scope, path, [value])));
}
