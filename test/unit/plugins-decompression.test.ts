import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { openJail } from '#imports/jail.ts';
import { imageDecompression } from '#imports/plugins/image-decompression.ts';
import type { ImportPlugin } from '#imports/plugins/plugin.ts';
import { silentLog } from '#lib/log.ts';
import { MiB } from '#lib/sizes.ts';
import { lacking } from '../support/host-tools.ts';
import { patternBytes } from '../support/pattern.ts';
import { pluginContext, replacement, stagedBytes, subjectOf } from '../support/staged.ts';
import { type TemporaryDir, temporaryDir } from '../support/temporary-dir.ts';
import { type Member, type Shape, zipOf } from '../support/zip.ts';

const disk = Buffer.from(patternBytes(300_000));
const noXz = lacking('xz', 'prlimit', 'setpriv');

let dir: TemporaryDir;
let plugin: ImportPlugin;
before(async () => {
	dir = await temporaryDir();
	plugin = imageDecompression({ maxBytes: 64 * MiB, jail: await openJail({ dir: join(dir.path, 'jail'), log: silentLog }) });
});
after(() => dir[Symbol.asyncDispose]());

async function unpacked(bytes: Uint8Array, containerFormat = 'bare', pieceBytes = 10_007): Promise<Buffer | undefined> {
	return replacement(await plugin.run(subjectOf(stagedBytes(bytes, pieceBytes), { containerFormat }), pluginContext()));
}

function zipped(member: Partial<Member> = {}, shape: Shape = {}): Buffer {
	return zipOf([{ name: 'disk.img', data: disk, ...member }], shape);
}

function made(tool: string, ...args: readonly string[]): Buffer {
	const { stdout, status, stderr } = spawnSync(tool, args, { input: disk, maxBuffer: 1 << 28 });
	assert.equal(status, 0, String(stderr));
	return stdout;
}

describe('image_decompression', () => {
	const whole: Readonly<Record<string, () => Buffer>> = {
		gzip: () => gzipSync(disk),
		'gzip of several members, padded': () =>
			Buffer.concat([gzipSync(disk.subarray(0, 99)), gzipSync(disk.subarray(99)), Buffer.alloc(99)]),
		'gzip with every field in its header': () => {
			const plain = gzipSync(disk);
			const fields = Buffer.from('\x03\x00abcdisk.img\x00remark\x00\x12\x34', 'latin1');
			const head = Buffer.from(plain.subarray(0, 10));
			head.writeUInt8(2 | 4 | 8 | 16, 3);
			return Buffer.concat([head, fields, plain.subarray(10)]);
		},
		zstd: () => zstdCompressSync(disk),
		'zstd of several frames, one to be skipped': () =>
			Buffer.concat([
				zstdCompressSync(disk.subarray(0, 99)),
				Buffer.from('502a4d1802000000ffff', 'hex'),
				zstdCompressSync(disk.subarray(99)),
			]),
		'zip, deflated': () => zipped(),
		'zip, stored': () => zipped({ method: 0 }),
		'zip, sizes behind the data': () => zipped({ descriptor: true }),
		zip64: () => zipped({}, { zip64: true }),
		'zip with a comment that looks like an end': () => zipped({}, { comment: Buffer.from('504b05060000000000000000', 'hex') }),
		'zip of a member with a hostile name': () => zipped({ name: '../../etc/passwd' }),
	};
	for (const [what, make] of Object.entries(whole))
		for (const pieceBytes of [97, 10_007, 1e9])
			test(`${what}, read in pieces of ${pieceBytes}`, async () => {
				assert.deepEqual(await unpacked(make(), 'bare', pieceBytes), disk);
			});

	test('xz', { skip: noXz }, async () => assert.deepEqual(await unpacked(made('xz', '-c')), disk));
	test('zip by the tool', { skip: lacking('zip') }, async () =>
		assert.deepEqual(await unpacked(made('zip', '-q', '-', '-')), disk),
	);

	test('an empty member is empty', async () => {
		assert.deepEqual(await unpacked(gzipSync('')), Buffer.alloc(0));
		assert.deepEqual(await unpacked(zipped({ data: Buffer.alloc(0), method: 0 })), Buffer.alloc(0));
	});

	test('one layer is taken off, not more', async () => {
		assert.deepEqual(await unpacked(gzipSync(gzipSync(disk))), gzipSync(disk));
	});

	test('what is not packed is left alone, and so is what is to stay packed', async () => {
		assert.equal(await unpacked(disk), undefined);
		assert.equal(await unpacked(Buffer.from('QF')), undefined);
		assert.equal(await unpacked(Buffer.alloc(0)), undefined);
		assert.equal(await unpacked(gzipSync(disk), 'compressed'), undefined);
	});

	const lha = Buffer.from('\x1f\x00-lh5-', 'latin1');
	const cut = (bytes: Buffer) => bytes.subarray(0, -3);
	const refused: Readonly<Record<string, readonly [code: string, make: () => Buffer]>> = {
		'two members': [
			'invalid',
			() =>
				zipOf([
					{ name: 'a', data: disk },
					{ name: 'b', data: disk },
				]),
		],
		'no member': ['invalid', () => Buffer.concat([Buffer.from('504b030400', 'hex'), zipOf([])])],
		'a folder and a member': [
			'invalid',
			() =>
				zipOf([
					{ name: 'a/', data: Buffer.alloc(0), method: 0 },
					{ name: 'a/b', data: disk },
				]),
		],
		'a hidden second member': [
			'invalid',
			() =>
				zipOf(
					[
						{ name: 'a', data: disk },
						{ name: 'b', data: disk },
					],
					{ count: 1 },
				),
		],
		'an encrypted member': ['unsupported-type', () => zipped({ flags: 1 })],
		'another method': ['unsupported-type', () => zipped({ method: 12 })],
		'a size that is too small': ['invalid', () => zipped({ size: 1000 })],
		'a size that is too large': ['invalid', () => zipped({ size: disk.length + 1 })],
		'8 GiB said, little there': ['too-large', () => zipped({ size: 2 ** 33 })],
		'a checksum that is wrong': ['invalid', () => zipped({ check: 1 })],
		'another name in front of the data': ['invalid', () => zipped({ localName: 'other' })],
		'a zip cut short': ['invalid', () => cut(zipped())],
		'a gzip cut short': ['invalid', () => cut(gzipSync(disk))],
		'a zstd cut short': ['invalid', () => cut(zstdCompressSync(disk))],
		'a gzip with something behind it': ['invalid', () => Buffer.concat([gzipSync(disk), Buffer.from('something')])],
		'a gzip with something behind its padding': [
			'invalid',
			() => Buffer.concat([gzipSync(disk), Buffer.alloc(5), gzipSync(disk)]),
		],
		'a gzip whose checksum is wrong': ['invalid', () => damaged(gzipSync(disk), -8)],
		'a gzip whose size is wrong': ['invalid', () => damaged(gzipSync(disk), -4)],
		'a gzip with a name without an end': [
			'invalid',
			() => Buffer.concat([Buffer.from('1f8b080800000000000f', 'hex'), Buffer.alloc(70_000, 65)]),
		],
		'an lha archive': ['unsupported-type', () => lha],
	};
	for (const [what, [code, make]] of Object.entries(refused))
		test(`${what} is refused`, () => assert.rejects(unpacked(make()), { code }));

	test('a damaged xz is refused', { skip: noXz }, () => assert.rejects(unpacked(cut(made('xz', '-c'))), { code: 'invalid' }));

	test('a reader that leaves, or never comes, is no trouble', async () => {
		const subject = subjectOf(stagedBytes(gzipSync(disk)));
		const outcome = await plugin.run(subject, pluginContext());
		for await (const _ of outcome.data?.read() ?? []) break;
		await outcome.data?.[Symbol.asyncDispose]();
		await (await plugin.run(subject, pluginContext())).data?.[Symbol.asyncDispose]();
	});

	test('a signal ends it with its reason', async () => {
		const stop = new AbortController();
		const { data } = await plugin.run(subjectOf(stagedBytes(gzipSync(disk))), pluginContext(stop.signal));
		const reading = async () => {
			for await (const _ of data?.read() ?? []) stop.abort(new Error('enough'));
		};
		await assert.rejects(reading(), /enough/);
		await data?.[Symbol.asyncDispose]();
	});
});

function damaged(bytes: Buffer, at: number): Buffer {
	const copy = Buffer.from(bytes);
	copy.writeUInt8(copy.readUInt8(copy.length + at) ^ 1, copy.length + at);
	return copy;
}
