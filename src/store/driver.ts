/**
 * The port of central backends, Glance Store's word for places that keep whole images in Glance's own layout.
 *
 * To add a driver: one file in drivers/ that exports a `DriverKind`, one line in drivers/index.ts, one test file that runs
 * test/support/store-driver-suite.ts on the real server. A driver speaks its backend's protocol and nothing else: retries,
 * limits on time and number, refused capabilities, counting and checksums are the wrapper's (store.ts), the same for all.
 * What it makes in several steps it notes by drivers/half-made.ts, which takes care of failures and crashes in between.
 *
 * Errors are `ImageError`s, and no message carries a credential. Codes, after Glance Store's exceptions:
 * `not-found` NotFound · `conflict` Duplicate, HasSnapshot, InUseByStore · `full` StorageFull · `write-denied` StorageWriteDenied
 * · `invalid` Invalid, BadStoreUri · `forbidden` Forbidden · `unavailable` the backend cannot be reached, or says that it is
 * too busy: asking again may help · `store-failed` BackendException and every answer that makes no sense · `whole-only`
 * StoreRandomGetNotSupported · `aborted`.
 */
import type { ByteRange } from '#domain/controller.ts';
import type { ListedObject, ObjectSource, PutCall, StoreCall, StoredObject, StoreReaders } from '#domain/ports/stores.ts';
import type { Log } from '#lib/log.ts';
import type { StoreOptions } from './options.ts';

export interface DriverManifest {
	/** Glance's type name: file, http, s3, swift, rbd, … */
	readonly type: string;
	/** of the locations it understands, without the colon */
	readonly schemes: readonly string[];
	/** takes objects (WRITE_ACCESS) */
	readonly writable: boolean;
	/**
	 * Serves ranges (READ_RANDOM). Of one that does not, only whole objects are asked for; one that does may still have places
	 * that give whole objects only, if its `get` says so by `whole-only`.
	 */
	readonly ranged: boolean;
	/** lets objects go; a location of one that does not is only forgotten */
	readonly removable: boolean;
	/** takes a whole file of the same host by link or clone instead of a stream */
	readonly adoptsFiles: boolean;
	/** says what it holds; its `list` is there. Default false */
	readonly lists?: boolean;
	/** may be told who reads an object; its `share` is there when its options ask for that. Default false */
	readonly shares?: boolean;
	/** A location without the secret that Glance writes into it, which names the same place; one that makes no sense as it is. */
	readonly bare?: (location: string) => string;
}

/** A type of store: what the register holds. */
export interface DriverKind {
	readonly manifest: DriverManifest;
	/** Throws `OptionError` with the option's name: before anything is opened, and without talking to anybody. */
	check(options: StoreOptions): void;
	/**
	 * Loads what the driver needs (an SDK, a native library) and speaks to the backend at least once. Fails with `unavailable`
	 * while the backend is down: it is tried again later. A half-written object that a crash has left is removed, or is of no harm.
	 */
	open(options: StoreOptions, around: DriverSurroundings): Promise<StoreDriver>;
	/** How long a transfer may bring nothing, in milliseconds, where a step of the backend may take longer than `StoreLimits` allow. */
	stallMs?(options: StoreOptions): number;
	/** `properties` of `GET /v2/info/stores/detail`: Glance's names, never a secret. */
	properties(options: StoreOptions): Readonly<Record<string, unknown>>;
}

export interface DriverSurroundings {
	/** the store's id, for messages */
	readonly store: string;
	readonly log: Log;
	readonly signal: AbortSignal;
	/** this node's own folder for the driver, made when it is used; absolute */
	readonly workDir: string;
}

export interface StoreDriver extends AsyncDisposable {
	readonly manifest: DriverManifest;
	/**
	 * Stores one object: visible and durable when it resolves, nothing left when it fails or is aborted.
	 * Reads the source at most once, in order, no faster than the backend takes it, and holds no more of it than a few parts.
	 * `conflict` when an object of that key exists; `invalid` when the source's length differs from its `size`.
	 */
	put(key: string, source: ObjectSource, call: PutCall): Promise<StoredObject>;
	/**
	 * Bytes [start, end) in order; `whole` is the object to its end. A chunk is valid until the next one is asked for.
	 * `whole-only`, before the first byte, for a part of an object that its backend gives only whole: whoever reads does not
	 * ask for more parts then, but for the whole, once.
	 */
	get(location: string, range: ByteRange | 'whole', call: StoreCall): AsyncIterable<Uint8Array>;
	/** bytes; `not-found`; `invalid` for a location that is not one of this driver's */
	stat(location: string, call: StoreCall): Promise<{ readonly size: number }>;
	/** `not-found` when it was not there; `conflict` while something depends on it. */
	remove(location: string, call: StoreCall): Promise<void>;
	/** The location that `put` of this key gives, where that can be known before. */
	locate(key: string): string | undefined;
	/**
	 * Throws when the backend cannot take and give objects right now. What a `put` that failed has left, and could not take back
	 * while the backend was away, goes now: a node asks every store now and then.
	 */
	check(call: StoreCall): Promise<void>;
	/** Who may read an object, for backends that have their own accounts (swift, multi-tenant). */
	share?(location: string, readers: StoreReaders, call: StoreCall): Promise<void>;
	/** Objects that look like Glance's, named by image ids, in no order. What comes or goes meanwhile may be there or not. */
	list?(call: StoreCall): AsyncIterable<ListedObject>;
}
