/** Reads several index ranges as one ordered range. */
import type { ImageId } from '#domain/image.ts';
import type { KeyRange, KeyValue } from '#lib/key-value.ts';
import { afterPrefix, compareUtf8 } from '#lib/utf8-order.ts';
import { groupOf, idOf } from '../indexes.ts';

/** Ids under all prefixes in the order of what follows the prefix, each once; `after` is such a tail, exclusive. */
export async function* scan(
	kv: KeyValue,
	prefixes: readonly string[],
	descending: boolean,
	after?: string,
): AsyncIterable<ImageId> {
	const only = prefixes[0];
	if (only !== undefined && prefixes.length === 1) {
		for await (const key of kv.keys(under(only, descending, after))) yield idOf(key);
		return;
	}
	yield* merged(kv, prefixes, descending, after);
}

async function* merged(kv: KeyValue, prefixes: readonly string[], descending: boolean, after?: string): AsyncIterable<ImageId> {
	const streams = prefixes.map((prefix) => tails(kv, prefix, descending, after));
	try {
		const heads = await Promise.all(streams.map(next));
		for (;;) {
			const least = leastOf(heads, descending);
			if (least === undefined) return;
			yield idOf(least);
			for (const [index, stream] of streams.entries()) if (heads[index] === least) heads[index] = await next(stream);
		}
	} finally {
		await Promise.all(streams.map((stream) => stream.return(undefined)));
	}
}

async function* tails(kv: KeyValue, prefix: string, descending: boolean, after?: string): AsyncGenerator<string, undefined> {
	for await (const key of kv.keys(under(prefix, descending, after))) yield key.slice(prefix.length);
	return undefined;
}

async function next(stream: AsyncGenerator<string, undefined>): Promise<string | undefined> {
	return (await stream.next()).value;
}

function leastOf(heads: readonly (string | undefined)[], descending: boolean): string | undefined {
	let least: string | undefined;
	for (const head of heads) {
		if (head === undefined) continue;
		if (least === undefined || compareUtf8(head, least) < 0 !== descending) least = head;
	}
	return least;
}

/**
 * The distinct sort values under the prefixes, in order, each found with one look-up a prefix: what lies between two
 * of them is never read. `from` is the first to give, inclusive.
 */
export async function* groups(
	kv: KeyValue,
	prefixes: readonly string[],
	descending: boolean,
	from?: string,
): AsyncIterable<string> {
	let range = (prefix: string) => (from === undefined ? under(prefix, descending) : fromGroup(prefix, from, descending));
	for (;;) {
		const found = await Promise.all(prefixes.map((prefix) => firstGroup(kv, prefix, range(prefix))));
		const least = leastOf(found, descending);
		if (least === undefined) return;
		yield least;
		range = (prefix) => beyondGroup(prefix, least, descending);
	}
}

async function firstGroup(kv: KeyValue, prefix: string, range: KeyRange): Promise<string | undefined> {
	for await (const key of kv.keys({ ...range, limit: 1 })) return groupOf(key, prefix);
	return undefined;
}

function under(prefix: string, descending: boolean, after?: string): KeyRange {
	const end = upTo(afterPrefix(prefix));
	if (after === undefined) return { gte: prefix, ...end, reverse: descending };
	return descending ? { gte: prefix, lt: prefix + after, reverse: true } : { gt: prefix + after, ...end };
}

function fromGroup(prefix: string, group: string, descending: boolean): KeyRange {
	if (descending) return { gte: prefix, ...upTo(afterPrefix(prefix + group)), reverse: true };
	return { gte: prefix + group, ...upTo(afterPrefix(prefix)) };
}

function beyondGroup(prefix: string, group: string, descending: boolean): KeyRange {
	if (descending) return { gte: prefix, lt: prefix + group, reverse: true };
	return { gte: afterPrefix(prefix + group) ?? prefix + group, ...upTo(afterPrefix(prefix)) };
}

function upTo(lt: string | undefined): KeyRange {
	return lt === undefined ? {} : { lt };
}
