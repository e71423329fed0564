/**
 * The port of central backends, Glance Store's word for places that keep whole images in Glance's own layout.
 *
 * To add a driver: one file in drivers/ that exports `manifest`, `parseOptions` and `open`, one line in
 * drivers/index.ts, one row in test/contract/store-driver.test.ts.
 */
import type { ByteRange } from '#domain/controller.ts';

export interface DriverManifest {
	/** Glance's type name: file, http, s3, swift, rbd, … */
	readonly type: string;
	readonly schemes: readonly string[];
	readonly writable: boolean;
	/** serves ranges (READ_RANDOM) */
	readonly ranged: boolean;
	/** takes a whole file of the same host by link or clone instead of a stream */
	readonly adoptsFiles: boolean;
}

export interface StoreDriver extends AsyncDisposable {
	readonly manifest: DriverManifest;
	/**
	 * Stores one object: visible and durable when it resolves, nothing left when it fails.
	 * `conflict` when an object of that key exists; `full`, `write-denied`; `invalid` when the source's length differs from `size`.
	 */
	put(key: string, source: ObjectSource, options: { readonly signal: AbortSignal }): Promise<StoredObject>;
	/** Bytes [start, end) in order. `not-found` when there is no such object. */
	get(location: string, range: ByteRange, options: { readonly signal: AbortSignal }): AsyncIterable<Uint8Array>;
	/** bytes; `not-found` */
	stat(location: string): Promise<{ readonly size: number }>;
	/** `not-found` when it was not there. */
	remove(location: string): Promise<void>;
	/** The location that `put` of this key gives. */
	locate(key: string): string;
	/** Throws when the backend cannot take and give objects right now. */
	check(options: { readonly signal: AbortSignal }): Promise<void>;
}

export interface ObjectSource {
	/** bytes */
	readonly size: number;
	read(): AsyncIterable<Uint8Array>;
	/** A finished, immutable file with exactly these bytes on this host, if there is one. */
	readonly file?: string;
}

export interface StoredObject {
	/** Glance's URI: file:///dir/<image id> */
	readonly location: string;
	/** how it came there: `link` and `clone` cost no second copy */
	readonly how: 'link' | 'clone' | 'copy';
}
