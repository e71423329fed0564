import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { judge, judgeEarly, safeFormat } from '#domain/format-match.ts';
import { createInspector } from '#inspection/inspector.ts';
import {
	be32,
	be64,
	dynamicVhd,
	fixedVhd,
	gpt,
	iso,
	joined,
	luks,
	MBR_ENTRY,
	MiB,
	mbr,
	patched,
	qcow2,
	qed,
	vdi,
	vhdFooter,
	vhdx,
	vmdk,
	vmdkDescriptor,
} from '../support/disk-images.ts';
import { bare, inspected, judged, STRICT } from '../support/inspecting.ts';

const raw = new Uint8Array(MiB);
const backed = patched(qcow2(), 8, joined(be64(512), be32(11)));
const refusal = { code: 'unsupported-type' };
const LENIENT = { requireMatch: false };
/** Two formats at once; both have their signatures in places of their own. */
const discInQcow2 = patched(qcow2(), 32_768, iso().subarray(32_768));

describe('what an image claims and what it is', () => {
	test('raw has the size of its bytes', () => assert.deepEqual(judged(raw, 'raw'), { virtualSize: MiB }));

	test('raw that is more is accepted as bytes, with a warning', () =>
		assert.deepEqual(judged(qcow2({ size: 5 * MiB, l1Entries: 9 }), 'raw'), {
			virtualSize: 262_144,
			warning: 'disk_format is raw, but the content is qcow2',
		}));

	test('raw that is dangerous as what it really is, is refused', () => {
		for (const image of [backed, qed(), luks({ version: 2 }), mbr(), dynamicVhd({ type: 4 })])
			assert.throws(() => judged(image, 'raw'), refusal);
	});

	test('formats that nobody can tell by their bytes are accepted when nothing else is seen', () => {
		for (const format of ['ami', 'ari', 'aki', 'ploop', 'anything'])
			assert.deepEqual([judged(raw, format), inspected(raw).matches], [{ virtualSize: null }, []]);
		assert.throws(() => judged(qcow2(), 'ami'), { ...refusal, message: 'disk_format is ami, but the content is qcow2' });
	});

	test('only bare images are looked into', () => {
		for (const containerFormat of ['ami', 'ova', 'docker', 'compressed', null])
			assert.deepEqual(judge({ diskFormat: 'raw', containerFormat }, inspected(backed), STRICT), { virtualSize: null });
	});

	test('a mismatch is accepted where the operator says so, with a warning and without a size', () =>
		assert.deepEqual(judged(qcow2(), 'vmdk', LENIENT), {
			virtualSize: null,
			warning: 'disk_format is vmdk, but the content is qcow2',
		}));

	test('a danger is refused even there', () => {
		assert.throws(() => judged(backed, 'vmdk', LENIENT), refusal);
		assert.throws(() => judged(patched(discInQcow2, 8, be64(512)), 'qcow2', LENIENT), refusal);
	});
});

describe('one format at a time', () => {
	/** Everything under every other name that says what it should contain. */
	const images: Readonly<Record<string, Uint8Array>> = {
		raw,
		qcow2: qcow2(),
		vmdk: vmdk(),
		vhd: dynamicVhd(),
		vhdx: vhdx(),
		vdi: vdi(),
		iso: iso(),
		gpt: gpt(),
		luks: luks(),
	};
	for (const [format, image] of Object.entries(images))
		test(`${format} is accepted as ${format} and as raw, and as nothing else`, () => {
			for (const claimed of Object.keys(images).filter((name) => name !== 'raw' && name !== format))
				assert.throws(() => judged(image, claimed), {
					...refusal,
					message: `disk_format is ${claimed}, but the content is ${format}`,
				});
			assert.equal(judged(image, format).warning, undefined);
			assert.equal(judged(image, 'raw').warning === undefined, format === 'raw');
		});

	const tar = joined('disk.ovf'.padEnd(100, '\0'), '0000644\0'.padEnd(157, '\0'), 'ustar\x0000', new Uint8Array(2048));
	const atDisc = (head: Uint8Array) => patched(head.subarray(0, 32_768), 32_768, iso().subarray(32_768));
	const closedByVhd = (image: Uint8Array) => joined(image, vhdFooter({ size: 4096 }));
	const several: Readonly<Record<string, readonly [Uint8Array, readonly string[]]>> = {
		'iso and qcow2': [discInQcow2, ['iso', 'qcow2']],
		'iso and vmdk': [atDisc(vmdk()), ['iso', 'vmdk']],
		'iso and vdi': [atDisc(vdi()), ['iso', 'vdi']],
		'iso and vhdx': [atDisc(vhdx()), ['iso', 'vhdx']],
		'iso and luks': [atDisc(luks()), ['iso', 'luks']],
		'iso and vhd': [closedByVhd(iso()), ['iso', 'vhd']],
		'iso, gpt and vhd': [closedByVhd(patched(iso(), 446, mbr(MBR_ENTRY).subarray(446, 512))), ['gpt', 'iso', 'vhd']],
		'qcow2 and gpt': [patched(patched(qcow2(), 446, MBR_ENTRY), 510, '\x55\xaa'), ['gpt', 'qcow2']],
		'vdi and gpt': [patched(patched(vdi(), 446, MBR_ENTRY), 510, '\x55\xaa'), ['gpt', 'vdi']],
		'vmdk and gpt': [patched(patched(vmdk(), 446, MBR_ENTRY), 510, '\x55\xaa'), ['gpt', 'vmdk']],
		'qcow2 and vhd': [closedByVhd(qcow2()), ['qcow2', 'vhd']],
		'vmdk and vhd': [closedByVhd(vmdk()), ['vhd', 'vmdk']],
		'vhdx and vhd': [closedByVhd(vhdx()), ['vhd', 'vhdx']],
		'vdi and vhd': [closedByVhd(joined(vdi(), raw)), ['vdi', 'vhd']],
		'qcow2 and vdi': [patched(vdi(), 0, qcow2().subarray(0, 64)), ['qcow2', 'vdi']],
	};
	for (const [what, [image, formats]] of Object.entries(several))
		test(`${what} at once is refused under any name`, () => {
			assert.deepEqual(
				inspected(image)
					.matches.map(({ format }) => format)
					.sort(),
				formats,
			);
			for (const claimed of ['raw', 'ami', ...formats]) assert.throws(() => judged(image, claimed), refusal);
		});

	test('of two formats, neither dangerous, the answer names both', () =>
		assert.throws(() => judged(discInQcow2, 'qcow2'), { message: 'content is of several formats at once: iso, qcow2' }));

	test('an iso with a partition table, however odd, is an iso', () => {
		const odd = patched(iso(), 446, patched(mbr(MBR_ENTRY).subarray(446, 512), 0, '\x42'));
		for (const image of [odd, patched(iso(), 446, gpt().subarray(446, 512))]) {
			assert.deepEqual(judged(image, 'iso'), { virtualSize: 40_960 });
			assert.throws(() => judged(image, 'gpt'), refusal);
		}
	});

	test('a fixed vhd holds its disk from the first byte on: partitions there are its own', () => {
		assert.deepEqual(judged(fixedVhd(gpt()), 'vhd'), { virtualSize: MiB });
		assert.throws(() => judged(fixedVhd(gpt()), 'gpt'), refusal);
	});

	test('what is inside of another thing is not seen, and is not what it is', () => {
		const hidden = { 'a tar': tar, 'qcow2 in luks': joined(luks(), qcow2()), 'qcow2 in a tar': joined(tar, qcow2()) };
		for (const [what, image] of Object.entries(hidden)) assert.throws(() => judged(image, 'qcow2'), refusal, what);
		assert.deepEqual(judged(tar, 'raw'), { virtualSize: tar.length });
		assert.deepEqual(judged(hidden['qcow2 in luks'], 'luks'), { virtualSize: qcow2().length + 4096 });
	});

	test('the one format of an image is told without a claim', () => {
		const formatOf = (image: Uint8Array) => safeFormat(inspected(image), STRICT);
		assert.deepEqual([raw, qcow2(), fixedVhd(gpt())].map(formatOf), ['raw', 'qcow2', 'vhd']);
		for (const image of [backed, discInQcow2]) assert.throws(() => formatOf(image), refusal);
	});

	test('a descriptor of vmdk is no raw image', () =>
		assert.throws(() => judged(joined(vmdkDescriptor({ type: 'monolithicFlat' })), 'raw'), refusal));
});

describe('the largest disk', () => {
	const TiB = 2 ** 40;
	const cap = { maxVirtualSize: 10 * TiB };
	const large = { clusterBits: 21, l1Entries: 200 };

	test('up to the limit is accepted, a sector more is too large, by any name', () => {
		assert.deepEqual(judged(qcow2({ ...large, size: 10 * TiB }), 'qcow2', cap), { virtualSize: 10 * TiB });
		for (const size of [10 * TiB + 512, 64 * TiB])
			for (const claimed of ['qcow2', 'raw'])
				assert.throws(() => judged(qcow2({ ...large, size }), claimed, cap), { code: 'too-large' }, `${size}`);
		assert.throws(() => judged(qcow2({ ...large, size: 2n ** 63n - 512n }), 'qcow2', cap), refusal);
		assert.throws(() => judged(raw, 'raw', { maxVirtualSize: MiB - 1 }), { code: 'too-large' });
	});

	test('it is refused before the rest of the image has come', () => {
		const inspector = createInspector();
		const early = (diskFormat: string) => judgeEarly(bare(diskFormat), inspector.soFar(), { ...STRICT, ...cap });
		inspector.feed(qcow2({ ...large, size: 64 * TiB }).subarray(0, 60));
		assert.doesNotThrow(() => early('qcow2'));
		inspector.feed(qcow2({ ...large, size: 64 * TiB }).subarray(60, 200));
		assert.throws(() => early('qcow2'), { code: 'too-large' });
		assert.throws(() => early('raw'), { code: 'too-large' });
		assert.doesNotThrow(() =>
			judgeEarly({ diskFormat: 'qcow2', containerFormat: 'ova' }, inspector.soFar(), { ...STRICT, ...cap }),
		);
	});

	test('a partition table may still turn out to be that of a disc', () => {
		const inspector = createInspector();
		const image = patched(iso(), 510, '\x55\xaa');
		inspector.feed(image.subarray(0, 8192));
		assert.doesNotThrow(() => judgeEarly(bare('iso'), inspector.soFar(), STRICT));
		inspector.feed(image.subarray(8192));
		assert.deepEqual(judge(bare('iso'), inspector.finish(), STRICT), { virtualSize: 40_960 });
	});
});
