/** Zip archives as a test wants them, wrong ones included. */
import { crc32, deflateRawSync } from 'node:zlib';

export interface Member {
	readonly name: string | Buffer;
	readonly data: Uint8Array;
	readonly method?: 0 | 8 | 12;
	readonly flags?: number;
	/** what the directory says, when it lies */
	readonly size?: number;
	readonly check?: number;
	/** what the local header says */
	readonly localName?: string;
	/** of the directory's record: the file type of Unix in its upper half */
	readonly attributes?: number;
	/** sizes stand behind the data, and nowhere before it but in the directory */
	readonly descriptor?: boolean;
}

export interface Shape {
	readonly zip64?: boolean;
	readonly comment?: Buffer;
	/** how many members the end record claims */
	readonly count?: number;
}

export function zipOf(
	members: readonly Member[],
	{ zip64 = false, comment = Buffer.alloc(0), count = members.length }: Shape = {},
): Buffer {
	const parts: Buffer[] = [];
	const records: Buffer[] = [];
	let at = 0;
	for (const member of members) {
		const local = localPart(member);
		records.push(record(member, at, zip64));
		parts.push(local);
		at += local.length;
	}
	const directory = Buffer.concat(records);
	return Buffer.concat([
		...parts,
		directory,
		...(zip64 ? end64(count, directory.length, at) : []),
		end(count, directory.length, at, zip64, comment),
	]);
}

const packed = ({ data, method = 8 }: Member): Uint8Array => (method === 8 ? deflateRawSync(data) : data);
const facts = (member: Member) => ({
	check: member.check ?? crc32(member.data),
	packed: packed(member).length,
	size: member.size ?? member.data.length,
	flags: (member.flags ?? 0) | (member.descriptor === true ? 8 : 0),
});

function localPart(member: Member): Buffer {
	const { check, packed: packedSize, size, flags } = facts(member);
	const name = Buffer.from(member.localName ?? member.name);
	const header = Buffer.alloc(30);
	header.writeUInt32LE(0x04034b50, 0);
	header.writeUInt16LE(flags, 6);
	header.writeUInt16LE(member.method ?? 8, 8);
	if (member.descriptor !== true) {
		header.writeUInt32LE(check, 14);
		header.writeUInt32LE(packedSize, 18);
		header.writeUInt32LE(Math.min(size, 0xffffffff), 22);
	}
	header.writeUInt16LE(name.length, 26);
	const descriptor = Buffer.alloc(member.descriptor === true ? 16 : 0);
	if (member.descriptor === true) {
		descriptor.writeUInt32LE(0x08074b50, 0);
		descriptor.writeUInt32LE(check, 4);
		descriptor.writeUInt32LE(packedSize, 8);
		descriptor.writeUInt32LE(size, 12);
	}
	return Buffer.concat([header, name, packed(member), descriptor]);
}

function record(member: Member, at: number, zip64: boolean): Buffer {
	const { check, packed: packedSize, size, flags } = facts(member);
	const name = Buffer.from(member.name);
	const isLarge = zip64 || size > 0xffffffff;
	const extra = Buffer.alloc(isLarge ? 28 : 0);
	if (isLarge) {
		extra.writeUInt16LE(1, 0);
		extra.writeUInt16LE(24, 2);
		for (const [index, value] of [size, packedSize, at].entries()) extra.writeBigUInt64LE(BigInt(value), 4 + index * 8);
	}
	const header = Buffer.alloc(46);
	header.writeUInt32LE(0x02014b50, 0);
	header.writeUInt16LE(flags, 8);
	header.writeUInt16LE(member.method ?? 8, 10);
	header.writeUInt32LE(check, 16);
	header.writeUInt32LE(isLarge ? 0xffffffff : packedSize, 20);
	header.writeUInt32LE(isLarge ? 0xffffffff : size, 24);
	header.writeUInt16LE(name.length, 28);
	header.writeUInt16LE(extra.length, 30);
	header.writeUInt32LE(member.attributes ?? 0, 38);
	header.writeUInt32LE(isLarge ? 0xffffffff : at, 42);
	return Buffer.concat([header, name, extra]);
}

function end64(count: number, length: number, at: number): readonly Buffer[] {
	const bytes = Buffer.alloc(56);
	bytes.writeUInt32LE(0x06064b50, 0);
	bytes.writeBigUInt64LE(44n, 4);
	for (const [index, value] of [count, count, length, at].entries()) bytes.writeBigUInt64LE(BigInt(value), 24 + index * 8);
	const locator = Buffer.alloc(20);
	locator.writeUInt32LE(0x07064b50, 0);
	locator.writeBigUInt64LE(BigInt(at + length), 8);
	locator.writeUInt32LE(1, 16);
	return [bytes, locator];
}

function end(count: number, length: number, at: number, zip64: boolean, comment: Buffer): Buffer {
	const bytes = Buffer.alloc(22);
	bytes.writeUInt32LE(0x06054b50, 0);
	bytes.writeUInt16LE(Math.min(count, 0xffff), 8);
	bytes.writeUInt16LE(Math.min(count, 0xffff), 10);
	bytes.writeUInt32LE(zip64 ? 0xffffffff : length, 12);
	bytes.writeUInt32LE(zip64 ? 0xffffffff : at, 16);
	bytes.writeUInt16LE(comment.length, 20);
	return Buffer.concat([bytes, comment]);
}
