/**
 * An ordered key-value store: the one thing the catalogue and the content store ask of an engine.
 *
 * Keys are strings, ordered by their UTF-8 bytes (not by UTF-16 units). Values are bytes that the store may not
 * keep a reference to and the caller may not change. One `write` is one transaction: after it resolves all of it is
 * visible, and after a crash all of it or nothing is there. With `sync` it also survives loss of power.
 */
export interface KeyValue {
	/** The value, or undefined. Synchronous: a hot `get` costs less than a turn of the event loop. */
	get(key: string): Uint8Array | undefined;
	getMany(keys: readonly string[]): Promise<(Uint8Array | undefined)[]>;
	/** Entries of the range in key order (or reversed), from one snapshot taken when iteration starts. */
	entries(range: KeyRange): AsyncIterable<readonly [key: string, value: Uint8Array]>;
	/** Keys alone, in pages: cheaper than `entries` where the key says everything. */
	keys(range: KeyRange): AsyncIterable<string>;
	write(changes: readonly KeyChange[], options: { readonly sync: boolean }): Promise<void>;
	/** A view of the keys that begin with `prefix`; its own keys are without it. */
	sub(prefix: string): KeyValue;
	close(): Promise<void>;
}

/** Bounds are inclusive (`gte`, `lte`) or exclusive (`gt`, `lt`); absent bounds are open. */
export interface KeyRange {
	readonly gt?: string;
	readonly gte?: string;
	readonly lt?: string;
	readonly lte?: string;
	readonly reverse?: boolean;
	readonly limit?: number;
}

export type KeyChange = { readonly put: string; readonly value: Uint8Array } | { readonly del: string };
