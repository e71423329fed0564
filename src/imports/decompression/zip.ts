/** A zip archive of exactly one member; what comes out is what the central directory promised, or an error. */
import { crc32 } from 'node:zlib';
import { ImageError } from '#domain/errors.ts';
import type { StagedBytes } from '#imports/plugins/plugin.ts';
import { allowedOutput } from './bounded.ts';
import { byteSource } from './byte-source.ts';
import { inflateRun } from './engine.ts';
import { onlyMember, type ZipMember } from './zip-member.ts';

export async function* unzip(staged: StagedBytes, maxBytes: number): AsyncGenerator<Uint8Array> {
	const member = await onlyMember({ size: staged.size, read: (start, end) => exactly(staged, start, end) });
	if (member.size > allowedOutput(staged.size, maxBytes))
		throw new ImageError('too-large', `the member of the zip archive unpacks to ${member.size} bytes, which is too much`);
	let count = 0;
	let check = 0;
	for await (const piece of unpacked(member, staged)) {
		count += piece.length;
		if (count > member.size) throw broken();
		check = crc32(piece, check);
		yield piece;
	}
	if (count !== member.size || check !== member.crc32) throw broken();
}

async function* unpacked({ method, start, end }: ZipMember, staged: StagedBytes): AsyncGenerator<Uint8Array> {
	const packed = start === end ? nothing() : staged.read({ start, end });
	if (method === 'stored') return yield* packed;
	await using source = byteSource(packed);
	yield* inflateRun(source);
	if (!(await source.atEnd())) throw broken();
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function exactly(staged: StagedBytes, start: number, end: number): Promise<Buffer> {
	if (start >= end) return Buffer.alloc(0);
	await using source = byteSource(staged.read({ start, end }));
	return Buffer.from(await source.take(end - start));
}

function broken(): ImageError {
	return new ImageError('invalid', 'the zip archive is damaged: its member is not what its directory says');
}
