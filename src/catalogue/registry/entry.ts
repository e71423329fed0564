/**
 * The bytes of a log entry. An envelope is deterministic dag-cbor of `{ entry, signature }`, where `entry` is
 * deterministic dag-cbor of the header and one op, and the signature covers a prefix and those bytes. Entries of one
 * log are chained by the sha2-256 of the previous entry's bytes. docs/peer-protocol.md §5
 */
import { createHash } from 'node:crypto';
import { decode, encode } from '@ipld/dag-cbor';
import { ImageError } from '#domain/errors.ts';
import type { Op } from '#domain/ops.ts';
import { HLC_COUNTER_MAX, HLC_MS_MAX, type Hlc } from './clock.ts';
import { assertOp } from './op-shape.ts';
import { bytes, type Check, integer, nullable, refuse, shape, text } from './shapes.ts';

/** Of a whole envelope. */
export const ENTRY_BYTES_MAX = 256 * 1024;
const FORMAT = 1;
const HASH_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** A signature over an entry is a signature over nothing else that a node's key may ever sign. */
const SIGNED_PREFIX = Buffer.from('sundog log entry 1\0');
const LOG_NAME = /^[A-Za-z0-9]{1,128}$/;

export interface Entry {
	readonly v: typeof FORMAT;
	/** peer id of the writer */
	readonly log: string;
	/** from 1 */
	readonly seq: number;
	/** hash of the entry before; null for the first */
	readonly prev: Uint8Array | null;
	readonly hlc: Hlc;
	readonly op: Op;
}

export interface SealedEntry {
	readonly entry: Entry;
	/** the envelope, as it is stored and sent */
	readonly envelope: Uint8Array;
	/** what the next entry names as `prev` */
	readonly hash: Uint8Array;
	readonly signed: Uint8Array;
	readonly signature: Uint8Array;
}

const hlc: Check = (value, at) => {
	if (!Array.isArray(value) || value.length !== 2) refuse(at, 'is not a pair');
	integer(0, HLC_MS_MAX)(value[0], `${at}[0]`);
	integer(0, HLC_COUNTER_MAX)(value[1], `${at}[1]`);
};

const entryShape = shape<Entry>({
	v: integer(FORMAT, FORMAT),
	log: text(128, LOG_NAME),
	seq: integer(1, Number.MAX_SAFE_INTEGER),
	prev: nullable(bytes(HASH_BYTES)),
	hlc,
	op: assertOp,
});
const envelopeShape = shape<{ entry: Uint8Array; signature: Uint8Array }>({
	entry: (value, at) => {
		if (!(value instanceof Uint8Array)) refuse(at, 'is not bytes');
	},
	signature: bytes(SIGNATURE_BYTES),
});

/** `invalid` when the op is malformed, `limit-exceeded` when its entry would be larger than ENTRY_BYTES_MAX. */
export function sealEntry(entry: Omit<Entry, 'v'>, sign: (bytes: Uint8Array) => Uint8Array): SealedEntry {
	assertOp(entry.op);
	const body = encode({ v: FORMAT, ...entry });
	const signed = Buffer.concat([SIGNED_PREFIX, body]);
	const signature = sign(signed);
	const envelope = encode({ entry: body, signature });
	if (envelope.length > ENTRY_BYTES_MAX)
		throw new ImageError('limit-exceeded', `a change of ${envelope.length} bytes is larger than ${ENTRY_BYTES_MAX}`);
	return { entry: { v: FORMAT, ...entry }, envelope, hash: hashOf(body), signed, signature };
}

/** Everything that can be said of an envelope without knowing its log; anything else is `corrupt`. */
export function openEntry(envelope: Uint8Array): SealedEntry {
	if (envelope.length > ENTRY_BYTES_MAX) throw new ImageError('corrupt', 'a log entry is too large');
	try {
		const outer = canonical(envelope);
		envelopeShape(outer, 'envelope');
		const { entry: body, signature } = outer as { entry: Uint8Array; signature: Uint8Array };
		const entry = canonical(body);
		entryShape(entry, 'entry');
		assertHeader(entry as Entry);
		return { entry: entry as Entry, envelope, hash: hashOf(body), signed: Buffer.concat([SIGNED_PREFIX, body]), signature };
	} catch (cause) {
		const why = cause instanceof ImageError ? cause.message : 'it is not deterministic dag-cbor';
		throw new ImageError('corrupt', `a log entry cannot be read: ${why}`, { cause });
	}
}

function assertHeader(entry: Entry): void {
	if ((entry.seq === 1) !== (entry.prev === null)) refuse('entry.prev', 'is null for the first entry and for no other');
}

/** Decodes only what encodes to the same bytes again: one value, one spelling, one hash. */
function canonical(data: Uint8Array): unknown {
	const value: unknown = decode(data);
	if (Buffer.compare(encode(value), data) !== 0) refuse('encoding', 'is not deterministic');
	return value;
}

function hashOf(body: Uint8Array): Uint8Array {
	return createHash('sha256').update(body).digest();
}
