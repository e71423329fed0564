/** Reads several index ranges as one ordered range. */
import type { KeyRange, KeyValue } from '#lib/key-value.ts';
import { afterPrefix, compareUtf8 } from '#lib/utf8-order.ts';

/** Which part of a prefix's keys, and in which direction. */
export type RangeOf = (prefix: string) => KeyRange;

/** What follows the prefix in all keys of the ranges, in order; what several prefixes have is given once. */
export async function* scan(kv: KeyValue, prefixes: readonly string[], range: RangeOf): AsyncIterable<string> {
	const only = prefixes[0];
	if (only !== undefined && prefixes.length === 1) yield* tails(kv, only, range);
	else yield* merged(kv, prefixes, range);
}

async function* merged(kv: KeyValue, prefixes: readonly string[], range: RangeOf): AsyncIterable<string> {
	const descending = range('').reverse === true;
	const streams = prefixes.map((prefix) => tails(kv, prefix, range));
	try {
		const heads = await Promise.all(streams.map(next));
		for (;;) {
			const least = leastOf(heads, descending);
			if (least === undefined) return;
			yield least;
			for (const [index, stream] of streams.entries()) if (heads[index] === least) heads[index] = await next(stream);
		}
	} finally {
		await Promise.all(streams.map((stream) => stream.return(undefined)));
	}
}

async function* tails(kv: KeyValue, prefix: string, range: RangeOf): AsyncGenerator<string, undefined> {
	for await (const key of kv.keys(range(prefix))) yield key.slice(prefix.length);
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

/** All keys, or those after a tail, which is not given itself. */
export function afterTail(descending: boolean, tail?: string): RangeOf {
	return (prefix) => {
		if (tail === undefined) return { gte: prefix, ...upTo(prefix), reverse: descending };
		return descending ? { gte: prefix, lt: prefix + tail, reverse: true } : { gt: prefix + tail, ...upTo(prefix) };
	};
}

/** Those whose tail begins with `group`, and all after them. */
export function fromGroup(descending: boolean, group: string): RangeOf {
	return (prefix) =>
		descending ? { gte: prefix, ...upTo(prefix + group), reverse: true } : { gte: prefix + group, ...upTo(prefix) };
}

/** Those after all whose tail begins with `group`. */
export function beyondGroup(descending: boolean, group: string): RangeOf {
	return (prefix) =>
		descending
			? { gte: prefix, lt: prefix + group, reverse: true }
			: { gte: afterPrefix(prefix + group) ?? prefix + group, ...upTo(prefix) };
}

function upTo(prefix: string): KeyRange {
	const lt = afterPrefix(prefix);
	return lt === undefined ? {} : { lt };
}
