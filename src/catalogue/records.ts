/**
 * What is stored, and under which keys. `<stamp>` sorts as (hlc, log); a sequence number is twelve hex digits.
 *
 *   format                 the layout's version (level/migrations/)
 *   l/<log>/<seq>          an entry's envelope, as it came
 *   h/<log>                Head: how far the log is held
 *   n/<log>                NodeState
 *   i/<id>                 record of an image, also for deleted ids and for ids of which only copies are known
 *   o/<id>/<stamp>         the sequence number of an op on the image, so that a late one can be put in its place
 *   m/<name>               record of a namespace, also after its deletion; names are percent-encoded
 *   p/<name>/<stamp>       as o/, of a namespace
 *   u/<who>                Usage: what the images of a project cost it; `<who>` is `w<owner>`, or `-` for those without
 *   r/<root>/<id>, s/<status>/<id>, x/…   indexes: indexes.ts
 *
 * Values are JSON: V8 reads it faster than any binary form measured.
 */
import type { ImageId } from '#domain/image.ts';
import type { ImageState } from './fold/image-fold.ts';
import type { FoldRecord } from './fold/record-kind.ts';
import type { Hlc } from './registry/clock.ts';

export interface Head {
	readonly seq: number;
	/** hex, of the last entry */
	readonly hash: string;
	readonly hlc: Hlc;
}

export type ImageRecord = FoldRecord<ImageState>;

export const FORMAT_KEY = 'format';
export const HEADS = 'h/';
export const NODES = 'n/';
export const USAGES = 'u/';
export const headKey = (log: string) => HEADS + log;
export const nodeKey = (log: string) => NODES + log;
export const imageKey = (id: ImageId) => `i/${id}`;
export const entryKey = (log: string, seq: number) => `l/${log}/${seq.toString(16).padStart(12, '0')}`;
export const imageOpsPrefix = (id: ImageId) => `o/${id}/`;

export const NAMESPACE_RECORDS = 'm/';
export const namespaceKey = (name: string) => NAMESPACE_RECORDS + segment(name);
export const namespaceOpsPrefix = (name: string) => `p/${segment(name)}/`;
/** Back from what follows NAMESPACE_RECORDS. */
export const namespaceOf = (key: string) => decodeURIComponent(key);

/** Any text as a part of a key that ends where it should. */
function segment(text: string): string {
	return encodeURIComponent(text.toWellFormed());
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function toBytes(value: unknown): Uint8Array {
	return encoder.encode(JSON.stringify(value));
}

/** Only for bytes that this node wrote. */
export function fromBytes<T>(bytes: Uint8Array): T {
	return JSON.parse(decoder.decode(bytes)) as T;
}

/** Copies are stored once. */
export function encodeImage(record: ImageRecord): Uint8Array {
	const { image, ...state } = record.state;
	if (!image) return toBytes(record);
	const { copies: _, ...rest } = image;
	return toBytes({ ...record, state: { ...state, image: rest } });
}

export function decodeImage(bytes: Uint8Array): ImageRecord {
	const record = fromBytes<ImageRecord>(bytes);
	const { image, copies } = record.state;
	if (!image) return record;
	// records of older versions know of no places
	return { ...record, state: { ...record.state, image: { ...image, locations: image.locations ?? [], copies } } };
}
