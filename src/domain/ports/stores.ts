/**
 * Stores: the central backends that keep whole images, one object an image and store. Sites are stores too for clients,
 * but their bytes are contents and go through image-data.ts.
 */
import type { ByteRange } from '../controller.ts';

/** One backend of this node. Every message of its errors begins with the store's id. */
export interface ImageStore {
	/** what `stores` of an image shows */
	readonly id: string;
	/** Glance's type name: file, s3, … */
	readonly type: string;
	readonly description?: string;
	/** the heavier, the sooner its locations are read */
	readonly weight: number;
	/** takes no objects: http, and what was configured so */
	readonly readOnly: boolean;
	/** serves ranges, though perhaps not of every object; one that does not gives whole objects only */
	readonly ranged: boolean;
	/** false: its locations are only forgotten, nothing is deleted */
	readonly removable: boolean;
	/** of its locations, without the colon */
	readonly schemes: readonly string[];
	/** A location as it is kept and shown: without the secret that a Glance may have written into it. */
	bare(location: string): string;
	/** `properties` of `GET /v2/info/stores/detail` */
	readonly properties: Readonly<Record<string, unknown>>;
	/** Why it cannot be used right now; undefined when it can. */
	fault(): string | undefined;
	/**
	 * Stores one object: visible, durable and of the right length and md5 when it resolves; nothing is left when it fails.
	 * `gone` for a read-only store, `conflict` when an object of that key exists, `full`, `write-denied`, `invalid` when
	 * the source's length differs from its `size`, `corrupt` when its md5 is not the one that it promised, `unavailable`, `store-failed`.
	 */
	put(key: string, source: ObjectSource, call: PutCall): Promise<StoredObject>;
	/**
	 * Bytes [start, end) in order; `whole`: to the end. `whole-only`, before any byte, for a part of an object that can only be
	 * had whole: of a store without ranges, or on a server without them.
	 */
	get(location: string, range: ByteRange | 'whole', call: StoreCall): AsyncIterable<Uint8Array>;
	stat(location: string, call: StoreCall): Promise<{ readonly size: number }>;
	/** `not-found` when it was not there; `conflict` while something depends on it. */
	remove(location: string, call: StoreCall): Promise<void>;
	/** Where an object of this key would be: needed to find what a crash has left without a note. Undefined where nobody can tell before. */
	locate(key: string, call: StoreCall): Promise<string | undefined>;
	check(call: StoreCall): Promise<void>;
	/** Tells the backend who may read an object: the same again does no harm. Absent where it has no notion of that. */
	share?(location: string, readers: StoreReaders, call: StoreCall): Promise<void>;
	/** What lies there under names that are image ids, in no order, whoever put it there. Absent where the backend cannot tell. */
	list?(call: StoreCall): AsyncIterable<ListedObject>;
}

/** What a backend says of an object that it holds. */
export interface ListedObject {
	/** as `put` was given it: an image id */
	readonly key: string;
	readonly location: string;
	/** bytes */
	readonly size: number;
}

export interface ImageStores {
	/** heaviest first, then as configured */
	readonly all: readonly ImageStore[];
	/** where images go when nobody says; undefined: nowhere but to this site */
	readonly byDefault: ImageStore | undefined;
	find(id: string): ImageStore | undefined;
	/** By `store` of its metadata, else by scheme and form of the URL. */
	ofLocation(location: StoreLocation): ImageStore | undefined;
}

/** One place of an image's bytes. */
export interface StoreLocation {
	/** as its store names the place: file:///dir/<image id> */
	readonly url: string;
	/** `store`: the store's id. Strings, lists and objects only */
	readonly metadata: Readonly<Record<string, unknown>>;
}

export interface StoreCall {
	readonly signal: AbortSignal;
	/** in whose name, for backends where images lie in their owners' accounts; absent: this node's own */
	readonly caller?: StoreCaller;
}

export interface PutCall extends StoreCall {
	/** Told now and then; bytes so far. */
	readonly onProgress?: (bytes: number) => void;
	/** Awaited where a location is known only once its object is begun: what a crash leaves from then on lies there. */
	readonly onPlace?: (location: string) => Promise<void>;
}

export interface StoreCaller {
	/** project id */
	readonly project: string | null;
	/** user id */
	readonly user: string | null;
}

/** Public: everybody. Else the projects of these ids, beside the owner. */
export interface StoreReaders {
	readonly public: boolean;
	readonly projects: readonly string[];
}

export interface ObjectSource {
	/** bytes; absent: nobody knows before the end */
	readonly size?: number;
	/** md5, hex, when it is known before; what is stored is compared with it */
	readonly checksum?: string;
	/** What `read` gives is compared with digests already: it fails with `corrupt` sooner than it gives other bytes. Default false */
	readonly checked?: boolean;
	/** May be called again, after the iteration before has ended, when `rereadable`. A chunk is valid until the next one is asked for. */
	read(): AsyncIterable<Uint8Array>;
	/** default false */
	readonly rereadable?: boolean;
	/** A finished, immutable file with exactly these bytes on this host, if there is one. */
	readonly file?: string;
	/** project id, for backends that note it beside the object */
	readonly owner?: string | null;
}

export interface StoredObject {
	/** Glance's URI: file:///dir/<image id> */
	readonly location: string;
	/** how it came there: `link` and `clone` cost no second copy */
	readonly how: 'link' | 'clone' | 'copy';
	/** bytes */
	readonly size: number;
	/** what the location carries beside the store's id: strings, lists and objects only */
	readonly metadata?: Readonly<Record<string, unknown>>;
}
