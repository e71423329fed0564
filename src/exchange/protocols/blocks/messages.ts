/**
 * The messages of blocks. docs/peer-protocol.md §7. Opening is DAG-CBOR in frames; then both directions switch to fixed
 * binary layouts, so that a block's bytes are never parsed, only counted.
 */
import type { ContentRef } from '#domain/image.ts';
import { type Refusal, refusalFields, refusalFrom } from '#exchange/refusals.ts';
import { assertOnly, countField, decodeFields, encodeFields, malformed, textField } from '#exchange/wire.ts';
import { ANSWER_HEADER_BYTES, MAX_BLOCK_BYTES, MAX_ROOT_CHARS, REQUEST_BYTES } from './constants.ts';

export function encodeOpen(root: string): Uint8Array {
	return encodeFields({ type: 'open', root });
}

export function decodeOpen(bytes: Uint8Array): string {
	const fields = decodeFields(bytes);
	assertOnly(fields, ['type', 'root']);
	if (fields.type !== 'open') throw malformed('type', 'is not open');
	return textField(fields, 'root', MAX_ROOT_CHARS);
}

export type OpenAnswer =
	| { readonly type: 'accepted'; readonly size: number; readonly blockSize: number }
	| { readonly type: 'refused'; readonly refusal: Refusal };

export function encodeOpenAnswer(answer: OpenAnswer): Uint8Array {
	if (answer.type === 'accepted') return encodeFields({ ...answer });
	return encodeFields({ type: answer.type, ...refusalFields(answer.refusal) });
}

export function decodeOpenAnswer(bytes: Uint8Array): OpenAnswer {
	const fields = decodeFields(bytes);
	if (fields.type === 'refused') {
		assertOnly(fields, ['type', 'code', 'reason']);
		return { type: 'refused', refusal: refusalFrom(fields) };
	}
	assertOnly(fields, ['type', 'size', 'blockSize']);
	if (fields.type !== 'accepted') throw malformed('type', 'is neither accepted nor refused');
	const blockSize = countField(fields, 'blockSize', MAX_BLOCK_BYTES);
	return { type: 'accepted', size: countField(fields, 'size', Number.MAX_SAFE_INTEGER), blockSize };
}

/** What is asked: one block, or a page of the manifest that begins with the digest of block `index`. */
export const REQUEST_KINDS = { block: 1, manifest: 2 } as const;
/** What comes: bytes of the block, the word that it is not here, or digests. */
export const ANSWER_KINDS = { block: 1, missing: 2, manifest: 3 } as const;

export interface Request {
	readonly kind: keyof typeof REQUEST_KINDS;
	readonly index: number;
}

export interface AnswerHeader {
	readonly kind: keyof typeof ANSWER_KINDS;
	readonly index: number;
	/** bytes that follow */
	readonly length: number;
}

/** kind u8, 3 zero bytes, index u32; big-endian. */
export function encodeRequest({ kind, index }: Request): Uint8Array {
	const bytes = new Uint8Array(REQUEST_BYTES);
	bytes[0] = REQUEST_KINDS[kind];
	new DataView(bytes.buffer).setUint32(4, index);
	return bytes;
}

export function decodeRequest(bytes: Uint8Array): Request {
	const { code, view } = readHeader(bytes);
	const kind = code === REQUEST_KINDS.block ? 'block' : code === REQUEST_KINDS.manifest ? 'manifest' : undefined;
	if (kind === undefined) throw malformed('request', 'is of an unknown kind');
	return { kind, index: view.getUint32(4) };
}

/** kind u8, 3 zero bytes, index u32, length u32; big-endian. */
export function encodeAnswerHeader({ kind, index, length }: AnswerHeader): Uint8Array {
	const bytes = new Uint8Array(ANSWER_HEADER_BYTES);
	bytes[0] = ANSWER_KINDS[kind];
	const view = new DataView(bytes.buffer);
	view.setUint32(4, index);
	view.setUint32(8, length);
	return bytes;
}

export function decodeAnswerHeader(bytes: Uint8Array): AnswerHeader {
	const { code, view } = readHeader(bytes);
	const kind = (['block', 'missing', 'manifest'] as const).find((name) => ANSWER_KINDS[name] === code);
	if (kind === undefined) throw malformed('answer', 'is of an unknown kind');
	return { kind, index: view.getUint32(4), length: view.getUint32(8) };
}

export function blockCount({ size, blockSize }: Pick<ContentRef, 'size' | 'blockSize'>): number {
	return Math.ceil(size / blockSize);
}

/** bytes of block `index`; the last one may be shorter */
export function blockLength({ size, blockSize }: Pick<ContentRef, 'size' | 'blockSize'>, index: number): number {
	return Math.min(blockSize, size - index * blockSize);
}

function readHeader(bytes: Uint8Array): { code: number; view: DataView } {
	const [code = 0, ...zeros] = bytes.subarray(0, 4);
	if (zeros.some((byte) => byte !== 0)) throw malformed('header', 'has bytes set that are reserved');
	return { code, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
}
