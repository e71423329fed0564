/**
 * Sheepdog's protocol, version 2, as far as a store needs it: little-endian, a header of 48 bytes and then data in either
 * direction. Bytes 16 to 47 of a request depend on the operation: an object's or an image's (VDI's).
 */
import { type ErrorCode, ImageError } from '#domain/errors.ts';

export const HEADER_BYTES = 48;
const VERSION = 2;

export const OP = {
	createObject: 0x01,
	readObject: 0x02,
	writeObject: 0x03,
	newVdi: 0x11,
	vdiInfo: 0x14,
	deleteVdi: 0x17,
} as const;

const FLAG_WRITE = 1;
const FLAG_DIRECT = 8;

/** Of an inode: the object that holds what is known of an image. */
export const INODE = {
	nameBytes: 256,
	sizeAt: 536,
	copiesAt: 554,
	shiftAt: 555,
	/** what is read of it before its index */
	headBytes: 568,
	indexAt: 4664,
	/** objects of an image */
	entries: 2 ** 20,
} as const;

export interface Asking {
	readonly op: number;
	/** sent after the header */
	readonly data?: Uint8Array;
	/** bytes that are wanted back; default none */
	readonly wanted?: number;
	/** fills bytes 16 to 47 */
	readonly fields: (header: Buffer) => void;
}

export interface Answer {
	readonly result: number;
	/** bytes 16 to 47 are the operation's */
	readonly header: Buffer;
	readonly data: Buffer;
}

export function encodeHeader({ op, data, wanted = 0, fields }: Asking, id: number): Buffer {
	const header = Buffer.alloc(HEADER_BYTES);
	header.writeUInt8(VERSION, 0);
	header.writeUInt8(op, 1);
	const direct = op === OP.createObject ? FLAG_DIRECT : 0;
	header.writeUInt16LE(data === undefined ? 0 : FLAG_WRITE | direct, 2);
	header.writeUInt32LE(id, 8);
	header.writeUInt32LE(data?.length ?? wanted, 12);
	fields(header);
	return header;
}

/** Length of the data that follow. `store-failed` for what is no answer to this request. */
export function checkHeader(header: Buffer, { op, wanted = 0 }: Asking, id: number): number {
	if (header.readUInt8(0) !== VERSION) throw new ImageError('store-failed', 'sheepdog speaks another version of its protocol');
	if (header.readUInt8(1) !== op || header.readUInt32LE(8) !== id)
		throw new ImageError('store-failed', 'sheepdog answers another request than it was asked');
	const length = header.readUInt32LE(12);
	if (length > wanted) throw new ImageError('store-failed', `sheepdog sends ${length} bytes where at most ${wanted} were wanted`);
	return length;
}

/** For an object's operations. */
export function objectFields(oid: bigint, offset: number, copies = 0): Asking['fields'] {
	return (header) => {
		header.writeBigUInt64LE(oid, 16);
		header.writeUInt8(copies, 32);
		header.writeUInt32LE(offset, 40);
	};
}

/** For an image's operations. */
export function vdiFields(size = 0n, objectShift = 0): Asking['fields'] {
	return (header) => {
		header.writeBigUInt64LE(size, 16);
		header.writeUInt8(objectShift, 31);
	};
}

export const dataOid = (vid: number, index: number): bigint => (BigInt(vid) << 32n) | BigInt(index);
export const inodeOid = (vid: number): bigint => (1n << 63n) | (BigInt(vid) << 32n);

/** A name, and after it a tag when `withTag`: the empty one, which is the working image's. */
export function nameField(name: string, withTag: boolean): Buffer {
	const field = Buffer.alloc(withTag ? 2 * INODE.nameBytes : INODE.nameBytes);
	field.write(name, 0, 'utf8');
	return field;
}

export const RESULT_OK = 0;
const RESULT_NO_OBJECT = 0x02;

const RESULTS: Readonly<Record<number, readonly [ErrorCode, string]>> = {
	[RESULT_NO_OBJECT]: ['corrupt', 'an object of the image is missing'],
	4: ['conflict', 'an image of this name exists already'],
	7: ['conflict', 'the image is locked'],
	8: ['not-found', 'there is no such image'],
	14: ['not-found', 'there is no such tag'],
	15: ['unavailable', 'sheepdog is starting'],
	19: ['full', 'there are too many images'],
	21: ['full', 'there is no space left'],
	22: ['unavailable', 'the cluster is not formatted'],
	23: ['unavailable', 'the cluster waits for nodes'],
	25: ['unavailable', 'the cluster is halted'],
	26: ['store-failed', 'the object belongs to a snapshot'],
};

export function resultError(result: number): ImageError {
	return new ImageError(...(RESULTS[result] ?? (['store-failed', `sheepdog says 0x${result.toString(16)}`] as const)));
}
