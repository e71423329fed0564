/** The `sub` of every key-value store: the keys of one that begin with a prefix, seen without it. */
import type { KeyRange, KeyValue } from '#lib/key-value.ts';
import { afterPrefix } from '#lib/utf8-order.ts';

/** Closing the view closes nothing: the store belongs to whoever opened it. */
export function prefixed(base: KeyValue, prefix: string): KeyValue {
	const inside = (range: KeyRange) => rangeUnder(prefix, range);
	return {
		get: (key) => base.get(prefix + key),
		getMany: (keys) => base.getMany(keys.map((key) => prefix + key)),
		async *entries(range) {
			for await (const [key, value] of base.entries(inside(range))) yield [key.slice(prefix.length), value];
		},
		async *keys(range) {
			for await (const key of base.keys(inside(range))) yield key.slice(prefix.length);
		},
		write: (changes, options) =>
			base.write(
				changes.map((change) =>
					'put' in change ? { put: prefix + change.put, value: change.value } : { del: prefix + change.del },
				),
				options,
			),
		sub: (inner) => prefixed(base, prefix + inner),
		close: async () => {},
	};
}

function rangeUnder(prefix: string, range: KeyRange): KeyRange {
	const { gt, gte, lt, lte, ...rest } = range;
	const end = afterPrefix(prefix);
	return {
		...rest,
		...(gt === undefined ? { gte: prefix + (gte ?? '') } : { gt: prefix + gt }),
		...(gt !== undefined && gte !== undefined && { gte: prefix + gte }),
		...(lt !== undefined && { lt: prefix + lt }),
		...(lte !== undefined && { lte: prefix + lte }),
		...(lt === undefined && lte === undefined && end !== undefined && { lt: end }),
	};
}
