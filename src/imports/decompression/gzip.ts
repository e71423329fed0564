/** gzip, RFC 1952. Members are read one by one, so that they can be counted and each one's check can be made. */
import { crc32 } from 'node:zlib';
import { ImageError } from '#domain/errors.ts';
import { KiB } from '#lib/sizes.ts';
import type { ByteSource } from './byte-source.ts';
import { inflateRun } from './engine.ts';
import { runsOf } from './runs.ts';

const FLAG = { headerCheck: 2, extra: 4, name: 8, comment: 16, reserved: 0xe0 } as const;
/** of a name or a comment, neither of which is used */
const MAX_TEXT_BYTES = 64 * KiB;

export function gunzip(packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
	return runsOf(packed, member);
}

async function* member(source: ByteSource): AsyncGenerator<Uint8Array> {
	await skipHeader(source);
	let check = 0;
	let size = 0;
	for await (const piece of inflateRun(source)) {
		check = crc32(piece, check);
		size += piece.length;
		yield piece;
	}
	const trailer = Buffer.from(await source.take(8));
	if (trailer.readUInt32LE(0) !== check || trailer.readUInt32LE(4) !== size % 2 ** 32)
		throw new ImageError('invalid', 'the compressed image is damaged: its checksum does not match');
}

async function skipHeader(source: ByteSource): Promise<void> {
	const header = Buffer.from(await source.take(10));
	const flags = header.readUInt8(3);
	if (header.readUIntBE(0, 3) !== 0x1f8b08 || (flags & FLAG.reserved) !== 0)
		throw new ImageError('invalid', 'the compressed image is damaged, or something else follows it');
	if (flags & FLAG.extra) await source.take(Buffer.from(await source.take(2)).readUInt16LE(0));
	if (flags & FLAG.name) await skipText(source);
	if (flags & FLAG.comment) await skipText(source);
	if (flags & FLAG.headerCheck) await source.take(2);
}

async function skipText(source: ByteSource): Promise<void> {
	for (let length = 0; length < MAX_TEXT_BYTES; ) {
		const piece = await source.next();
		if (piece === undefined) break;
		const end = piece.indexOf(0);
		if (end !== -1) return source.giveBack(piece.subarray(end + 1));
		length += piece.length;
	}
	throw new ImageError('invalid', 'the compressed image has a name without an end');
}
