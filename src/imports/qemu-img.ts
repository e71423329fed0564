/** `qemu-img`, only ever in the jail, only with the format said, and with a file that has no name: descriptor 3. */
import type { FileHandle } from 'node:fs/promises';
import { ImageError } from '#domain/errors.ts';
import { GiB, MiB } from '#lib/sizes.ts';
import type { Jail, JailEnd } from './jail.ts';
import type { Cell } from './jail-cells.ts';

/** Glance's names of formats to qemu's; those that can be told by their bytes. */
const FORMATS = { raw: 'raw', qcow2: 'qcow2', vmdk: 'vmdk', vhd: 'vpc', vhdx: 'vhdx', vdi: 'vdi' } as const;
export type DiskFormat = keyof typeof FORMATS;

export const OUTPUT_FORMATS = ['raw', 'qcow2', 'vmdk'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export function isDiskFormat(name: string): name is DiskFormat {
	return Object.hasOwn(FORMATS, name);
}

export interface DiskImage {
	readonly cell: Cell;
	readonly file: FileHandle;
	readonly format: DiskFormat;
}

export interface QemuImg {
	/**
	 * The virtual size, in bytes. `unsupported-type` when the image is not of that format or reaches beyond its own file;
	 * `invalid` when it is broken or takes too long to look at.
	 */
	info(image: DiskImage, options: Options): Promise<number>;
	/**
	 * Writes `name` into the cell. `virtualSize` is what `info` gave. `invalid`, `too-large`, `full`, `timeout`.
	 */
	convert(image: DiskImage, to: Target, options: Options): Promise<void>;
}

interface Options {
	readonly signal: AbortSignal;
}

interface Target {
	readonly name: string;
	readonly format: OutputFormat;
	readonly virtualSize: number;
}

const INPUT = '/proc/self/fd/3';
const INFO_LIMITS = { cpuSeconds: 2, wallSeconds: 10, fileBytes: 0 };
/** The least; large images get more, a slow disk more still. */
const CONVERT_SECONDS = { cpu: 60, wall: 65, cpuPerGiB: 10, wallPerGiB: 60 };
/** Tables and a header beside the bytes of the disk. */
const overhead = (bytes: number) => 64 * MiB + Math.ceil(bytes / 64);
const SELF_CONTAINED_VMDK: readonly unknown[] = ['monolithicSparse', 'streamOptimized'];

export function createQemuImg(jail: Pick<Jail, 'run'>): QemuImg {
	const tool = 'qemu-img';
	return {
		async info({ cell, file, format }, options) {
			const args = ['info', '-f', FORMATS[format], '--output=json', INPUT];
			const end = await jail.run({ cell, tool, args, file, limits: INFO_LIMITS }, options);
			refuseFailure(end, 'examine');
			return virtualSizeOf(parse(end.stdout), format);
		},
		async convert({ cell, file, format }, { name, format: target, virtualSize }, options) {
			const args = ['convert', '-f', FORMATS[format], '-O', target, INPUT, name];
			const limits = convertLimits(virtualSize);
			refuseFailure(await jail.run({ cell, tool, args, file, limits }, options), 'convert');
		},
	};
}

function convertLimits(bytes: number): { cpuSeconds: number; wallSeconds: number; fileBytes: number } {
	const { cpu, wall, cpuPerGiB, wallPerGiB } = CONVERT_SECONDS;
	const gib = Math.ceil(bytes / GiB);
	return {
		cpuSeconds: Math.max(cpu, cpuPerGiB * gib),
		wallSeconds: Math.max(wall, wallPerGiB * gib),
		fileBytes: bytes + overhead(bytes),
	};
}

function refuseFailure({ code, exceeded, stderr }: JailEnd, what: string): void {
	const because = { cause: new Error(stderr) };
	if (exceeded === 'time') throw new ImageError('timeout', `it took too long to ${what} the image`);
	if (exceeded === 'file') throw new ImageError('too-large', 'the image converts to more than its virtual size');
	if (exceeded !== undefined) throw new ImageError('invalid', `it takes more than is allowed to ${what} the image`);
	if (code === 0) return;
	if (/No space left on device|Disk quota exceeded/.test(stderr))
		throw new ImageError('full', `there is no room on this node to ${what} the image`, because);
	throw new ImageError('invalid', `qemu-img cannot ${what} the image`, because);
}

interface Facts {
	readonly format?: unknown;
	readonly 'virtual-size'?: unknown;
	readonly 'backing-filename'?: unknown;
	readonly 'full-backing-filename'?: unknown;
	readonly 'format-specific'?: { readonly data?: { readonly 'data-file'?: unknown; readonly 'create-type'?: unknown } };
}

function parse(text: string): Facts {
	try {
		return (JSON.parse(text) ?? {}) as Facts;
	} catch (cause) {
		throw new ImageError('invalid', 'qemu-img cannot examine the image', { cause });
	}
}

function virtualSizeOf(facts: Facts, format: DiskFormat): number {
	const { 'data-file': dataFile, 'create-type': createType } = facts['format-specific']?.data ?? {};
	if (facts.format !== FORMATS[format]) throw new ImageError('unsupported-type', `the image is not ${format}`);
	const others = [facts['backing-filename'], facts['full-backing-filename'], dataFile];
	if (others.some((name) => name !== undefined))
		throw new ImageError('unsupported-type', 'the image refers to other files, which is not allowed');
	if (format === 'vmdk' && !SELF_CONTAINED_VMDK.includes(createType))
		throw new ImageError('unsupported-type', 'the vmdk image is neither monolithicSparse nor streamOptimized');
	const size = facts['virtual-size'];
	if (typeof size !== 'number' || size < 0) throw new ImageError('invalid', 'the image has no virtual size');
	return size;
}
