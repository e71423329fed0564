/** What all verbs of the location layer stand on. */

import type { RequestContext } from '#domain/context.ts';
import type { DataFacts } from '#domain/image.ts';
import { type LatestRecord, latestRecord } from '#domain/latest-record.ts';
import type { Arrivals } from '#domain/ports/arrivals.ts';
import type { EncryptionKeys } from '#domain/ports/encryption-keys.ts';
import type { ImageData } from '#domain/ports/image-data.ts';
import type { ImageObjects } from '#domain/ports/image-objects.ts';
import type { ImageRepository } from '#domain/ports/image-repository.ts';
import type { ImageStores, StoreCall } from '#domain/ports/stores.ts';
import type { Log } from '#lib/log.ts';

export interface LocationOptions {
	readonly repository: ImageRepository;
	readonly data: ImageData;
	readonly stores: ImageStores;
	readonly objects: ImageObjects;
	readonly arrivals: Arrivals;
	/** absent: there is no key manager, and keys of deleted images stay */
	readonly keys?: EncryptionKeys;
	/** name of this node's site: the store in which uploaded bytes are */
	readonly site: string;
	/** sites are among the stores that clients are told of, and so name */
	readonly sitesShown: boolean;
	/** Node's name of the digest that becomes `os_hash_value` */
	readonly hashAlgorithm: string;
	/** deleted images keep their data until a scrub */
	readonly delayedDelete: boolean;
	readonly log: Log;
}

export interface Location extends LocationOptions, Pick<LatestRecord, 'change' | 'actOn'> {
	/** Drops bytes that no live image names any more. The record decides; a failure only leaves work to the collector. */
	release(root: string): Promise<void>;
}

export function locationOver(options: LocationOptions): Location {
	const { repository, data, log } = options;
	return {
		...options,
		...latestRecord(repository),
		async release(root) {
			try {
				if ((await repository.withContent(root)).length === 0) await data.forget(root);
			} catch (error) {
				log.warn({ err: error, root }, 'released content left to the collector');
			}
		},
	};
}

export function storeCall({ signal, project, user }: RequestContext): StoreCall {
	return { signal, caller: { project, user } };
}

/** Only the facts: what was written can also be disposed of. */
export function factsOf({ content, checksum, hashAlgorithm, hashValue }: DataFacts): DataFacts {
	return { content, checksum, hashAlgorithm, hashValue };
}
