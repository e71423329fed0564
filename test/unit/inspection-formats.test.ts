/** What the probes say of images made by hand: sound ones first, then what an attacker would send. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
	be32,
	be64,
	dynamicVhd,
	extension,
	fixedVhd,
	gpt,
	iso,
	joined,
	le32,
	luks,
	MBR_ENTRY,
	MiB,
	mbr,
	PARENT_LOCATOR,
	PROTECTIVE_ENTRY,
	patched,
	qcow2,
	qed,
	SECTOR,
	vdi,
	vhdFooter,
	vhdx,
	vmdk,
	vmdkDescriptor,
} from '../support/disk-images.ts';
import { inspected, judged } from '../support/inspecting.ts';

const refusal = { code: 'unsupported-type' };

function only(image: Uint8Array) {
	const { matches } = inspected(image);
	assert.equal(matches.length, 1, `${matches.map(({ format }) => format)}`);
	const [match] = matches;
	assert.ok(match !== undefined);
	return match;
}

function refused(format: string, images: Readonly<Record<string, Uint8Array>>): void {
	for (const [what, image] of Object.entries(images))
		test(`${what} is refused`, () => {
			assert.throws(() => judged(image, format), refusal);
			// What is really a format with dangers is no safer for being called raw.
			if (inspected(image).matches.length > 0) assert.throws(() => judged(image, 'raw'), refusal);
		});
}

function accepted(format: string, images: Readonly<Record<string, readonly [Uint8Array, number | null]>>): void {
	for (const [what, [image, virtualSize]] of Object.entries(images))
		test(`${what} is accepted`, () => assert.deepEqual(judged(image, format), { virtualSize }));
}

describe('qcow2', () => {
	const DATA_FILE = 0x44415441;
	const withBacking = (offset: number | bigint, length: number, name = '/etc/passwd') => {
		const image = patched(qcow2(), 8, joined(be64(offset), be32(length)));
		return offset < image.length ? patched(image, Number(offset), name) : image;
	};

	accepted('qcow2', {
		'version 2': [qcow2({ version: 2 }), MiB],
		'version 3': [qcow2(), MiB],
		'with clusters of 512 bytes': [qcow2({ clusterBits: 9, l1Entries: 32 }), MiB],
		'with clusters of 2 MiB': [qcow2({ clusterBits: 21 }), MiB],
		'marked dirty and corrupt': [qcow2({ features: 3n }), MiB],
		'with extended L2 entries': [qcow2({ features: 16n }), MiB],
		'with a feature table and bitmaps': [
			qcow2({ extensions: joined(extension(0x6803f857, 'x'.repeat(48)), extension(0x23852875, 'y'.repeat(24)), be64(0)) }),
			MiB,
		],
		'version 2 with an extension where version 3 has features': [
			qcow2({ version: 2, extensions: joined(extension(0xe2792aca, 'qcow2'), be64(0)) }),
			MiB,
		],
		'a size in whole sectors, rounded down as qemu does': [qcow2({ size: MiB + 100 }), MiB],
	});

	refused('qcow2', {
		'a backing file at 8': withBacking(8, 11, ''),
		'a backing file at 24': withBacking(24, 11, ''),
		'a backing file at 1 MiB - 1': withBacking(MiB - 1, 11),
		'a backing file at 2^63': withBacking(2n ** 63n, 11),
		'a backing file name of 1 byte': withBacking(512, 1, '/'),
		'a backing file name of 1023 bytes': withBacking(512, 1023, 'a'.repeat(1023)),
		'a backing file name of 1024 bytes': withBacking(512, 1024, 'a'.repeat(1024)),
		'a backing file without a length': withBacking(512, 0),
		'a backing file without a place': withBacking(0, 11),
		'a backing file of json:': withBacking(512, 42, 'json:{"driver":"file","filename":"/etc/shadow"}'),
		'a backing file of nbd:': withBacking(512, 22, 'nbd:unix:/run/qemu.sock'),
		'a backing file of /proc/self/environ': withBacking(512, 18, '/proc/self/environ'),
		'a backing file in version 2': patched(qcow2({ version: 2 }), 8, joined(be64(512), be32(11))),
		'the bit of a data file': qcow2({ features: 4n }),
		'the bit of a data file and its name': qcow2({
			features: 4n,
			extensions: joined(extension(DATA_FILE, '/etc/passwd'), be64(0)),
		}),
		'the name of a data file alone': qcow2({ extensions: joined(extension(DATA_FILE, '/etc/passwd'), be64(0)) }),
		'an empty name of a data file': qcow2({ extensions: joined(extension(DATA_FILE, ''), be64(0)) }),
		'the name of a data file after other extensions': qcow2({
			extensions: joined(extension(0x12345678, 'z'.repeat(4001)), extension(DATA_FILE, 'x'), be64(0)),
		}),
		'the name of a data file in version 2': qcow2({ version: 2, extensions: joined(extension(DATA_FILE, 'x'), be64(0)) }),
		'the name of a data file behind a longer header': patched(
			patched(qcow2(), 100, be32(160)),
			160,
			extension(DATA_FILE, '/etc/passwd'),
		),
		'an extension longer than the cluster': qcow2({ extensions: extension(0x12345678, 'x', 0x7fffffff) }),
		'extensions without end': qcow2({ extensions: joined(...Array.from({ length: 80 }, () => extension(0x12345678, 'x'))) }),
		'a header shorter than its version': patched(qcow2(), 100, be32(64)),
		'a header of an odd length': patched(qcow2(), 100, be32(108)),
		'a header longer than a cluster': patched(qcow2({ clusterBits: 9, l1Entries: 32 }), 100, be32(1024)),
		'version 0': qcow2({ version: 0 }),
		'version 1': qcow2({ version: 1 }),
		'version 4': qcow2({ version: 4 }),
		'version 2^32 - 1': qcow2({ version: 0xffff_ffff }),
		'clusters of 256 bytes': qcow2({ clusterBits: 8 }),
		'clusters of 4 MiB': patched(qcow2(), 20, be32(22)),
		'clusters of 2^4294967295 bytes': patched(qcow2(), 20, be32(0xffff_ffff)),
		'extended L2 entries in small clusters': qcow2({ features: 16n, clusterBits: 13 }),
		'reference counts of 128 bits': patched(qcow2(), 96, be32(7)),
		'an encryption that is not known': patched(qcow2(), 32, be32(3)),
		'too small an L1 table': qcow2({ size: 1024 * MiB, l1Entries: 1 }),
		'too large an L1 table': qcow2({ l1Entries: 4 * MiB + 1 }),
		'too many snapshots': patched(qcow2(), 60, be32(65_537)),
		'a disk of 8 EiB': qcow2({ size: 2n ** 63n - 512n, clusterBits: 21, l1Entries: 4 * MiB }),
		'a header cut short': qcow2().subarray(0, 90),
		'a signature alone': qcow2().subarray(0, 4),
		'a header at byte 512': joined(new Uint8Array(512), qcow2()),
	});

	test('each incompatible feature that is not known is refused', () => {
		for (let bit = 5n; bit < 64n; bit++)
			assert.throws(() => judged(qcow2({ features: 1n << bit }), 'qcow2'), refusal, `bit ${bit}`);
	});
});

describe('vmdk', () => {
	const withExtents = (...extents: readonly string[]) => vmdk({ descriptor: vmdkDescriptor({ extents }) });
	const withMore = (more: string) => vmdk({ descriptor: vmdkDescriptor({ more }) });
	const ofType = (type: string) => vmdk({ descriptor: vmdkDescriptor({ type }) });
	const streamed = vmdk({ streamed: true });
	const footerAt = streamed.length - 2 * SECTOR;
	const flat = vmdkDescriptor({ type: 'monolithicFlat', extents: ['RW 2048 FLAT "/etc/passwd" 0'] });

	accepted('vmdk', {
		monolithicSparse: [vmdk(), MiB],
		'streamOptimized with a footer': [streamed, MiB],
		'streamOptimized without': [vmdk({ streamed: true, directoryAt: 26 }).subarray(0, 64 * SECTOR), MiB],
		'lines that end with CRLF': [vmdk({ descriptor: vmdkDescriptor({ newline: '\r\n' }) }), MiB],
		'what VMware and VirtualBox write besides': [
			withMore('encoding="UTF-8"\nisNativeSnapshot="no"\nddb.uuid.parent="00000000-0000-0000-0000-000000000000"'),
			MiB,
		],
		'an extent to read only': [withExtents('RDONLY 2048 SPARSE "generated-stream.vmdk"'), MiB],
		'a capacity in whole grains': [withExtents('RW 2000 SPARSE "disk.vmdk"'), MiB],
	});

	refused('vmdk', {
		monolithicFlat: ofType('monolithicFlat'),
		vmfs: ofType('vmfs'),
		fullDevice: ofType('fullDevice'),
		twoGbMaxExtentSparse: ofType('twoGbMaxExtentSparse'),
		'two descriptors, the second after a NUL': vmdk({ descriptor: `${vmdkDescriptor()}\0${flat}` }),
		'two createTypes': withMore('createType="monolithicFlat"'),
		'a createType in a remark': withMore('# createType="monolithicFlat"'),
		'a type that does not fit the header': ofType('streamOptimized'),
		'a flat extent with a path': withExtents('RW 2048 FLAT "/etc/passwd" 0'),
		'a sparse extent with a path': withExtents('RW 2048 SPARSE "/var/lib/disk.vmdk"'),
		'an extent one folder up': withExtents('RW 2048 SPARSE "..\\disk.vmdk"'),
		'an extent that is a URL': withExtents('RW 2048 SPARSE "nbd:host"'),
		'the extent twice': withExtents('RW 1024 SPARSE "a.vmdk"', 'RW 1024 SPARSE "b.vmdk"'),
		'an extent on two lines': withExtents('RW 2048 SPARSE', '"disk.vmdk"'),
		'an extent hidden behind a lone CR': withExtents('RW 2048 SPARSE "disk.vmdk"\rRW 2048 FLAT "/etc/passwd" 0'),
		'no extent': withExtents(),
		'an extent of another size': withExtents('RW 4096 SPARSE "disk.vmdk"'),
		'a device': withExtents('RW 2048 SPARSE "disk.vmdk" /dev/sda'),
		'a parent': withMore('parentFileNameHint="/etc/passwd"'),
		'a parent in a remark': withMore('#parentFileNameHint="/etc/passwd"'),
		'the id of a parent': vmdk({ descriptor: vmdkDescriptor().replace('ffffffff', '15bc33f8') }),
		'a line that is not known': withMore('changeTrackPath="disk-ctk.vmdk"'),
		'a descriptor of very many lines': vmdk({ descriptorSize: 1900, descriptor: vmdkDescriptor({ more: '\n'.repeat(900_000) }) }),
		'a descriptor that is not ASCII': withMore('# \xff'),
		'a descriptor without end': vmdk({ descriptorSize: 1, descriptor: vmdkDescriptor({ more: '#'.repeat(600) }) }),
		'a descriptor beyond 1 MiB': vmdk({ descriptorAt: 2048 }),
		'a descriptor longer than 1 MiB': vmdk({ descriptorSize: 2049 }),
		'no descriptor': vmdk({ descriptorAt: 0, descriptorSize: 0 }),
		'no disk of its own': vmdk({ capacity: 0 }),
		'a disk of 8 EiB': patched(vmdk(), 12, be64(2n ** 54n).toReversed()),
		'version 4': vmdk({ version: 4 }),
		'line ends changed on the way': patched(vmdk(), 73, '\n \n\n'),
		'a header cut short': vmdk().subarray(0, 100),
		'a descriptor cut short': vmdk().subarray(0, 2048),
		'a footer of another disk': patched(streamed, footerAt + 12, le32(4096)),
		'a footer with another descriptor': patched(streamed, footerAt + 28, le32(100)),
		'a footer that is another header': patched(streamed, footerAt, 'COWD'),
		'a footer that points to a footer': patched(streamed, footerAt + 56, '\xff'.repeat(8)),
		'a footer without its marker': patched(streamed, footerAt - SECTOR, new Uint8Array(SECTOR)),
		'something after the footer': joined(streamed, new Uint8Array(SECTOR)),
		'a footer at an odd place': joined(streamed, 'x'),
		'no footer where the header says so': streamed.subarray(0, 64 * SECTOR),
		'a descriptor alone': joined(flat),
		'a descriptor alone, with CRLF': joined(flat.replaceAll('\n', '\r\n')),
		'a descriptor alone, after a long remark': joined(`#${'x'.repeat(200_000)}\n${flat}`),
		'a descriptor alone, across 64 KiB': joined(`${'#'.repeat(512 + 65_536 - 5)}createType="monolithicFlat"`),
		'an extent of VMware ESX 3': patched(new Uint8Array(2048), 0, joined('COWD', le32(1))),
	});

	test('which createTypes are accepted is for the operator to say', () => {
		const types = (vmdkTypes: readonly string[]) => inspected(vmdk(), [], { vmdkTypes }).matches[0]?.dangers.length;
		assert.deepEqual([types(['MONOLITHICSPARSE']), types(['streamOptimized']), types([])], [0, 1, 1]);
	});

	test('a text without createType, and a createType after a NUL, are raw', () => {
		for (const image of ['just text\n'.repeat(9999), `\0${flat}`, `${'x'.repeat(1024 * 1024)}createType`])
			assert.deepEqual(inspected(joined(image)).matches, []);
	});
});

describe('vhd', () => {
	accepted('vhd', {
		fixed: [fixedVhd(), MiB],
		'fixed, of a disk with partitions': [fixedVhd(mbr(MBR_ENTRY)), MiB],
		dynamic: [dynamicVhd(), MiB],
		'by geometry, where its creator means that': [dynamicVhd({ creator: 'vpc ' }), 4 * 4 * 17 * SECTOR],
	});
	refused('vhd', {
		'a difference to a parent': dynamicVhd({ type: 4 }),
		'a fixed one that says it is a difference': fixedVhd(undefined, { type: 4 }),
		'a wrong checksum': patched(dynamicVhd(), 40, be64(1)),
		'a fixed one longer than it is': fixedVhd(new Uint8Array(4096), { size: MiB }),
		'a footer that differs from its copy': joined(dynamicVhd().subarray(0, 2048), vhdFooter({ type: 4 })),
		'a dynamic one without its header': patched(dynamicVhd(), 512, 'cxspars\0'),
		'a dynamic header far away': patched(dynamicVhd(), 16, be64(2n ** 40n)),
		'a disk of 8 EiB': fixedVhd(undefined, { size: 2n ** 63n }),
		'a header cut short': dynamicVhd().subarray(0, 100),
	});
});

describe('vhdx', () => {
	const other = '00112233445566778899aabbccddeeff';
	accepted('vhdx', {
		'with what it must have': [vhdx(), MiB],
		'with a region and an item more': [vhdx({ regions: [[other, 2 * MiB, 0]], items: [[other, 0x10010, 0]] }), MiB],
	});
	refused('vhdx', {
		'a parent': vhdx({ flags: 2 }),
		'the locator of a parent': vhdx({ items: [[PARENT_LOCATOR, 0x10010, 4]] }),
		'a required region that is not known': vhdx({ regions: [[other, 2 * MiB, 1]] }),
		'a required item that is not known': vhdx({ items: [[other, 0x10010, 4]] }),
		'region tables that differ': patched(vhdx(), 256 * 1024 + 40, '\x01'),
		'no region table': patched(vhdx(), 192 * 1024, new Uint8Array(128 * 1024)),
		'2048 regions': [192, 256].reduce((image, at) => patched(image, at * 1024 + 8, le32(2048)), vhdx()),
		'metadata before the region tables': [192, 256].reduce((image, at) => patched(image, at * 1024 + 64, le32(0)), vhdx()),
		'metadata far away': [192, 256].reduce((image, at) => patched(image, at * 1024 + 64, '\xff'.repeat(8)), vhdx()),
		'an item inside the table': patched(vhdx(), 320 * 1024 + 32 + 16, le32(8)),
		'2048 items': patched(vhdx(), 320 * 1024 + 10, '\0\x08'),
		'a disk of 8 EiB': vhdx({ size: 2n ** 63n }),
		'a signature alone': vhdx().subarray(0, 8),
	});
});

describe('vdi', () => {
	accepted('vdi', {
		dynamic: [vdi(), MiB],
		static: [vdi({ type: 2 }), MiB],
		'rounded up to sectors': [vdi({ size: MiB + 1 }), MiB + 512],
	});
	refused('vdi', {
		'a difference to a parent': vdi({ type: 4 }),
		'the id of a parent': patched(vdi(), 0x1b8, '\x01'),
		'version 1.2': patched(vdi(), 0x44, le32(0x10002)),
		'a disk of 8 EiB': vdi({ size: 2n ** 63n }),
		'a header cut short': vdi().subarray(0, 0x60),
	});
});

describe('iso', () => {
	accepted('iso', {
		'a disc, sized by its volume': [iso(1000), 1000 * 2048],
		'a disc that starts from a stick, too': [patched(iso(), 446, joined(MBR_ENTRY, new Uint8Array(48), '\x55\xaa')), 20 * 2048],
		'UDF, of a size nobody can say': [patched(iso(), 32_768, '\0NSR02'), null],
	});
	refused('iso', { 'a disc cut short': iso().subarray(0, 33_000), nothing: new Uint8Array(MiB) });
});

describe('gpt', () => {
	accepted('gpt', {
		'a GPT': [gpt(), MiB],
		'a GPT of large sectors': [patched(mbr(PROTECTIVE_ENTRY), 4096, 'EFI PART'), MiB],
		'an MBR': [mbr(MBR_ENTRY), MiB],
	});
	refused('gpt', {
		'an MBR without partitions': mbr(),
		'an MBR with a wrong boot flag': mbr(patched(MBR_ENTRY, 0, '\x42')),
		'a protective MBR with another partition': patched(mbr(PROTECTIVE_ENTRY, MBR_ENTRY), SECTOR, 'EFI PART'),
		'a protective entry that is the second': patched(mbr(new Uint8Array(16), PROTECTIVE_ENTRY), SECTOR, 'EFI PART'),
		'a protective entry that begins elsewhere': patched(mbr(patched(PROTECTIVE_ENTRY, 8, le32(2))), SECTOR, 'EFI PART'),
		'a protective entry with a wrong start': patched(mbr(patched(PROTECTIVE_ENTRY, 2, '\x01')), SECTOR, 'EFI PART'),
		'a protective MBR without a GPT': mbr(PROTECTIVE_ENTRY),
	});

	test('a file system without partitions is raw', () => {
		const volumes = [patched(mbr(), 0x10, '\x02\0\0\0\0\xf8'), patched(mbr(), 3, 'NTFS    '), patched(mbr(), 3, 'EXFAT   ')];
		for (const volume of volumes) assert.deepEqual(inspected(volume).matches, []);
	});

	test('checks that the operator named may fail', () => {
		assert.deepEqual(judged(mbr(), 'gpt', { gptChecksNotFatal: ['mbr'] }), { virtualSize: MiB });
		assert.throws(() => judged(mbr(PROTECTIVE_ENTRY), 'gpt', { gptChecksNotFatal: ['mbr'] }), refusal);
		assert.deepEqual(judged(mbr(PROTECTIVE_ENTRY), 'gpt', { gptChecksNotFatal: ['gptmbr'] }), { virtualSize: MiB });
	});
});

describe('luks and qed', () => {
	accepted('luks', { 'LUKS 1': [luks(), 8 * SECTOR] });
	refused('luks', {
		'LUKS 2': luks({ version: 2 }),
		'a payload outside': luks({ payload: 17 }),
		'a payload inside the header': luks({ payload: 1 }),
		'a header cut short': luks().subarray(0, 500),
	});
	refused('qed', { qed: qed() });
});

test('what is no format is raw, of any length', () => {
	for (const length of [0, 1, 3, 511, 512, 513, 40_000])
		assert.deepEqual(inspected(new Uint8Array(length)), { size: length, matches: [] });
});

test('a danger is said in words, once, and without the content', () => {
	const { dangers } = only(patched(qcow2(), 8, joined(be64(512), be32(11))));
	assert.deepEqual(dangers, [{ check: 'backing_file', why: 'it has a backing file' }]);
});
