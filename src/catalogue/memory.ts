/** The key-value contract in memory: for tests, and for nodes that keep nothing. */
import type { KeyChange, KeyRange, KeyValue } from '#lib/key-value.ts';
import { compareUtf8 } from '#lib/utf8-order.ts';
import { prefixed } from './prefixed.ts';

/** Keys of a run; a longer one is split. Runs keep one change cheap: it copies one run, not everything. */
const RUN_KEYS_MAX = 256;

interface Entry {
	readonly key: string;
	readonly value: Uint8Array;
}
/** Sorted runs of sorted entries, never changed in place: holding one is holding a snapshot. */
type Runs = readonly (readonly Entry[])[];

/** Ill-formed strings are kept as an engine of bytes would keep them: with U+FFFD for each lone surrogate. */
export function memoryKeyValue(): KeyValue {
	let runs: Runs = [];
	let closed = false;

	function current(): Runs {
		if (closed) throw new TypeError('the key-value store is closed');
		return runs;
	}

	const store: KeyValue = {
		get: (key) => find(current(), key.toWellFormed())?.value,
		getMany: async (keys) => keys.map((key) => find(current(), key.toWellFormed())?.value),
		async *entries(range) {
			for (const { key, value } of select(current(), range)) yield [key, value];
		},
		async *keys(range) {
			for (const { key } of select(current(), range)) yield key;
		},
		write: async (changes) => {
			runs = changes.reduce(applied, current());
		},
		sub: (prefix) => prefixed(store, prefix),
		close: async () => {
			closed = true;
			runs = [];
		},
	};
	return store;
}

function find(runs: Runs, key: string): Entry | undefined {
	const run = runs[runOf(runs, key)];
	const entry = run?.[lowerBound(run, key)];
	return entry?.key === key ? entry : undefined;
}

function applied(runs: Runs, change: KeyChange): Runs {
	const key = ('put' in change ? change.put : change.del).toWellFormed();
	const at = runOf(runs, key);
	const run = runs[at] ?? [];
	const index = lowerBound(run, key);
	const present = run[index]?.key === key;
	if (!present && 'del' in change) return runs;
	const entries = 'put' in change ? [{ key, value: new Uint8Array(change.value) }] : [];
	const next = run.toSpliced(index, present ? 1 : 0, ...entries);
	return runs.toSpliced(at, 1, ...split(next));
}

function split(run: readonly Entry[]): Runs {
	if (run.length === 0) return [];
	if (run.length <= RUN_KEYS_MAX) return [run];
	const middle = run.length >> 1;
	return [run.slice(0, middle), run.slice(middle)];
}

function* select(runs: Runs, range: KeyRange): Iterable<Entry> {
	const { limit = Number.POSITIVE_INFINITY, reverse = false } = range;
	const within = bounds(range);
	let left = limit < 0 ? Number.POSITIVE_INFINITY : limit;
	for (const entry of reverse ? backward(runs, range) : forward(runs, range)) {
		const side = within(entry.key);
		if (side === 'before') continue;
		if (side === 'after' || left-- <= 0) return;
		yield entry;
	}
}

/** Where a key lies, in the direction of travel. */
function bounds(range: KeyRange): (key: string) => 'before' | 'inside' | 'after' {
	const low = (key: string) =>
		(range.gt !== undefined && compareUtf8(key, range.gt) <= 0) || (range.gte !== undefined && compareUtf8(key, range.gte) < 0);
	const high = (key: string) =>
		(range.lt !== undefined && compareUtf8(key, range.lt) >= 0) || (range.lte !== undefined && compareUtf8(key, range.lte) > 0);
	const [before, after] = range.reverse ? [high, low] : [low, high];
	return (key) => (before(key) ? 'before' : after(key) ? 'after' : 'inside');
}

function* forward(runs: Runs, range: KeyRange): Iterable<Entry> {
	const start = range.gte ?? range.gt ?? '';
	for (let r = runOf(runs, start); r < runs.length; r++) yield* runs[r] ?? [];
}

function* backward(runs: Runs, range: KeyRange): Iterable<Entry> {
	const start = range.lte ?? range.lt;
	for (let r = start === undefined ? runs.length - 1 : runOf(runs, start); r >= 0; r--) {
		const run = runs[r] ?? [];
		for (let i = run.length - 1; i >= 0; i--) yield run[i] as Entry;
	}
}

/** The run that holds the key, or would. */
function runOf(runs: Runs, key: string): number {
	let low = 0;
	let high = runs.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (compareUtf8(runs[middle]?.[0]?.key ?? '', key) <= 0) low = middle + 1;
		else high = middle;
	}
	return Math.max(low - 1, 0);
}

function lowerBound(run: readonly Entry[], key: string): number {
	let low = 0;
	let high = run.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (compareUtf8(run[middle]?.key ?? '', key) < 0) low = middle + 1;
		else high = middle;
	}
	return low;
}
