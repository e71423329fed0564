/**
 * `image_conversion`: what users bring becomes the one format that the operator wants. The bytes are inspected before
 * `qemu-img` sees them, and what it made is inspected again before it takes their place.
 */
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { ImageError } from '#domain/errors.ts';
import type { Jail } from '#imports/jail.ts';
import type { Cell } from '#imports/jail-cells.ts';
import { createQemuImg, type DiskFormat, isDiskFormat, type OutputFormat } from '#imports/qemu-img.ts';
import type { ImportPlugin, PluginContext, PluginOutcome, StagedBytes } from './plugin.ts';

export interface ImageConversionOptions {
	readonly outputFormat: OutputFormat;
	/** the largest disk that is converted, in bytes */
	readonly maxBytes: number;
	readonly inspect: Inspect;
	readonly jail: Jail;
}

/** What the bytes are, whatever was said of them. Reads no more than it needs. */
export type Inspect = (bytes: AsyncIterable<Uint8Array>) => Promise<Finding>;

export interface Finding {
	/** Glance's name, or a detector's such as `gpt` */
	readonly format: string;
	/** why the image must not be used: words for a client */
	readonly danger?: string;
}

const CONVERTED = 'converted';

export function imageConversion(options: ImageConversionOptions): ImportPlugin {
	const { outputFormat, jail, maxBytes, inspect } = options;
	const qemuImg = createQemuImg(jail);
	return {
		async run({ image, staged }, { signal, say }) {
			const declared = image.diskFormat;
			const format = confirmed(declared, await inspect(staged.read()));
			if (format === 'iso') return said(say, 'an ISO is not converted', {});
			await using work = new AsyncDisposableStack();
			const cell = work.use(await jail.cell());
			const source = { cell, format, file: work.use(await openStaged(staged, cell)) };
			const virtualSize = await qemuImg.info(source, { signal });
			if (virtualSize > maxBytes)
				throw new ImageError('too-large', `the disk in the image has ${virtualSize} bytes, and ${maxBytes} are allowed`);
			if (format === outputFormat) return said(say, `the image is ${format} already`, { changes: { virtualSize } });
			await assertRoom(cell, virtualSize);
			await qemuImg.convert(source, { name: CONVERTED, format: outputFormat, virtualSize }, { signal });
			const file = work.use(await open(join(cell.path, CONVERTED), 'r'));
			confirmed(outputFormat, await inspect(file.createReadStream({ autoClose: false, start: 0 })));
			const after = await qemuImg.info({ cell, file, format: outputFormat }, { signal });
			const { size } = await file.stat();
			const made = work.move();
			return said(say, `converted from ${format} to ${outputFormat}`, {
				changes: { diskFormat: outputFormat, containerFormat: 'bare', virtualSize: after },
				data: {
					size,
					read: () => file.createReadStream({ autoClose: false, start: 0, signal }),
					[Symbol.asyncDispose]: () => made.disposeAsync(),
				},
			});
		},
	};
}

function said(say: PluginContext['say'], message: string, outcome: PluginOutcome): PluginOutcome {
	say(message);
	return outcome;
}

/** What was declared, when that is what it is. A partition table is what a raw disk begins with. */
function confirmed(declared: string | null, { format: found, danger }: Finding): DiskFormat | 'iso' {
	if (danger !== undefined) throw new ImageError('unsupported-type', `the image is refused: ${danger}`);
	const format = found === 'gpt' ? 'raw' : found;
	if (format !== declared)
		throw new ImageError('unsupported-type', `the image was declared to be ${declared ?? 'of no format'}, and is ${found}`);
	if (format === 'iso' || isDiskFormat(format)) return format;
	throw new ImageError('unsupported-type', `an image of format ${format} cannot be converted`);
}

/** The very file, unless the tools run as somebody who may not open it. */
function openStaged(staged: StagedBytes, cell: Cell): Promise<FileHandle> {
	if (staged.file !== undefined && !cell.foreign) return open(staged.file, 'r');
	return cell.keep('staged', staged.read());
}

/** For the disk as a file, and for the same bytes as what is staged next. */
async function assertRoom(cell: Cell, virtualSize: number): Promise<void> {
	if ((await cell.freeBytes()) < 2 * virtualSize)
		throw new ImageError('full', `converting the image needs ${2 * virtualSize} bytes of room on this node, which it lacks`);
}
