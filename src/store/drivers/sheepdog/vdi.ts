/** What a store does with an image (VDI) of a cluster. */
import { ImageError } from '#domain/errors.ts';
import type { Sheep } from './connection.ts';
import { dataOid, INODE, inodeOid, nameField, OP, objectFields, vdiFields } from './protocol.ts';

export interface Vdi {
	readonly vid: number;
	/** bytes */
	readonly size: number;
	/** bytes of an object */
	readonly objectBytes: number;
	/** replicas */
	readonly copies: number;
}

/** objects of 4 MiB, as is usual: an image of them can have 4 TiB */
const OBJECT_SHIFT = 22;

/** `conflict` when the name is taken. */
export async function createVdi(sheep: Sheep, name: string, size: number, signal: AbortSignal): Promise<Vdi> {
	const asking = { op: OP.newVdi, data: nameField(name, false), fields: vdiFields(BigInt(size), OBJECT_SHIFT) };
	const { header } = await sheep.ask(asking, signal);
	return readInode(sheep, name, header.readUInt32LE(24), signal);
}

/** The working image of that name; `not-found`. */
export async function findVdi(sheep: Sheep, name: string, signal: AbortSignal): Promise<Vdi> {
	const asking = { op: OP.vdiInfo, data: nameField(name, true), fields: vdiFields() };
	const { header } = await sheep.ask(asking, signal);
	return readInode(sheep, name, header.readUInt32LE(24), signal);
}

export async function deleteVdi(sheep: Sheep, name: string, signal: AbortSignal): Promise<void> {
	await sheep.ask({ op: OP.deleteVdi, data: nameField(name, true), fields: vdiFields() }, signal);
}

async function readInode(sheep: Sheep, name: string, vid: number, signal: AbortSignal): Promise<Vdi> {
	if (vid === 0 || vid >= 2 ** 24) throw new ImageError('store-failed', 'sheepdog gives an image a number that cannot be');
	const head = await readPart(sheep, inodeOid(vid), 0, INODE.headBytes, signal);
	const kept = head.toString('utf8', 0, head.subarray(0, INODE.nameBytes).indexOf(0));
	// after the last image was deleted its inode may still be found, without a name
	if (kept === '') throw new ImageError('not-found', 'there is no such image');
	if (kept !== name) throw new ImageError('store-failed', 'sheepdog gives another image than it was asked for');
	const shift = head.readUInt8(INODE.shiftAt);
	const size = head.readBigUInt64LE(INODE.sizeAt);
	if (shift < 12 || shift > 26 || size > BigInt(INODE.entries) << BigInt(shift))
		throw new ImageError('store-failed', 'the inode of the image makes no sense');
	return { vid, size: Number(size), objectBytes: 2 ** shift, copies: head.readUInt8(INODE.copiesAt) };
}

/** Of one object; what the answer leaves out at either end is zeros. */
async function readPart(sheep: Sheep, oid: bigint, offset: number, bytes: number, signal: AbortSignal): Promise<Buffer> {
	const asking = { op: OP.readObject, wanted: bytes, fields: objectFields(oid, offset) };
	const { header, data } = await sheep.ask(asking, signal);
	if (data.length === bytes) return data;
	const part = Buffer.alloc(bytes);
	if (data.length === 0) return part;
	const start = Number(header.readBigUInt64LE(24)) - offset;
	if (!(start >= 0 && start + data.length <= bytes))
		throw new ImageError('store-failed', 'sheepdog gives other bytes than it was asked for');
	data.copy(part, start);
	return part;
}

const INDEX_WINDOW = 1024;

/** Bytes [start, end); the objects that the index does not name are zeros. */
export async function* readVdi(
	sheep: Sheep,
	vdi: Vdi,
	start: number,
	end: number,
	signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
	const { objectBytes } = vdi;
	let window: Buffer = Buffer.alloc(0);
	let windowStart = 0;
	for (let at = start; at < end; ) {
		const index = Math.floor(at / objectBytes);
		if (index >= windowStart + window.length / 4) {
			windowStart = index;
			const entries = Math.min(INDEX_WINDOW, Math.ceil(end / objectBytes) - index);
			window = await readPart(sheep, inodeOid(vdi.vid), INODE.indexAt + 4 * index, 4 * entries, signal);
		}
		const owner = window.readUInt32LE(4 * (index - windowStart));
		const offset = at % objectBytes;
		const bytes = Math.min(objectBytes - offset, end - at);
		signal.throwIfAborted();
		yield owner === 0 ? Buffer.alloc(bytes) : await readPart(sheep, dataOid(owner, index), offset, bytes, signal);
		at += bytes;
	}
}

export async function createObject(sheep: Sheep, vdi: Vdi, index: number, data: Uint8Array, signal: AbortSignal): Promise<void> {
	await sheep.ask({ op: OP.createObject, data, fields: objectFields(dataOid(vdi.vid, index), 0, vdi.copies) }, signal);
}

/** Names the objects [first, first + owned.length) in the index: those that are owned by the image, the others as holes. */
export async function writeIndex(
	sheep: Sheep,
	vdi: Vdi,
	first: number,
	owned: readonly boolean[],
	signal: AbortSignal,
): Promise<void> {
	const data = Buffer.alloc(4 * owned.length);
	owned.forEach((own, place) => void data.writeUInt32LE(own ? vdi.vid : 0, 4 * place));
	await writeInode(sheep, vdi, INODE.indexAt + 4 * first, data, signal);
}

export async function writeSize(sheep: Sheep, vdi: Vdi, size: number, signal: AbortSignal): Promise<void> {
	const data = Buffer.alloc(8);
	data.writeBigUInt64LE(BigInt(size));
	await writeInode(sheep, vdi, INODE.sizeAt, data, signal);
}

async function writeInode(sheep: Sheep, { vid, copies }: Vdi, offset: number, data: Buffer, signal: AbortSignal): Promise<void> {
	await sheep.ask({ op: OP.writeObject, data, fields: objectFields(inodeOid(vid), offset, copies) }, signal);
}
