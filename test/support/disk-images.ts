/** Small images of every format, made byte by byte, for tests that break them. Sizes in bytes. */

export const MiB = 1024 * 1024;
export const SECTOR = 512;

/** A copy of `image` with `bytes` from `offset` on; longer when they go beyond its end. */
export function patched(image: Uint8Array, offset: number, bytes: Uint8Array | string): Uint8Array {
	const patch = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
	const copy = new Uint8Array(Math.max(image.length, offset + patch.length));
	copy.set(image);
	copy.set(patch, offset);
	return copy;
}

export function be32(value: number): Uint8Array {
	const bytes = Buffer.alloc(4);
	bytes.writeUInt32BE(value);
	return bytes;
}

export function be64(value: bigint | number): Uint8Array {
	const bytes = Buffer.alloc(8);
	bytes.writeBigUInt64BE(BigInt(value));
	return bytes;
}

export function le32(value: number): Uint8Array {
	return be32(value).toReversed();
}

export function le64(value: bigint | number): Uint8Array {
	return be64(value).toReversed();
}

export function joined(...parts: readonly (Uint8Array | string)[]): Uint8Array {
	return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));
}

export interface Qcow2Parts {
	readonly version?: number;
	readonly size?: bigint | number;
	readonly clusterBits?: number;
	readonly features?: bigint;
	readonly l1Entries?: number;
	readonly extensions?: Uint8Array;
}

/** Header, extensions and as many clusters as the tables name. */
export function qcow2({ version = 3, size = MiB, clusterBits = 16, features = 0n, l1Entries = 1, extensions }: Qcow2Parts = {}) {
	const cluster = 2 ** clusterBits;
	const header = joined(
		joined('QFI\xfb', be32(version), be64(0), be32(0), be32(clusterBits), be64(size), be32(0), be32(l1Entries)),
		joined(be64(3 * cluster), be64(cluster), be32(1), be32(0), be64(0)),
		version === 2 ? '' : joined(be64(features), be64(0), be64(0), be32(4), be32(104)),
		extensions ?? be64(0),
	);
	return patched(new Uint8Array(4 * Math.min(cluster, 65_536)), 0, header);
}

/** A header extension of qcow2. */
export function extension(type: number, data: string, length = data.length): Uint8Array {
	return joined(be32(type), be32(length), data, new Uint8Array((8 - (data.length % 8)) % 8));
}

export interface VmdkParts {
	readonly version?: number;
	readonly capacity?: number;
	readonly descriptor?: string;
	/** sectors */
	readonly descriptorAt?: number;
	readonly descriptorSize?: number;
	readonly streamed?: boolean;
	readonly directoryAt?: bigint | number;
}

export interface DescriptorParts {
	readonly type?: string;
	readonly extents?: readonly string[];
	readonly more?: string;
	readonly newline?: string;
}

export function vmdkDescriptor({ type = 'monolithicSparse', extents, more = '', newline = '\n' }: DescriptorParts = {}): string {
	const lines = [
		'# Disk DescriptorFile',
		'version=1',
		'CID=15bc33f9',
		'parentCID=ffffffff',
		`createType="${type}"`,
		'',
		'# Extent description',
		...(extents ?? ['RW 2048 SPARSE "disk.vmdk"']),
		'',
		'#DDB',
		'ddb.adapterType = "ide"',
		more,
	];
	return lines.join('\n').replaceAll('\n', newline);
}

/** A header and its descriptor, no grains. `streamed`: with a footer, as writers make it who cannot go back. */
export function vmdk(parts: VmdkParts = {}): Uint8Array {
	const { streamed = false, descriptor = vmdkDescriptor({ type: streamed ? 'streamOptimized' : 'monolithicSparse' }) } = parts;
	const head = vmdkHeader({ ...parts, directoryAt: parts.directoryAt ?? (streamed ? 0xffff_ffff_ffff_ffffn : 26) });
	const body = patched(patched(new Uint8Array(64 * SECTOR), 0, head), SECTOR, descriptor);
	if (!streamed) return body;
	return joined(body, marker(3), vmdkHeader({ ...parts, directoryAt: 26 }), marker(0));
}

function vmdkHeader(parts: VmdkParts): Uint8Array {
	const { version = 1, capacity = 2048, descriptorAt = 1, descriptorSize = 20, streamed = false, directoryAt = 26 } = parts;
	const header = joined(
		joined('KDMV', le32(version), le32(streamed ? 0x30001 : 1), le64(capacity), le64(128)),
		joined(le64(descriptorAt), le64(descriptorSize), le32(512), le64(0), le64(directoryAt), le64(64)),
		joined('\0\n \r\n', streamed ? '\x01\0' : '\0\0'),
	);
	return patched(new Uint8Array(SECTOR), 0, header);
}

function marker(type: number): Uint8Array {
	return patched(new Uint8Array(SECTOR), 0, joined(le64(type === 0 ? 0 : 1), le32(0), le32(type)));
}

export interface VhdParts {
	readonly type?: number;
	readonly creator?: string;
	readonly size?: bigint | number;
}

/** 4 cylinders of 4 heads of 17 sectors, unless the creator is one that counts bytes. */
export function vhdFooter({ type = 2, creator = 'qem2', size = MiB }: VhdParts = {}): Uint8Array {
	const parts = joined(
		joined('conectix', be32(2), be32(0x10000), be64(type === 2 ? 0xffff_ffff_ffff_ffffn : 512), be32(0), creator, be32(0)),
		joined('Wi2k', be64(size), be64(size), '\0\x04\x04\x11', be32(type)),
	);
	const footer = patched(new Uint8Array(SECTOR), 0, parts);
	const sum = footer.reduce((total, byte) => total + byte, 0);
	return patched(footer, 64, be32(~sum >>> 0));
}

export function fixedVhd(disk: Uint8Array = new Uint8Array(MiB), parts: VhdParts = {}): Uint8Array {
	return joined(disk, vhdFooter({ size: disk.length, ...parts }));
}

export function dynamicVhd(parts: VhdParts = {}): Uint8Array {
	const footer = vhdFooter({ type: 3, ...parts });
	return joined(footer, patched(new Uint8Array(1024), 0, 'cxsparse'), new Uint8Array(SECTOR), footer);
}

export interface VhdxParts {
	readonly size?: bigint | number;
	/** bit 1: has a parent */
	readonly flags?: number;
	readonly metadataAt?: number;
	/** added to the items of metadata; id, offset, flags */
	readonly items?: readonly (readonly [id: string, offset: number, flags: number])[];
	readonly regions?: readonly (readonly [id: string, offset: number, flags: number])[];
}

const BAT = '6677c22d23f600429d64115e9bfd4a08';
const METADATA = '06a27c8b90479a4bb8fe575f050f886e';
const FILE_PARAMETERS = '3767a1ca36fa434db3b633f0aa44e76b';
const DISK_SIZE = '2442a52f1bcd7648b2115dbed83bf4b8';
/** as it stands in a file */
export const PARENT_LOCATOR = '2d5fd3a80bb34d45abf7d3d84834ab0c';

export function vhdx({ size = MiB, flags = 0, metadataAt = 320 * 1024, items = [], regions = [] }: VhdxParts = {}): Uint8Array {
	const regionTable = joined(
		joined('regi', le32(0), le32(2 + regions.length), le32(0)),
		...[[BAT, MiB, 1] as const, [METADATA, metadataAt, 1] as const, ...regions].map(([id, offset, flag]) =>
			joined(Buffer.from(id, 'hex'), le64(offset), le32(MiB), le32(flag)),
		),
	);
	const entries = [[FILE_PARAMETERS, 0x10000, 4] as const, [DISK_SIZE, 0x10008, 6] as const, ...items];
	const metadata = joined(
		joined('metadata', '\0\0', new Uint8Array([entries.length, 0]), new Uint8Array(20)),
		...entries.map(([id, offset, flag]) => joined(Buffer.from(id, 'hex'), le32(offset), le32(8), le32(flag), le32(0))),
	);
	let image: Uint8Array = new Uint8Array(512 * 1024);
	image = patched(image, 0, 'vhdxfile');
	for (const at of [192 * 1024, 256 * 1024]) image = patched(image, at, regionTable);
	image = patched(image, metadataAt, metadata);
	return patched(image, metadataAt + 0x10000, joined(le32(MiB), le32(flags), le64(size)));
}

export function vdi({ size = MiB, type = 1 }: { readonly size?: bigint | number; readonly type?: number } = {}): Uint8Array {
	const image = patched(new Uint8Array(1024), 0, '<<< a disk >>>\n');
	const head = joined(le32(0xbeda107f), le32(0x10001), le32(0x190), le32(type));
	return patched(patched(image, 0x40, head), 0x170, joined(le64(size), le32(MiB), le32(0), le32(1)));
}

export function iso(blocks = 20): Uint8Array {
	const image = patched(new Uint8Array(20 * 2048), 32_768, '\x01CD001\x01');
	return patched(patched(image, 32_768 + 80, le32(blocks)), 32_768 + 128, '\0\x08\x08\0');
}

/** One partition of Linux's type, at 1 MiB. */
export const MBR_ENTRY = joined('\x80\x20\x21\0\x83\xfe\xff\xff', le32(2048), le32(2048));
export const PROTECTIVE_ENTRY = joined('\0\0\x02\0\xee\xff\xff\xff', le32(1), le32(0xffff_ffff));

export function mbr(...entries: readonly Uint8Array[]): Uint8Array {
	return patched(patched(new Uint8Array(MiB), 446, joined(...entries)), 510, '\x55\xaa');
}

export function gpt(): Uint8Array {
	return patched(mbr(PROTECTIVE_ENTRY), SECTOR, 'EFI PART');
}

export function luks({ version = 1, payload = 8 }: { readonly version?: number; readonly payload?: number } = {}): Uint8Array {
	const image = patched(new Uint8Array(16 * SECTOR), 0, joined('LUKS\xba\xbe\0', new Uint8Array([version]), 'aes'));
	return patched(image, 104, be32(payload));
}

export function qed(): Uint8Array {
	return patched(new Uint8Array(4096), 0, 'QED\0');
}
