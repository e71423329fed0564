/**
 * The one member of a zip archive (APPNOTE 6.3.10 §4.3), found from the end of the file: only the central directory is
 * believed, and only when everything it says fits into the file. What members are called is compared between the two places
 * where it stands, and never used for anything else.
 */
import { ImageError } from '#domain/errors.ts';

export interface ZipMember {
	readonly method: 'stored' | 'deflated';
	/** bytes of the archive that are its data, half-open */
	readonly start: number;
	readonly end: number;
	/** unpacked */
	readonly size: number;
	readonly crc32: number;
}

export interface ZipBytes {
	readonly size: number;
	/** Exactly the half-open range, which is small. */
	read(start: number, end: number): Promise<Buffer>;
}

const SIGNATURE = { local: 0x04034b50, central: 0x02014b50, end: 0x06054b50, end64: 0x06064b50, locator64: 0x07064b50 } as const;
const BYTES = { local: 30, central: 46, end: 22, end64: 56, locator64: 20 } as const;
const MAX_COMMENT = 0xffff;
const IN_ZIP64 = { short: 0xffff, long: 0xffffffff } as const;
const ZIP64_FIELD = 1;
/** encrypted, patched, strongly encrypted, with a masked directory */
const REFUSED_FLAGS = 1 | (1 << 5) | (1 << 6) | (1 << 13);

export async function onlyMember(zip: ZipBytes): Promise<ZipMember> {
	const { count, start, end } = await directoryOf(zip);
	if (count !== 1) throw new ImageError('invalid', `the zip archive has ${count} members instead of one`);
	if (start + BYTES.central > end || end - start > BYTES.central + 3 * MAX_COMMENT) throw damaged();
	const record = await zip.read(start, end);
	const entry = entryOf(record);
	return { ...entry.facts, ...(await dataOf(zip, entry, start)) };
}

interface Directory {
	readonly count: number;
	readonly start: number;
	readonly end: number;
}

async function directoryOf(zip: ZipBytes): Promise<Directory> {
	const tailStart = Math.max(0, zip.size - BYTES.end - MAX_COMMENT);
	const tail = await zip.read(tailStart, zip.size);
	const at = findEnd(tail);
	if (at === undefined) throw damaged();
	if (tail.readUInt16LE(at + 4) !== tail.readUInt16LE(at + 6) || tail.readUInt16LE(at + 8) !== tail.readUInt16LE(at + 10))
		throw severalParts();
	const [count, length, start] = [tail.readUInt16LE(at + 10), tail.readUInt32LE(at + 12), tail.readUInt32LE(at + 16)];
	const isLarge = count === IN_ZIP64.short || length === IN_ZIP64.long || start === IN_ZIP64.long;
	const endRecord = tailStart + at;
	return isLarge ? largeDirectory(zip, endRecord) : within({ count, start, end: start + length }, endRecord);
}

/** The end record closest to the end of the file whose comment reaches exactly that end. */
function findEnd(tail: Buffer): number | undefined {
	for (let at = tail.length - BYTES.end; at >= 0; at -= 1)
		if (tail.readUInt32LE(at) === SIGNATURE.end && at + BYTES.end + tail.readUInt16LE(at + 20) === tail.length) return at;
	return undefined;
}

async function largeDirectory(zip: ZipBytes, endRecord: number): Promise<Directory> {
	const locatorAt = endRecord - BYTES.locator64;
	if (locatorAt < 0) throw damaged();
	const locator = await zip.read(locatorAt, endRecord);
	const recordAt = Number(locator.readBigUInt64LE(8));
	if (locator.readUInt32LE(0) !== SIGNATURE.locator64 || recordAt + BYTES.end64 > locatorAt) throw damaged();
	const record = await zip.read(recordAt, recordAt + BYTES.end64);
	if (record.readUInt32LE(0) !== SIGNATURE.end64) throw damaged();
	if (record.readUInt32LE(16) !== record.readUInt32LE(20)) throw severalParts();
	const [count, length, start] = [32, 40, 48].map((at) => Number(record.readBigUInt64LE(at))) as [number, number, number];
	return within({ count, start, end: start + length }, recordAt);
}

function within(directory: Directory, limit: number): Directory {
	if (directory.end > limit) throw damaged();
	return directory;
}

interface Entry {
	readonly facts: Pick<ZipMember, 'method' | 'size' | 'crc32'>;
	readonly packed: number;
	readonly localAt: number;
	readonly name: Buffer;
}

function entryOf(record: Buffer): Entry {
	const [nameLength, extraLength, commentLength] = [28, 30, 32].map((at) => record.readUInt16LE(at)) as [number, number, number];
	const nameEnd = BYTES.central + nameLength;
	if (record.readUInt32LE(0) !== SIGNATURE.central || nameEnd + extraLength + commentLength !== record.length) throw damaged();
	if ((record.readUInt16LE(8) & REFUSED_FLAGS) !== 0)
		throw new ImageError('unsupported-type', 'the zip archive is encrypted or patched');
	const large = largeFields(record.subarray(nameEnd, nameEnd + extraLength));
	const [size, packed, localAt] = [24, 20, 42].map((at) => large(record.readUInt32LE(at))) as [number, number, number];
	const method = methodOf(record.readUInt16LE(10));
	if (method === 'stored' && size !== packed) throw damaged();
	return {
		facts: { method, size, crc32: record.readUInt32LE(16) },
		packed,
		localAt,
		name: record.subarray(BYTES.central, nameEnd),
	};
}

function methodOf(code: number): ZipMember['method'] {
	if (code === 0) return 'stored';
	if (code === 8) return 'deflated';
	throw new ImageError('unsupported-type', 'the zip archive is compressed by another method than deflate');
}

/** The zip64 field holds, in their order, those of the three numbers that their own places have no room for. */
function largeFields(extra: Buffer): (short: number) => number {
	let at = 0;
	while (at + 4 <= extra.length && extra.readUInt16LE(at) !== ZIP64_FIELD) at += 4 + extra.readUInt16LE(at + 2);
	const end = at + 4 <= extra.length ? Math.min(extra.length, at + 4 + extra.readUInt16LE(at + 2)) : at;
	at += 4;
	return (short) => {
		if (short !== IN_ZIP64.long) return short;
		if (at + 8 > end) throw damaged();
		at += 8;
		return Number(extra.readBigUInt64LE(at - 8));
	};
}

/** The local header gives only where the data begins; its sizes may be absent, and are never read. */
async function dataOf(
	zip: ZipBytes,
	{ packed, localAt, name }: Entry,
	directoryAt: number,
): Promise<{ start: number; end: number }> {
	if (localAt + BYTES.local > directoryAt) throw damaged();
	const header = await zip.read(localAt, localAt + BYTES.local);
	const nameAt = localAt + BYTES.local;
	const nameEnd = nameAt + header.readUInt16LE(26);
	const start = nameEnd + header.readUInt16LE(28);
	const end = start + packed;
	if (header.readUInt32LE(0) !== SIGNATURE.local || end > directoryAt) throw damaged();
	if (!name.equals(await zip.read(nameAt, nameEnd))) throw damaged();
	return { start, end };
}

function damaged(): ImageError {
	return new ImageError('invalid', 'the zip archive is damaged or cut short');
}

function severalParts(): ImageError {
	return new ImageError('unsupported-type', 'the zip archive is one of several parts');
}
