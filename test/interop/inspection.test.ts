/** The inspector beside qemu-img: sizes of all that it can make, and what it opens of images that were tampered with. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { judge } from '#domain/format-match.ts';
import type { Finding } from '#domain/ports/inspection.ts';
import { createInspector } from '#inspection/inspector.ts';
import { bare, judged, STRICT } from '../support/inspecting.ts';
import { missingQemuImg, qemuImg, qemuInfo } from '../support/qemu-img.ts';
import { type Random, seededRandom, testSeed } from '../support/random.ts';
import { type TemporaryDir, temporaryDir } from '../support/temporary-dir.ts';

const MiB = 1024 * 1024;
const GiB = 1024 * MiB;
const TiB = 1024 * GiB;
const HEAD_BYTES = 8 * MiB;
const END_BYTES = MiB;
const NOTHING = new Uint8Array(64 * MiB);

const skip = missingQemuImg();
let dir: TemporaryDir;
before(async () => {
	dir = await temporaryDir();
});
after(() => dir[Symbol.asyncDispose]());

interface Kind {
	/** disk_format */
	readonly format: string;
	/** qemu-img's name of it */
	readonly qemu: string;
	readonly options?: string;
	readonly largest?: number;
	readonly extra?: readonly string[];
}

const LUKS = { extra: ['--object', 'secret,id=key,data=a-passphrase'], options: 'key-secret=key,iter-time=10' };
const VPC_LARGEST = 2000 * GiB;

const KINDS: Readonly<Record<string, Kind>> = {
	raw: { format: 'raw', qemu: 'raw' },
	'qcow2 v2': { format: 'qcow2', qemu: 'qcow2', options: 'compat=0.10' },
	'qcow2 v3': { format: 'qcow2', qemu: 'qcow2', options: 'compat=1.1,lazy_refcounts=on' },
	'qcow2, small clusters': { format: 'qcow2', qemu: 'qcow2', options: 'cluster_size=4096' },
	'qcow2, large clusters, zstd': { format: 'qcow2', qemu: 'qcow2', options: 'cluster_size=2M,compression_type=zstd' },
	'qcow2, extended L2': { format: 'qcow2', qemu: 'qcow2', options: 'extended_l2=on' },
	'qcow2, luks inside': {
		format: 'qcow2',
		qemu: 'qcow2',
		extra: LUKS.extra,
		options: 'encrypt.format=luks,encrypt.key-secret=key,encrypt.iter-time=10',
		largest: MiB,
	},
	'vmdk monolithicSparse': { format: 'vmdk', qemu: 'vmdk', options: 'subformat=monolithicSparse' },
	'vmdk monolithicSparse, hwversion 6': { format: 'vmdk', qemu: 'vmdk', options: 'hwversion=6,adapter_type=lsilogic' },
	'vmdk streamOptimized': { format: 'vmdk', qemu: 'vmdk', options: 'subformat=streamOptimized' },
	'vpc dynamic': { format: 'vhd', qemu: 'vpc', largest: VPC_LARGEST },
	'vpc dynamic, exact': { format: 'vhd', qemu: 'vpc', options: 'force_size=on', largest: VPC_LARGEST },
	'vpc fixed': { format: 'vhd', qemu: 'vpc', options: 'subformat=fixed', largest: VPC_LARGEST },
	'vpc fixed, exact': { format: 'vhd', qemu: 'vpc', options: 'subformat=fixed,force_size=on', largest: VPC_LARGEST },
	'vhdx dynamic': { format: 'vhdx', qemu: 'vhdx' },
	'vhdx fixed': { format: 'vhdx', qemu: 'vhdx', options: 'subformat=fixed', largest: 100 * MiB },
	vdi: { format: 'vdi', qemu: 'vdi' },
	'vdi static': { format: 'vdi', qemu: 'vdi', options: 'static=on', largest: 100 * MiB },
	luks: { format: 'luks', qemu: 'luks', ...LUKS, largest: MiB },
};
const SIZES = [MiB, 3 * MiB + 512, 100 * MiB, 10 * GiB, 127 * GiB + 512, 2000 * GiB, 2 * TiB];

describe('virtual sizes', { skip }, () => {
	for (const [name, { format, qemu, options, largest = 2 * TiB, extra = [] }] of Object.entries(KINDS))
		test(`${name}: as qemu-img says`, async () => {
			const path = join(dir.path, 'sized');
			for (const size of SIZES.filter((each) => each <= largest)) {
				await qemuImg('create', '-q', ...extra, '-f', qemu, ...(options ? ['-o', options] : []), path, `${size}`);
				const { 'virtual-size': expected } = await qemuInfo(path, qemu);
				const finding = await inspectSparse(path);
				assert.deepEqual(judge(bare(format), finding, STRICT), { virtualSize: expected }, `of ${size}`);
			}
		});

	for (const [name, { format, qemu, options }] of Object.entries(KINDS).filter(([, { extra }]) => extra === undefined))
		test(`${name}: with data in it`, async () => {
			const [source, path] = [join(dir.path, 'source'), join(dir.path, 'converted')];
			writeFileSync(source, Buffer.alloc(5 * MiB, 'some data, which is no disk '));
			await qemuImg('convert', '-f', 'raw', '-O', qemu, ...(options ? ['-o', options] : []), source, path);
			const { 'virtual-size': expected } = await qemuInfo(path, qemu);
			assert.deepEqual(judged(await readFile(path), format), { virtualSize: expected });
		});

	test('luks: grown, because making one takes long', async () => {
		const path = join(dir.path, 'grown');
		await qemuImg('create', '-q', ...LUKS.extra, '-f', 'luks', '-o', LUKS.options, path, `${MiB}`);
		for (const size of SIZES.filter((each) => each > 2 * MiB)) {
			truncateSync(path, size);
			const { 'virtual-size': expected } = await qemuInfo(path, 'luks');
			assert.deepEqual(judge(bare('luks'), await inspectSparse(path), STRICT), { virtualSize: expected });
		}
	});

	test('a partition table that sgdisk made', {
		skip: spawnSync('sgdisk', ['--version']).error && 'sgdisk is not installed',
	}, async () => {
		const path = join(dir.path, 'partitioned');
		writeFileSync(path, '');
		truncateSync(path, 10 * MiB);
		assert.equal(spawnSync('sgdisk', ['--new=1:0:0', path]).status, 0);
		assert.deepEqual(judged(await readFile(path), 'gpt'), { virtualSize: 10 * MiB });
		assert.equal(judged(await readFile(path), 'raw').virtualSize, 10 * MiB);
	});
});

describe('what qemu-img makes and must not come in', { skip }, () => {
	const REFUSED: Readonly<Record<string, readonly string[]>> = {
		'vmdk monolithicFlat': ['vmdk', 'subformat=monolithicFlat'],
		'vmdk twoGbMaxExtentSparse': ['vmdk', 'subformat=twoGbMaxExtentSparse'],
		'vmdk twoGbMaxExtentFlat': ['vmdk', 'subformat=twoGbMaxExtentFlat'],
		'vmdk with a parent': ['vmdk', 'backing_file=base.vmdk,backing_fmt=vmdk'],
		'qcow2 with a backing file': ['qcow2', 'backing_file=base.vmdk,backing_fmt=vmdk'],
		'qcow2 v2 with a backing file': ['qcow2', 'compat=0.10,backing_file=base.vmdk,backing_fmt=vmdk'],
		'qcow2 with a data file': ['qcow2', 'data_file=data.raw'],
		'qcow2 with a raw data file': ['qcow2', 'data_file=data2.raw,data_file_raw=on'],
		qed: ['qed', 'cluster_size=64k'],
	};
	for (const [name, [format = '', options = '']] of Object.entries(REFUSED))
		test(`${name} is refused, as raw too`, async () => {
			const path = join(dir.path, `refused.${format}`);
			await qemuImg('create', '-q', '-f', 'vmdk', join(dir.path, 'base.vmdk'), '1M');
			const inDir = options.replaceAll('=data', `=${dir.path}/data`).replaceAll('=base', `=${dir.path}/base`);
			await qemuImg('create', '-q', '-f', format, '-o', inDir, path, '1M');
			const image = await readFile(path);
			for (const claimed of [format, 'raw']) assert.throws(() => judged(image, claimed), { code: 'unsupported-type' });
		});
});

describe('tampered qcow2', { skip }, () => {
	const MUTANTS = 200_000;
	const ASKING_MS = 40_000;
	const ASKED_AT_ONCE = 2;
	const FEWEST_ASKED = 300;
	const MOST_QUESTIONS = 10_000;
	const HEAD = 1024;
	const VARIANTS = [
		'compat=0.10',
		'compat=1.1',
		'cluster_size=512',
		'cluster_size=2M',
		'extended_l2=on',
		'compression_type=zstd',
		'lazy_refcounts=on,refcount_bits=64',
		'refcount_bits=1',
		'backing_file=BASE,backing_fmt=raw',
		'data_file=DATA',
	];
	const seed = testSeed();

	/** A mutant is its base and its first HEAD bytes: nothing behind them was touched. */
	interface Question {
		readonly base: Uint8Array;
		readonly head: Uint8Array;
		readonly virtualSize: number | null | undefined;
	}

	test(`none of ${MUTANTS} mutants is accepted that qemu-img opens other files for (SUNDOG_TEST_SEED=${seed})`, async (t) => {
		const bases = await Promise.all(VARIANTS.map(makeBase));
		const random = seededRandom(seed);
		const questions = new Map<string, Question>();
		let accepted = 0;
		for (let count = 0; count < MUTANTS; count++) {
			const base = bases[count % bases.length] ?? assert.fail();
			const head = tampered(base.subarray(0, HEAD), random);
			const finding = inspectedParts(head, base.subarray(HEAD));
			if (!isAccepted(finding)) continue;
			accepted++;
			const difference = differenceThatMatters(head, base);
			if (difference === undefined || questions.size === MOST_QUESTIONS) continue;
			questions.set(difference, { base, head, virtualSize: finding.matches[0]?.virtualSize });
		}
		const asked = await askInTime([...questions.values()]);
		t.diagnostic(`${accepted} of ${MUTANTS} mutants accepted, ${questions.size} of them kept that differ where it could matter`);
		t.diagnostic(`qemu-img asked for ${asked.all}; it opened ${asked.opened} and no other file`);
		assert.ok(accepted > MUTANTS / 20 && asked.opened > 100, 'the mutants test nothing');
	});

	async function makeBase(options: string, index: number): Promise<Uint8Array> {
		const path = join(dir.path, `base-${index}.qcow2`);
		const base = join(dir.path, 'a-base-of-raw-data');
		writeFileSync(base, Buffer.alloc(MiB));
		const inDir = options.replace('BASE', base).replace('DATA', join(dir.path, 'a-data-file'));
		await qemuImg('create', '-q', '-f', 'qcow2', '-o', inDir, path, '1M');
		return await readFile(path);
	}

	function isAccepted(finding: Finding): boolean {
		try {
			judge(bare('qcow2'), finding, STRICT);
			return true;
		} catch {
			return false;
		}
	}

	/** Header and extensions as text, when they differ; what lies behind them names no files. */
	function differenceThatMatters(head: Uint8Array, base: Uint8Array): string | undefined {
		const relevant = (bytes: Uint8Array) => Buffer.from(bytes.subarray(0, HEAD)).fill(0, 32, 72).toString('latin1');
		const now = relevant(head);
		return now === relevant(base) ? undefined : now;
	}

	/** All of them, or as many as there is time for. */
	async function askInTime(questions: readonly Question[]): Promise<{ readonly all: number; readonly opened: number }> {
		const end = performance.now() + ASKING_MS;
		const waiting = questions.values();
		const asked = { all: 0, opened: 0 };
		const worker = async (_: unknown, index: number) => {
			const path = join(dir.path, `mutant-${index}.qcow2`);
			for (const { base, head, virtualSize } of waiting) {
				if (performance.now() > end && asked.all >= FEWEST_ASKED) return;
				await writeFile(path, Buffer.concat([head, base.subarray(HEAD)]));
				asked.all++;
				// What qemu does not open opens nothing else.
				const info = await qemuInfo(path).catch(() => undefined);
				if (info === undefined) continue;
				asked.opened++;
				assert.equal(info['backing-filename'], undefined);
				assert.equal(info['format-specific']?.data['data-file'], undefined);
				assert.deepEqual([info.format, info['virtual-size']], ['qcow2', virtualSize]);
			}
		};
		await Promise.all(Array.from({ length: ASKED_AT_ONCE }, worker));
		return asked;
	}
});

/** Mostly the header and what follows it; values that mean something where they may. */
function tampered(head: Uint8Array, random: Random): Uint8Array {
	const image = Uint8Array.from(head);
	const pick = <T>(...values: readonly [T, ...T[]]) => values[random.between(0, values.length - 1)] ?? values[0];
	for (let times = random.between(1, 4); times > 0; times--) {
		const at = pick(random.between(0, 111), random.between(72, 700), pick(4, 8, 16, 20, 24, 36, 72, 96, 100, 104, 112));
		const kind = random.between(0, 5);
		if (kind === 0) image.fill(1 << random.between(0, 7), at, at + 1);
		else if (kind === 1) image.fill(random.between(0, 255), at, at + pick(1, 2, 4, 8));
		else if (kind === 2)
			image.set(Buffer.from(pick('DATA', '\xe2\x79\x2a\xca', '\x68\x03\xf8\x57', '\0\0\0\0', 'QFI\xfb'), 'latin1'), at);
		else if (kind === 3) copySome(image, random.between(0, 600), at, pick(1, 2, 4, 8, 16));
		else if (kind === 4) image.set([0, 0, 0, pick(0, 8, 16, 72, 104, 112, 255)], at & ~3);
		else image[at] = (image[at] ?? 0) ^ (1 << random.between(0, 7));
	}
	return image;
}

function inspectedParts(...parts: readonly Uint8Array[]): Finding {
	const inspector = createInspector();
	for (const part of parts) inspector.feed(part);
	return inspector.finish();
}

function copySome(image: Uint8Array, from: number, to: number, length: number): void {
	image.copyWithin(to, from, from + length);
}

/** What qemu-img makes has nothing but tables and holes in its middle; they are fed as zeros, which takes no time. */
async function inspectSparse(path: string): Promise<Finding> {
	await using file = await open(path);
	const { size } = await file.stat();
	const inspector = createInspector();
	const feed = async (start: number, end: number) => {
		const { buffer, bytesRead } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
		inspector.feed(buffer.subarray(0, bytesRead));
	};
	const middle = Math.min(size, HEAD_BYTES);
	const last = Math.max(middle, size - END_BYTES);
	if (middle > 0) await feed(0, middle);
	for (let at = middle; at < last; at += NOTHING.length) inspector.feed(NOTHING.subarray(0, Math.min(NOTHING.length, last - at)));
	if (last < size) await feed(last, size);
	return inspector.finish();
}
