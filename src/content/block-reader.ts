/** Reads bytes of a content that are present, wherever its blocks are kept. */
import type { FileHandle } from 'node:fs/promises';
import { ImageError } from '#domain/errors.ts';
import type { ContentIndex } from './content-index.ts';
import { blockLength, digestAt } from './manifest.ts';
import { isInFile, isKept, type Shelf, type StoredContent } from './stored-content.ts';

export interface BlockReader {
	/** Fills `into` with the bytes from `position` on. All blocks touched must be present. `corrupt` when one is not where it should be. */
	read(content: StoredContent, position: number, into: Uint8Array): Promise<void>;
}

export function createBlockReader(index: ContentIndex, shelf: Shelf): BlockReader {
	const read = async (content: StoredContent, position: number, into: Uint8Array): Promise<void> => {
		if (content.have === undefined) return readFully(content, content.file, position, into);
		let done = 0;
		while (done < into.length) {
			const at = position + done;
			const run = Math.min(into.length - done, ownRun(content, at, into.length - done));
			if (run > 0) await readFully(content, content.file, at, into.subarray(done, done + run));
			const length = run > 0 ? run : Math.min(into.length - done, restOfBlock(content, at));
			if (run === 0) await readElsewhere(content, at, into.subarray(done, done + length));
			done += length;
		}
	};

	/** `into` lies within one block, which another content keeps, or another place of this one. */
	const readElsewhere = async (content: StoredContent, position: number, into: Uint8Array): Promise<void> => {
		const block = Math.floor(position / content.blockSize);
		const within = position - block * content.blockSize;
		const twin = content.twins.get(block);
		if (twin !== undefined) return read(content, twin * content.blockSize + within, into);
		const digest = digestAt(await content.digests(), block);
		for (let attempt = 0; attempt < 3; attempt++) {
			// The block may have moved into this very content since, when its keeper was removed.
			if (isInFile(content, block)) return readFully(content, content.file, position, into);
			const place = index.place(digest);
			if (place === undefined) break;
			const keeper = await keeperOf(shelf, content, place.root);
			if (keeper === undefined || !isKept(keeper, place.index)) continue;
			return readFully(keeper, keeper.file, place.index * keeper.blockSize + within, into);
		}
		throw new ImageError('corrupt', `block ${block} of content ${content.root} is not where the index says`);
	};

	return { read };
}

/** The content `root`, kept open as long as `content` is: one that is read from may not be removed in between. */
async function keeperOf(shelf: Shelf, content: StoredContent, root: string): Promise<StoredContent | undefined> {
	if (root === content.root) return content;
	const known = content.keepers.get(root);
	if (known !== undefined) return known.content;
	const held = await shelf.hold(root);
	const raced = content.keepers.get(root);
	if (held === undefined || raced !== undefined) {
		await held?.[Symbol.asyncDispose]();
		return raced?.content;
	}
	content.keepers.set(root, held);
	return held.content;
}

/** Bytes from `position` on that lie in the content's own file, at most about `limit`; 0 when the first does not. */
function ownRun(content: StoredContent, position: number, limit: number): number {
	let block = Math.floor(position / content.blockSize);
	let run = 0;
	while (run < limit && block < content.count && isInFile(content, block)) {
		run = block * content.blockSize + blockLength(content.size, content.blockSize, block) - position;
		block++;
	}
	return run;
}

function restOfBlock(content: StoredContent, position: number): number {
	const block = Math.floor(position / content.blockSize);
	return block * content.blockSize + blockLength(content.size, content.blockSize, block) - position;
}

async function readFully(content: StoredContent, file: FileHandle, position: number, into: Uint8Array): Promise<void> {
	let done = 0;
	while (done < into.length) {
		const { bytesRead } = await file.read(into, done, into.length - done, position + done);
		if (bytesRead === 0) throw new ImageError('corrupt', `the data file of content ${content.root} is shorter than it was`);
		done += bytesRead;
	}
}
