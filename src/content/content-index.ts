/**
 * What the store knows, in the key-value store: docs/content-format.md §5.
 *
 * `c/<root>`                 the content exists; JSON {@link ContentRecord}
 * `b/<digest, hex>`          where a stored block of that digest is: number (4 bytes, little endian) and root.
 *                            A hint until checked: `stored-content.ts` says whether the block is really kept there
 * `d/<keeper>/<dependent>`   the dependent has blocks marked `elsewhere` that the keeper keeps
 * `k/<dependent>/<keeper>`   the same, the other way round
 */
import type { KeyChange, KeyValue } from '#lib/key-value.ts';

export interface ContentRecord {
	/** bytes */
	readonly size: number;
	readonly blockSize: number;
	readonly state: 'partial' | 'complete';
	/** complete, and every block is in its own file */
	readonly plain: boolean;
}

export interface BlockPlace {
	readonly root: string;
	readonly index: number;
}

export interface ContentIndex {
	record(root: string): ContentRecord | undefined;
	roots(): AsyncIterable<readonly [root: string, record: ContentRecord]>;
	place(digest: Uint8Array): BlockPlace | undefined;
	places(digests: readonly Uint8Array[]): Promise<(BlockPlace | undefined)[]>;
	allPlaces(): AsyncIterable<readonly [digest: string, place: BlockPlace]>;
	dependents(keeper: string): Promise<string[]>;
	keepers(dependent: string): Promise<string[]>;
	/** One transaction, durable when it resolves unless `sync` is false. */
	write(changes: readonly KeyChange[], options?: { readonly sync: boolean }): Promise<void>;
}

export function createContentIndex(keys: KeyValue): ContentIndex {
	return {
		record(root) {
			const value = keys.get(`c/${root}`);
			return value === undefined ? undefined : decodeRecord(value);
		},
		async *roots() {
			for await (const [key, value] of keys.entries({ gt: 'c/', lt: 'c0' })) yield [key.slice(2), decodeRecord(value)];
		},
		place(digest) {
			return decodePlace(keys.get(`b/${hex(digest)}`));
		},
		async places(digests) {
			return (await keys.getMany(digests.map((digest) => `b/${hex(digest)}`))).map(decodePlace);
		},
		async *allPlaces() {
			for await (const [key, value] of keys.entries({ gt: 'b/', lt: 'b0' })) {
				const place = decodePlace(value);
				if (place !== undefined) yield [key.slice(2), place];
			}
		},
		dependents: (keeper) => namesUnder(keys, `d/${keeper}/`),
		keepers: (dependent) => namesUnder(keys, `k/${dependent}/`),
		write: (changes, options = { sync: true }) => keys.write(changes, options),
	};
}

export const change = {
	record: (root: string, record: ContentRecord): KeyChange => ({ put: `c/${root}`, value: Buffer.from(JSON.stringify(record)) }),
	noRecord: (root: string): KeyChange => ({ del: `c/${root}` }),
	place: (digest: Uint8Array, place: BlockPlace): KeyChange => ({ put: `b/${hex(digest)}`, value: encodePlace(place) }),
	noPlace: (digest: Uint8Array | string): KeyChange => ({ del: `b/${typeof digest === 'string' ? digest : hex(digest)}` }),
	dependence: (dependent: string, keeper: string): KeyChange[] => [
		{ put: `d/${keeper}/${dependent}`, value: new Uint8Array(0) },
		{ put: `k/${dependent}/${keeper}`, value: new Uint8Array(0) },
	],
	noDependence: (dependent: string, keeper: string): KeyChange[] => [
		{ del: `d/${keeper}/${dependent}` },
		{ del: `k/${dependent}/${keeper}` },
	],
};

async function namesUnder(keys: KeyValue, prefix: string): Promise<string[]> {
	const names: string[] = [];
	// Roots are lower-case letters and digits, all below '~'.
	for await (const key of keys.keys({ gt: prefix, lt: `${prefix}~` })) names.push(key.slice(prefix.length));
	return names;
}

function decodeRecord(value: Uint8Array): ContentRecord {
	return JSON.parse(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8')) as ContentRecord;
}

function encodePlace({ root, index }: BlockPlace): Uint8Array {
	const bytes = Buffer.alloc(4 + root.length);
	bytes.writeUInt32LE(index, 0);
	bytes.write(root, 4, 'latin1');
	return bytes;
}

function decodePlace(value: Uint8Array | undefined): BlockPlace | undefined {
	if (value === undefined || value.length < 5) return undefined;
	const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
	return { index: bytes.readUInt32LE(0), root: bytes.toString('latin1', 4) };
}

function hex(digest: Uint8Array): string {
	return Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString('hex');
}
