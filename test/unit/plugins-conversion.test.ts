import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { open, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Jail, type JailJob, openJail } from '#imports/jail.ts';
import { type Finding, imageConversion } from '#imports/plugins/image-conversion.ts';
import type { ImportPlugin, PluginOutcome } from '#imports/plugins/plugin.ts';
import type { OutputFormat } from '#imports/qemu-img.ts';
import { silentLog } from '#lib/log.ts';
import { GiB, MiB } from '#lib/sizes.ts';
import { lacking } from '../support/host-tools.ts';
import { patternBytes } from '../support/pattern.ts';
import { pluginContext, replacement, stagedBytes, stagedFile, subjectOf } from '../support/staged.ts';
import { type TemporaryDir, temporaryDir } from '../support/temporary-dir.ts';

const SIZE = 3 * MiB + 65_536;
const skip = lacking('qemu-img', 'prlimit', 'setpriv');

/** A disk with data, a hole, and data. */
async function rawDisk(dir: TemporaryDir): Promise<string> {
	const path = join(dir.path, 'disk.raw');
	await writeFile(path, patternBytes(MiB));
	await truncate(path, SIZE);
	await using file = await open(path, 'r+');
	await file.write(patternBytes(65_536, 2), 0, 65_536, SIZE - 65_536);
	return path;
}

function qemuImg(...args: readonly string[]): void {
	execFileSync('qemu-img', args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** As content is staged: nobody else may open it. */
async function diskOf(dir: TemporaryDir, format: string, ...options: readonly string[]): Promise<string> {
	const raw = await rawDisk(dir);
	if (format === 'raw') return raw;
	const path = join(dir.path, `disk.${format}`);
	qemuImg('convert', '-f', 'raw', '-O', format, ...options, raw, path);
	chmodSync(path, 0o400);
	return path;
}

const MAGIC: readonly (readonly [format: string, at: number, hex: string])[] = [
	['qcow2', 0, '514649fb'],
	['vmdk', 0, '4b444d56'],
	['vhd', 0, '636f6e6563746978'],
	['vhdx', 0, '7668647866696c65'],
	['vdi', 64, '7f10dabe'],
	['iso', 32_769, '4344303031'],
];

/** By magic numbers, which is all that a test of the plugin needs. */
async function inspect(bytes: AsyncIterable<Uint8Array>): Promise<Finding> {
	const pieces: Uint8Array[] = [];
	for await (const piece of bytes) pieces.push(piece);
	const head = Buffer.concat(pieces);
	const match = MAGIC.find(([, at, hex]) => head.subarray(at, at + hex.length / 2).toString('hex') === hex);
	const isDangerous = match?.[0] === 'qcow2' && head.readBigUInt64BE(8) !== 0n;
	return { format: match?.[0] ?? 'raw', ...(isDangerous && { danger: 'it has a backing file' }) };
}

interface Bench {
	readonly plugin: ImportPlugin;
	readonly jobs: readonly JailJob[];
	readonly cells: () => Promise<readonly string[]>;
}

async function bench(dir: TemporaryDir, options: Partial<Parameters<typeof imageConversion>[0]> = {}): Promise<Bench> {
	const jail = await openJail({ dir: join(dir.path, 'jail'), log: silentLog });
	const jobs: JailJob[] = [];
	const recording: Jail = {
		...jail,
		run(job, rest) {
			jobs.push(job);
			return jail.run(job, rest);
		},
	};
	const plugin = imageConversion({ outputFormat: 'raw', maxBytes: GiB, inspect, jail: recording, ...options });
	return { plugin, jobs, cells: () => readdir(join(dir.path, 'jail')) };
}

async function run({ plugin }: Bench, path: string, diskFormat: string | null, signal?: AbortSignal): Promise<PluginOutcome> {
	return plugin.run(subjectOf(await stagedFile(path), { diskFormat }), pluginContext(signal));
}

describe('image_conversion', { skip }, () => {
	const sources: readonly (readonly [declared: string, qemu: string, ...options: string[]])[] = [
		['qcow2', 'qcow2'],
		['qcow2', 'qcow2', '-c'],
		['vmdk', 'vmdk'],
		['vmdk', 'vmdk', '-o', 'subformat=streamOptimized'],
		['vhd', 'vpc', '-o', 'force_size'],
		['vhdx', 'vhdx'],
		['vdi', 'vdi'],
	];
	for (const [declared, qemu, ...options] of sources)
		test(`${[declared, ...options].join(' ')} becomes raw`, async () => {
			await using dir = await temporaryDir();
			const made = await bench(dir);
			const outcome = await run(made, await diskOf(dir, qemu, ...options), declared);
			const bytes = await replacement(outcome);
			const virtualSize = outcome.changes?.virtualSize ?? 0;
			assert.ok(virtualSize >= SIZE && virtualSize < SIZE + MiB);
			assert.deepEqual(outcome.changes, { diskFormat: 'raw', containerFormat: 'bare', virtualSize });
			assert.deepEqual([bytes?.length, outcome.data?.size], [virtualSize, virtualSize]);
			assert.ok(bytes?.subarray(0, SIZE).equals(await readFile(await rawDisk(dir))));
			assert.deepEqual(await made.cells(), []);
		});

	for (const format of ['qcow2', 'vmdk'] as const satisfies readonly OutputFormat[])
		test(`raw becomes ${format}, and the same when it comes as a stream`, async () => {
			await using dir = await temporaryDir();
			const made = await bench(dir, { outputFormat: format });
			const raw = await rawDisk(dir);
			const outcome = await run(made, raw, 'raw');
			assert.deepEqual(outcome.changes, { diskFormat: format, containerFormat: 'bare', virtualSize: SIZE });
			const copy = join(dir.path, 'copy');
			await writeFile(copy, (await replacement(outcome)) ?? '');
			qemuImg('compare', '-f', format, '-F', 'raw', copy, raw);
			const streamed = await made.plugin.run(subjectOf(stagedBytes(await readFile(raw))), pluginContext());
			assert.equal((await replacement(streamed))?.length, (await readFile(copy)).length);
		});

	test('qemu-img is told the format, and never a name', async () => {
		await using dir = await temporaryDir();
		const made = await bench(dir);
		await replacement(await run(made, await diskOf(dir, 'qcow2'), 'qcow2'));
		const input = '/proc/self/fd/3';
		assert.deepEqual(
			made.jobs.map(({ tool, args }) => [tool, ...args]),
			[
				['qemu-img', 'info', '-f', 'qcow2', '--output=json', input],
				['qemu-img', 'convert', '-f', 'qcow2', '-O', 'raw', input, 'converted'],
				['qemu-img', 'info', '-f', 'raw', '--output=json', input],
			],
		);
		assert.deepEqual(
			made.jobs.map(({ limits }) => limits.cpuSeconds),
			[2, 60, 2],
		);
	});

	test('what has the format already stays, and its virtual size is known', async () => {
		await using dir = await temporaryDir();
		const made = await bench(dir, { outputFormat: 'qcow2' });
		assert.deepEqual(await run(made, await diskOf(dir, 'qcow2'), 'qcow2'), { changes: { virtualSize: SIZE } });
		assert.deepEqual(await made.cells(), []);
	});

	test('an ISO stays, and a partition table is a raw disk', async () => {
		await using dir = await temporaryDir();
		const raw = await rawDisk(dir);
		const iso = await bench(dir, { inspect: async () => ({ format: 'iso' }) });
		assert.deepEqual(await run(iso, raw, 'iso'), {});
		assert.deepEqual(iso.jobs, []);
		const gpt = await bench(dir, { inspect: async () => ({ format: 'gpt' }) });
		assert.deepEqual(await run(gpt, raw, 'raw'), { changes: { virtualSize: SIZE } });
	});

	const mismatches: readonly (readonly [what: string, declared: string | null, found: string])[] = [
		['qcow2 declared raw', 'raw', 'qcow2'],
		['raw declared qcow2', 'qcow2', 'raw'],
		['an ISO declared raw', 'raw', 'iso'],
		['raw declared ami', 'ami', 'raw'],
		['a format that qemu-img is not asked for', 'luks', 'luks'],
		['no format', null, 'raw'],
	];
	for (const [what, declared, found] of mismatches)
		test(`${what} is refused before qemu-img sees it`, async () => {
			await using dir = await temporaryDir();
			const made = await bench(dir, { inspect: async () => ({ format: found }) });
			await assert.rejects(run(made, await rawDisk(dir), declared), { code: 'unsupported-type' });
			assert.deepEqual([made.jobs, await made.cells()], [[], []]);
		});

	test('a hostile qcow2 never reaches qemu-img', async () => {
		await using dir = await temporaryDir();
		const path = join(dir.path, 'overlay');
		qemuImg('create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', await rawDisk(dir), path);
		const made = await bench(dir);
		await assert.rejects(run(made, path, 'qcow2'), { code: 'unsupported-type', message: /backing file/ });
		assert.deepEqual(made.jobs, []);
	});

	test('and one that gets by is refused by what qemu-img says of it', async () => {
		await using dir = await temporaryDir();
		const path = join(dir.path, 'overlay');
		qemuImg('create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', await rawDisk(dir), path);
		const made = await bench(dir, { inspect: async () => ({ format: 'qcow2' }) });
		await assert.rejects(run(made, path, 'qcow2'), { code: 'unsupported-type', message: /other files/ });
		assert.equal(made.jobs.length, 1);
		assert.deepEqual(await made.cells(), []);
	});

	test('a disk in a disk is refused when it comes to light', async () => {
		await using dir = await temporaryDir();
		const inner = await diskOf(dir, 'qcow2');
		const outer = join(dir.path, 'outer');
		qemuImg('convert', '-f', 'raw', '-O', 'qcow2', inner, outer);
		const made = await bench(dir);
		await assert.rejects(run(made, outer, 'qcow2'), { code: 'unsupported-type', message: /is qcow2/ });
		assert.deepEqual(await made.cells(), []);
	});

	test('a disk that is too large is refused, and so is one that there is no room for', async () => {
		await using dir = await temporaryDir();
		const path = join(dir.path, 'vast');
		qemuImg('create', '-q', '-f', 'qcow2', path, '500T');
		await assert.rejects(run(await bench(dir), path, 'qcow2'), { code: 'too-large' });
		const made = await bench(dir, { maxBytes: Number.MAX_SAFE_INTEGER });
		await assert.rejects(run(made, path, 'qcow2'), { code: 'full' });
		assert.deepEqual([made.jobs.length, await made.cells()], [1, []]);
	});

	test('a broken image is refused without a path in the words', async () => {
		await using dir = await temporaryDir();
		const path = join(dir.path, 'broken');
		await writeFile(path, Buffer.concat([Buffer.from('514649fb00000003', 'hex'), Buffer.alloc(600, 0)]));
		await assert.rejects(run(await bench(dir), path, 'qcow2'), (error: Error) => {
			assert.match(error.message, /^qemu-img cannot examine the image$/);
			return true;
		});
	});

	test('a signal ends it and leaves nothing', async () => {
		await using dir = await temporaryDir();
		const made = await bench(dir);
		const path = await diskOf(dir, 'qcow2');
		await assert.rejects(run(made, path, 'qcow2', AbortSignal.abort(new Error('enough'))), /enough/);
		assert.deepEqual(await made.cells(), []);
	});
});
