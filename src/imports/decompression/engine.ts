/** One compressed run through one of Node's engines, which stop at its end; what follows it stays in the source. */
import { constants, createInflateRaw, createZstdDecompress, type InflateRaw, type ZstdDecompress } from 'node:zlib';
import { ImageError } from '#domain/errors.ts';
import { KiB } from '#lib/sizes.ts';
import type { ByteSource } from './byte-source.ts';

type Engine = InflateRaw | ZstdDecompress;

const OUTPUT_BYTES = 128 * KiB;
/** 32 MiB: what `zstd` asks for up to level 20, and half of what this process may grow by. */
const MAX_WINDOW_LOG = 25;

export function inflateRun(source: ByteSource): AsyncGenerator<Uint8Array> {
	return run(createInflateRaw({ chunkSize: OUTPUT_BYTES }), source);
}

export function zstdRun(source: ByteSource): AsyncGenerator<Uint8Array> {
	const params = { [constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG };
	return run(createZstdDecompress({ chunkSize: OUTPUT_BYTES, params }), source);
}

async function* run(engine: Engine, source: ByteSource): AsyncGenerator<Uint8Array> {
	const feeding = feed(engine, source).catch((error: unknown) => void engine.destroy(error as Error));
	try {
		yield* engine as AsyncIterable<Uint8Array>;
		await feeding;
	} catch (error) {
		throw refusal(error);
	} finally {
		engine.destroy();
		await feeding;
	}
}

/** Piece by piece; `bytesWritten` counts what the engine used, so that less than it was given means that it has ended. */
async function feed(engine: Engine, source: ByteSource): Promise<void> {
	for (let fed = 0; ; ) {
		const piece = await source.next();
		if (piece === undefined) return void engine.end();
		fed += piece.length;
		if (!(await written(engine, piece))) return;
		const unused = fed - engine.bytesWritten;
		if (unused === 0) continue;
		source.giveBack(piece.subarray(piece.length - unused));
		return;
	}
}

/** False: nobody reads any more, or it failed, which the reader learns. */
function written(engine: Engine, piece: Uint8Array): Promise<boolean> {
	return new Promise((resolve) => {
		const leave = (): void => resolve(false);
		engine.once('close', leave);
		engine.write(piece, (error) => {
			engine.off('close', leave);
			resolve(error === null || error === undefined);
		});
	});
}

function refusal(error: unknown): unknown {
	const code = error instanceof Error && 'code' in error ? String(error.code) : '';
	if (code === 'ZSTD_error_frameParameter_windowTooLarge')
		return new ImageError('too-large', 'the compressed image needs too much memory: a window of at most 32 MiB is allowed');
	if (/^Z_MEM_ERROR|^ZSTD_error_memory/.test(code))
		return new ImageError('unavailable', 'there is no memory to decompress the image', { cause: error });
	if (/^(Z|ZSTD_error)_/.test(code))
		return new ImageError('invalid', 'the compressed image is damaged or cut short', { cause: error });
	return error;
}
