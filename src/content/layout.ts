/**
 * Names and bytes on disk: docs/content-format.md §3-§4. Nothing here knows what contents there are.
 *
 * `contents/<last two characters of the root>/<root>.{data,blocks,have}`, and `staging/` for what is not yet visible.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ImageError } from '#domain/errors.ts';
import { DIGEST_BYTES } from './limits.ts';
import { blockCount } from './manifest.ts';
import type { BlockDigests } from './ports.ts';

export const DIRECTORY_MODE = 0o750;
export const WRITABLE_MODE = 0o640;
export const FINISHED_MODE = 0o440;

export type FileKind = 'data' | 'blocks' | 'have';
export const FILE_KINDS: readonly FileKind[] = ['data', 'blocks', 'have'];

/** What a `.have` file says of a block, one byte each. `arrived` is never on disk: verified and written, not yet durable. */
export const HAVE = { absent: 0, here: 1, elsewhere: 2, arrived: 3 } as const;

export interface Layout {
	readonly staging: string;
	readonly contents: string;
	/** files of damaged contents, for an operator; nothing reads them */
	readonly quarantine: string;
	/** the directory of a root's files */
	home(root: string): string;
	path(root: string, kind: FileKind): string;
	staged(name: string, kind: FileKind): string;
	aside(root: string, kind: FileKind): string;
}

export function createLayout(directory: string): Layout {
	const contents = join(directory, 'contents');
	const staging = join(directory, 'staging');
	const quarantine = join(directory, 'quarantine');
	const home = (root: string): string => join(contents, root.slice(-2));
	return {
		staging,
		contents,
		quarantine,
		home,
		path: (root, kind) => join(home(root), `${root}.${kind}`),
		staged: (name, kind) => join(staging, `${name}.${kind}`),
		aside: (root, kind) => join(quarantine, `${root}.${kind}`),
	};
}

/** Makes the directories and empties the staging one; nothing in it was ever visible. */
export async function prepareLayout(layout: Layout): Promise<void> {
	await mkdir(layout.contents, { recursive: true, mode: DIRECTORY_MODE });
	await mkdir(layout.staging, { recursive: true, mode: DIRECTORY_MODE });
	for (const name of await readdir(layout.staging)) await rm(join(layout.staging, name), { recursive: true, force: true });
}

const MAGIC = 'sundogbl';
const VERSION = 1;
const HEADER_BYTES = 64;
const CHECKSUM_AT = 32;

export interface BlockList {
	readonly size: number;
	readonly blockSize: number;
	readonly digests: BlockDigests;
}

/** `.blocks`: magic (8), version (4), block size (4), size (8), 8 zero bytes, sha2-256 of those 32 bytes and the list (32), the list. Little endian. */
export function encodeBlockList(list: BlockList): Uint8Array {
	const bytes = Buffer.alloc(HEADER_BYTES + list.digests.length);
	bytes.write(MAGIC, 0, 'latin1');
	bytes.writeUInt32LE(VERSION, 8);
	bytes.writeUInt32LE(list.blockSize, 12);
	bytes.writeBigUInt64LE(BigInt(list.size), 16);
	bytes.set(list.digests, HEADER_BYTES);
	bytes.set(checksumOf(bytes), CHECKSUM_AT);
	return bytes;
}

/** `corrupt` for anything that `encodeBlockList` did not make. */
export function decodeBlockList(bytes: Uint8Array, root: string): BlockList {
	const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const intact =
		view.length >= HEADER_BYTES &&
		view.toString('latin1', 0, 8) === MAGIC &&
		view.readUInt32LE(8) === VERSION &&
		timingSafeEqual(view.subarray(CHECKSUM_AT, HEADER_BYTES), checksumOf(view));
	if (!intact) throw new ImageError('corrupt', `the block list of content ${root} is damaged`);
	const blockSize = view.readUInt32LE(12);
	const size = Number(view.readBigUInt64LE(16));
	const digests = view.subarray(HEADER_BYTES);
	if (digests.length !== blockCount(size, blockSize) * DIGEST_BYTES)
		throw new ImageError('corrupt', `the block list of content ${root} has the wrong length`);
	return { size, blockSize, digests };
}

export async function readBlockList(layout: Layout, root: string): Promise<BlockList> {
	return decodeBlockList(await readFile(layout.path(root, 'blocks')), root);
}

function checksumOf(file: Buffer): Buffer {
	return createHash('sha256').update(file.subarray(0, CHECKSUM_AT)).update(file.subarray(HEADER_BYTES)).digest();
}
