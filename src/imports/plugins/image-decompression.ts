/**
 * `image_decompression`: what users packed is unpacked, once: a packed thing inside stays packed. What it is, is read from
 * its first bytes. Members of archives are never written by their names. Glance's formats, and xz and zstd.
 */
import { ImageError } from '#domain/errors.ts';
import { bounded } from '#imports/decompression/bounded.ts';
import { byteSource } from '#imports/decompression/byte-source.ts';
import { zstdRun } from '#imports/decompression/engine.ts';
import { gunzip } from '#imports/decompression/gzip.ts';
import { runsOf } from '#imports/decompression/runs.ts';
import { unxz } from '#imports/decompression/xz.ts';
import { unzip } from '#imports/decompression/zip.ts';
import type { Jail } from '#imports/jail.ts';
import type { ImportPlugin, StagedBytes } from './plugin.ts';

export interface ImageDecompressionOptions {
	/** what an image may grow to, in bytes */
	readonly maxBytes: number;
	/** for xz */
	readonly jail: Jail;
}

interface Limits extends ImageDecompressionOptions {
	readonly signal: AbortSignal;
}

interface Packing {
	readonly name: string;
	readonly at: number;
	/** hex */
	readonly magic: string;
	open(staged: StagedBytes, limits: Limits): AsyncIterable<Uint8Array>;
}

const PACKINGS: readonly Packing[] = [
	{ name: 'zip', at: 0, magic: '504b0304', open: (staged, { maxBytes }) => unzip(staged, maxBytes) },
	{ name: 'gzip', at: 0, magic: '1f8b08', open: (staged) => gunzip(staged.read()) },
	{ name: 'zstd', at: 0, magic: '28b52ffd', open: (staged) => runsOf(staged.read(), zstdRun) },
	{ name: 'xz', at: 0, magic: 'fd377a585a00', open: unxz },
	{ name: 'lha', at: 2, magic: '2d6c68', open: refuseLha },
];
const HEAD_BYTES = 8;

export function imageDecompression(options: ImageDecompressionOptions): ImportPlugin {
	const { maxBytes } = options;
	return {
		async run({ image, staged }, { signal, say }) {
			if (image.containerFormat === 'compressed') return {};
			const head = await headOf(staged);
			const packing = PACKINGS.find(({ at, magic }) => head.subarray(at).toString('hex').startsWith(magic));
			if (packing === undefined) return {};
			say(`decompressing ${packing.name}`);
			const output = bounded(packing.open(staged, { ...options, signal }), staged.size, maxBytes);
			return {
				data: {
					read: () => untilAborted(output, signal),
					async [Symbol.asyncDispose]() {
						await output.return(undefined);
					},
				},
			};
		},
	};
}

async function headOf(staged: StagedBytes): Promise<Buffer> {
	const end = Math.min(HEAD_BYTES, staged.size);
	if (end === 0) return Buffer.alloc(0);
	await using source = byteSource(staged.read({ start: 0, end }));
	return Buffer.from(await source.take(end));
}

async function* untilAborted(output: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
	for await (const piece of output) {
		signal.throwIfAborted();
		yield piece;
	}
}

function refuseLha(): never {
	throw new ImageError('unsupported-type', 'lha archives are not decompressed here: use zip, gzip, zstd or xz');
}
