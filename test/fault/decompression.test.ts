/** T-BOMB and T-TAR: archives that would fill memory or disk, and archives whose members would go where they like. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { crc32, gzipSync } from 'node:zlib';
import { codeOf } from '#domain/errors.ts';
import { openJail } from '#imports/jail.ts';
import { imageDecompression } from '#imports/plugins/image-decompression.ts';
import type { ImportPlugin, StagedBytes } from '#imports/plugins/plugin.ts';
import { silentLog } from '#lib/log.ts';
import { GiB, MiB } from '#lib/sizes.ts';
import { lacking } from '../support/host-tools.ts';
import { peakResidentBytes } from '../support/proc.ts';
import { pluginContext, stagedBytes, stagedFile, subjectOf } from '../support/staged.ts';
import { type TemporaryDir, temporaryDir } from '../support/temporary-dir.ts';
import { zipOf } from '../support/zip.ts';

const MAX_GROWTH = 64 * MiB;
const noTools = lacking('sh', 'head', 'gzip');
const noXz = noTools || lacking('xz', 'prlimit', 'setpriv');

let dir: TemporaryDir;
before(async () => {
	dir = await temporaryDir();
});
after(() => dir[Symbol.asyncDispose]());

async function pluginFor(maxBytes: number): Promise<ImportPlugin> {
	return imageDecompression({ maxBytes, jail: await openJail({ dir: join(dir.path, 'jail'), log: silentLog }) });
}

interface Outcome {
	/** what a caller would have written */
	readonly bytes: number;
	readonly code: string | undefined;
	/** of this process, at its peak */
	readonly growth: number;
}

async function unpack(staged: StagedBytes, maxBytes = 4 * GiB): Promise<Outcome> {
	const plugin = await pluginFor(maxBytes);
	const resident = await peakFromNow();
	let bytes = 0;
	let code: string | undefined;
	try {
		const { data } = await plugin.run(subjectOf(staged), pluginContext());
		await using made = data;
		for await (const piece of made?.read() ?? []) bytes += piece.length;
	} catch (error) {
		code = codeOf(error) ?? String(error);
	}
	return { bytes, code, growth: peakResidentBytes(process.pid) - resident };
}

/** Forgets the peak so far: proc(5), clear_refs. */
async function peakFromNow(): Promise<number> {
	await writeFile('/proc/self/clear_refs', '5');
	return peakResidentBytes(process.pid);
}

/** A file that a command writes, so that making it takes none of this process's memory. */
async function made(name: string, command: string): Promise<StagedBytes> {
	const path = join(dir.path, name);
	execFileSync('sh', ['-c', `${command} >"$0"`, path]);
	return stagedFile(path);
}

/** RFC 8878 §3.1.1: a frame of blocks that each repeat one byte 128 KiB long. */
function zstdBomb(blocks: number, windowLog: number): Buffer {
	const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, (windowLog - 10) << 3]);
	const block = (isLast: boolean) => {
		const bytes = Buffer.alloc(4);
		bytes.writeUIntLE((131_072 << 3) | (1 << 1) | Number(isLast), 0, 3);
		return bytes;
	};
	return Buffer.concat([header, ...Array.from({ length: blocks }, (_, index) => block(index === blocks - 1))]);
}

/** The .xz file format §3.1: a block header that asks for a dictionary of 512 MiB. */
function withLargeDictionary(xz: Buffer): Buffer {
	const patched = Buffer.from(xz);
	const filter = patched.indexOf(Buffer.from([0x21, 0x01]), 12);
	const headerEnd = 12 + (patched.readUInt8(12) + 1) * 4 - 4;
	assert.ok(filter > 12 && filter < headerEnd);
	patched.writeUInt8(34, filter + 2);
	patched.writeUInt32LE(crc32(patched.subarray(12, headerEnd)), headerEnd);
	return patched;
}

describe('bombs', () => {
	test('1 GiB of zeros in 1 MiB of gzip', { skip: noTools }, async () => {
		const staged = await made('bomb.gz', 'head -c 1G /dev/zero | gzip -9');
		assert.ok(staged.size < 1.1 * MiB);
		const { bytes, code, growth } = await unpack(staged);
		assert.equal(code, 'too-large');
		assert.ok(bytes <= 200 * staged.size, String(bytes));
		assert.ok(growth <= MAX_GROWTH, String(growth));
	});

	test('256 MiB of zeros in 39 kB of xz', { skip: noXz }, async () => {
		const { bytes, code, growth } = await unpack(await made('bomb.xz', 'head -c 256M /dev/zero | xz -T1'));
		assert.equal(code, 'too-large');
		assert.ok(bytes <= 16 * MiB, String(bytes));
		assert.ok(growth <= MAX_GROWTH, String(growth));
	});

	test('an xz dictionary of 512 MiB', { skip: noXz }, async () => {
		const { file = '' } = await made('small.xz', 'head -c 100000 /dev/zero | xz -T1');
		const { bytes, code, growth } = await unpack(stagedBytes(withLargeDictionary(await readFile(file))));
		assert.deepEqual([bytes, code], [0, 'too-large']);
		assert.ok(growth <= MAX_GROWTH, String(growth));
	});

	test('1 GiB in 32 kB of zstd, and a window of 2 GiB', async () => {
		const bomb = await unpack(stagedBytes(zstdBomb(8192, 17)));
		assert.equal(bomb.code, 'too-large');
		assert.ok(bomb.bytes <= 16 * MiB && bomb.growth <= MAX_GROWTH, JSON.stringify(bomb));
		const windowed = await unpack(stagedBytes(zstdBomb(64, 31)));
		assert.deepEqual([windowed.code, windowed.bytes], ['too-large', 0]);
		assert.ok(windowed.growth <= MAX_GROWTH, String(windowed.growth));
	});

	test('a zip of zeros that tells the truth, and one that does not', { skip: noTools }, async () => {
		const data = Buffer.alloc(64 * MiB);
		const honest = zipOf([{ name: 'zeros', data }]);
		assert.deepEqual((({ bytes, code }) => [bytes, code])(await unpack(stagedBytes(honest))), [0, 'too-large']);
		const liar = await unpack(stagedBytes(zipOf([{ name: 'zeros', data, size: 1000, check: crc32(data) }])));
		assert.deepEqual([liar.bytes, liar.code], [0, 'invalid']);
	});

	test('a nest: members are counted, and one layer is taken off', async () => {
		const layer = (inner: Buffer) => zipOf(Array.from({ length: 16 }, (_, index) => ({ name: `${index}.zip`, data: inner })));
		const nest = [1, 2, 3].reduce(layer, Buffer.alloc(MiB));
		assert.deepEqual((({ bytes, code }) => [bytes, code])(await unpack(stagedBytes(nest))), [0, 'invalid']);
		const inner = gzipSync(gzipSync(Buffer.alloc(4 * MiB)));
		const { bytes, code } = await unpack(stagedBytes(gzipSync(inner)));
		assert.deepEqual([bytes, code], [inner.length, undefined]);
	});

	test('gzip of a million members', async () => {
		const member = gzipSync('');
		const staged: StagedBytes = {
			size: 1_000_000 * member.length,
			async *read({ start, end } = { start: 0, end: 1_000_000 * member.length }) {
				if (end - start < member.length) return yield member.subarray(start, end);
				const many = Buffer.concat(Array.from({ length: 1000 }, () => member));
				for (let at = start; at < end; at += many.length) yield many;
			},
		};
		const { bytes, code, growth } = await unpack(staged);
		assert.deepEqual([bytes, code], [0, 'too-large']);
		assert.ok(growth <= MAX_GROWTH, String(growth));
	});

	test('an honest image beyond the cap: no byte more than the cap comes out', { skip: noTools }, async () => {
		const staged = await made('random.gz', 'head -c 20M /dev/urandom | gzip -1');
		const { bytes, code, growth } = await unpack(staged, 8 * MiB);
		assert.equal(code, 'too-large');
		assert.ok(bytes <= 8 * MiB && growth <= MAX_GROWTH, JSON.stringify({ bytes, growth }));
	});
});

const PAYLOAD = Buffer.from('planted');
const SYMLINK = (0o120777 << 16) >>> 0;

/** POSIX ustar: one entry and the end. */
function tarOf(
	name: string,
	{ type = '0', link = '', size = '00000000007' }: { type?: string; link?: string; size?: string | Buffer } = {},
): Buffer {
	const header = Buffer.alloc(512);
	header.write(name.slice(0, 100), 0, 'latin1');
	header.write('0000644\0', 100);
	Buffer.from(size).copy(header, 124);
	header.fill(' ', 148, 156);
	header.write(type, 156);
	header.write(link.slice(0, 100), 157);
	header.write('ustar\x0000', 257);
	const sum = header.reduce((total, byte) => total + byte, 0);
	header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
	const body = Buffer.alloc(512);
	PAYLOAD.copy(body);
	return Buffer.concat([header, body, Buffer.alloc(1024)]);
}

describe('archives whose members would go elsewhere', () => {
	const names = (outside: string): readonly string[] => [
		'../planted',
		'../../../../../../tmp/planted',
		'a/../../planted',
		'./../planted',
		'..\\planted',
		'..%2fplanted',
		outside,
		`/${outside}`,
		'//planted',
		'C:\\planted',
		'\\\\host\\planted',
		'~/planted',
		'planted\0.img',
		'\0',
		'',
		'.',
		'..',
		'jail/planted',
		`${'d/'.repeat(5000)}planted`,
		'\u202egnp.planted',
	];

	test('60 of them: each gives its bytes or an error, and creates nothing', async () => {
		await using place = await temporaryDir();
		const jail = await openJail({ dir: join(place.path, 'jail'), log: silentLog });
		const plugin = imageDecompression({ maxBytes: MiB, jail });
		const hostile = names(join(place.path, 'planted'));
		const archives = [
			...hostile.map((name) => zipOf([{ name, data: PAYLOAD, method: 0 }])),
			...hostile.map((name) => zipOf([{ name, data: PAYLOAD, attributes: SYMLINK }])),
			...hostile.map((name) => gzipSync(tarOf(name))),
		];
		assert.equal(archives.length, 60);
		const before = [await readdir(place.path, { recursive: true }), await readdir('.')];
		for (const archive of archives) {
			const { data } = await plugin.run(subjectOf(stagedBytes(archive)), pluginContext());
			await using made = data;
			const pieces: Uint8Array[] = [];
			for await (const piece of made?.read() ?? []) pieces.push(piece);
			assert.ok(Buffer.concat(pieces).includes(PAYLOAD));
		}
		assert.deepEqual([await readdir(place.path, { recursive: true }), await readdir('.')], before);
	});

	const wrong: Readonly<Record<string, () => Buffer>> = {
		'the same descriptor twice': () =>
			zipOf([
				{ name: 'a.ovf', data: PAYLOAD },
				{ name: 'a.ovf', data: PAYLOAD },
			]),
		'a link and what goes through it': () =>
			zipOf([
				{ name: 'd', data: Buffer.from('/tmp'), attributes: SYMLINK },
				{ name: 'd/planted', data: PAYLOAD },
			]),
		'a million members said': () => zipOf([{ name: 'a', data: PAYLOAD }], { zip64: true, count: 1_000_000 }),
		'8 GiB said, little there': () => zipOf([{ name: 'a', data: PAYLOAD, size: 2 ** 33, method: 0 }]),
	};
	for (const [what, make] of Object.entries(wrong))
		test(`${what} is refused with nothing given`, async () => {
			const { bytes, code } = await unpack(stagedBytes(make()), MiB);
			assert.deepEqual([bytes, ['invalid', 'too-large'].includes(code ?? '')], [0, true], `${code}`);
		});

	test('a tar is not opened at all, whatever it says of itself', async () => {
		const plugin = await pluginFor(MiB);
		const tars = [
			tarOf('../planted', { type: '2', link: '/etc/passwd' }),
			tarOf('d', { type: '1', link: '../../planted' }),
			tarOf('a', { size: Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0]) }),
		];
		for (const tar of tars) assert.deepEqual(await plugin.run(subjectOf(stagedBytes(tar)), pluginContext()), {});
	});
});
