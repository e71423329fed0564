/** Disk images made to cost whoever opens them: time, memory, room, or a look at another file. */
import { open, truncate, writeFile } from 'node:fs/promises';
import { deflateRawSync } from 'node:zlib';
import type { DiskFormat } from '#imports/qemu-img.ts';

export interface PathologicalImage {
	readonly name: string;
	readonly format: DiskFormat;
	make(path: string): Promise<void>;
}

const CLUSTER = 65_536;
const EXBI = 2n ** 60n;

interface Header {
	readonly version?: number;
	readonly backingOffset?: bigint;
	readonly backingLength?: number;
	readonly clusterBits?: number;
	readonly size?: bigint;
	readonly l1Size?: number;
	readonly l1Offset?: bigint;
	readonly refcountOffset?: bigint;
	readonly refcountClusters?: number;
	readonly snapshots?: number;
	readonly snapshotsOffset?: bigint;
	readonly incompatible?: bigint;
	readonly refcountOrder?: number;
}

/** docs/interop/qcow2.txt of QEMU, "Header". */
function qcow2Header(header: Header): Buffer {
	const bytes = Buffer.alloc(112);
	bytes.writeUInt32BE(0x514649fb, 0);
	bytes.writeUInt32BE(header.version ?? 3, 4);
	bytes.writeBigUInt64BE(header.backingOffset ?? 0n, 8);
	bytes.writeUInt32BE(header.backingLength ?? 0, 16);
	bytes.writeUInt32BE(header.clusterBits ?? 16, 20);
	bytes.writeBigUInt64BE(header.size ?? BigInt(512 * CLUSTER), 24);
	bytes.writeUInt32BE(header.l1Size ?? 1, 36);
	bytes.writeBigUInt64BE(header.l1Offset ?? BigInt(3 * CLUSTER), 40);
	bytes.writeBigUInt64BE(header.refcountOffset ?? BigInt(CLUSTER), 48);
	bytes.writeUInt32BE(header.refcountClusters ?? 1, 56);
	bytes.writeUInt32BE(header.snapshots ?? 0, 60);
	bytes.writeBigUInt64BE(header.snapshotsOffset ?? 0n, 64);
	bytes.writeBigUInt64BE(header.incompatible ?? 0n, 72);
	bytes.writeUInt32BE(header.refcountOrder ?? 4, 96);
	bytes.writeUInt32BE(104, 100);
	return bytes;
}

type Place = readonly [at: number, bytes: Uint8Array];

function qcow2(name: string, header: Header, places: readonly Place[] = [], size = 8 * CLUSTER): PathologicalImage {
	return { name: `qcow2: ${name}`, format: 'qcow2', make: (path) => sparse(path, size, [[0, qcow2Header(header)], ...places]) };
}

async function sparse(path: string, size: number, places: readonly Place[]): Promise<void> {
	await writeFile(path, '');
	await truncate(path, size);
	await using file = await open(path, 'r+');
	for (const [at, bytes] of places) await file.write(bytes, 0, bytes.length, at);
}

function numbers(count: number, value: (index: number) => bigint): Buffer {
	const bytes = Buffer.alloc(count * 8);
	for (let index = 0; index < count; index += 1) bytes.writeBigUInt64BE(value(index), index * 8);
	return bytes;
}

const COPIED = 1n << 63n;
const COMPRESSED = 1n << 62n;
const at = (cluster: number) => BigInt(cluster * CLUSTER);
const ascii = (text: string) => Buffer.from(text, 'latin1');

/** Every cluster of the disk is one and the same compressed cluster of zeros. */
const bombEntry = COMPRESSED | at(5);
const packedZeros = deflateRawSync(Buffer.alloc(CLUSTER));

/** The one table whose 8192 entries all lead to the same table, each of whose entries leads to the same bytes. */
const wide: readonly Place[] = [
	[3 * CLUSTER, numbers(8192, () => COPIED | at(4))],
	[4 * CLUSTER, numbers(8192, () => bombEntry)],
	[5 * CLUSTER, packedZeros],
];

export const pathologicalImages: readonly PathologicalImage[] = [
	qcow2('a virtual size of 8 EiB', { size: 8n * EXBI - 512n, l1Size: 1 }),
	qcow2('a virtual size of 7 EiB in clusters of 2 MiB', { size: 7n * EXBI, clusterBits: 21, l1Size: 0x3ffffff }),
	qcow2('a first table of 32 GiB', { l1Size: 0xffffffff }),
	qcow2('a first table of 32 MiB that is not there', { l1Size: 4 * 1024 * 1024 }),
	qcow2('a first table beyond the end', { l1Offset: 2n ** 55n }),
	qcow2('the first table is the header', { l1Offset: 0n }),
	qcow2('a reference table of 8 MiB of holes', { refcountClusters: 128 }, [], 200 * CLUSTER),
	qcow2('a reference table without an end', { refcountClusters: 0xffffffff }),
	qcow2('reference blocks that count themselves', {}, [[CLUSTER, numbers(8192, () => at(1))]]),
	qcow2('the tables lead to each other', {}, [
		[3 * CLUSTER, numbers(1, () => COPIED | at(3))],
		[CLUSTER, numbers(8192, () => at(3))],
	]),
	qcow2('65536 snapshots', { snapshots: 65_536, snapshotsOffset: at(4) }, [], 4096 * CLUSTER),
	qcow2('snapshots without an end', { snapshots: 0xffffffff, snapshotsOffset: at(4) }),
	qcow2('256 GiB of one compressed cluster', { size: BigInt(CLUSTER) * 8192n * 512n, l1Size: 512 }, wide),
	qcow2('512 MiB of one compressed cluster', { size: BigInt(CLUSTER) * 8192n, l1Size: 1 }, wide),
	qcow2('compressed clusters that do not unpack', {}, [
		[3 * CLUSTER, numbers(1, () => COPIED | at(4))],
		[4 * CLUSTER, numbers(8192, () => COMPRESSED | at(5))],
		[5 * CLUSTER, Buffer.alloc(CLUSTER, 0xff)],
	]),
	qcow2('a marked-dirty image with reference counts to repair', { incompatible: 1n }),
	qcow2('a backing file', { backingOffset: 512n, backingLength: 11 }, [[512, ascii('/etc/passwd')]]),
	qcow2('a backing file in the form of an option', { backingOffset: 512n, backingLength: 48 }, [
		[512, ascii('json:{"driver":"raw","file":{"driver":"null-co"}}').subarray(0, 48)],
	]),
	qcow2('an external data file', { incompatible: 4n }, [
		[104, Buffer.from([0x44, 0x41, 0x54, 0x41, 0, 0, 0, 11])],
		[112, ascii('/etc/passwd')],
	]),
	{
		name: 'vmdk: a descriptor that names a host file',
		format: 'vmdk',
		make: (path) =>
			writeFile(
				path,
				'# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType="monolithicFlat"\nRW 8 FLAT "/etc/passwd" 0\n',
			),
	},
	{
		name: 'vmdk: 100000 extents',
		format: 'vmdk',
		make: (path) =>
			writeFile(
				path,
				`# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType="twoGbMaxExtentFlat"\n${'RW 1 FLAT "image" 0\n'.repeat(100_000)}`,
			),
	},
	{
		name: 'vdi: a block map of 16 GiB',
		format: 'vdi',
		make(path) {
			const header = Buffer.alloc(512);
			header.write('<<< Oracle VM VirtualBox Disk Image >>>\n');
			header.writeUInt32LE(0xbeda107f, 64);
			header.writeUInt32LE(0x10001, 68);
			header.writeUInt32LE(0x180, 72);
			header.writeUInt32LE(1, 76);
			header.writeUInt32LE(512, 340);
			header.writeUInt32LE(2 ** 31, 344);
			header.writeUInt32LE(512, 360);
			header.writeBigUInt64LE(EXBI, 368);
			header.writeUInt32LE(2 ** 20, 376);
			header.writeUInt32LE(0xfffffff0, 384);
			return sparse(path, 1 << 20, [[0, header]]);
		},
	},
];
