/**
 * Contents as they lie on disk, opened once and shared by everyone who uses them. What is open is not removed.
 */
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { ImageError } from '#domain/errors.ts';
import type { ContentIndex, ContentRecord } from './content-index.ts';
import { errnoOf } from './disk.ts';
import { HAVE, type Layout, readBlockList } from './layout.ts';
import { blockCount } from './manifest.ts';
import type { BlockDigests } from './ports.ts';

export interface StoredContent {
	readonly root: string;
	/** bytes */
	readonly size: number;
	readonly blockSize: number;
	readonly count: number;
	/** the data file; `r+` while partial */
	readonly file: FileHandle;
	/** A byte a block ({@link HAVE}); undefined: every block is in `file`. Changes as blocks arrive or move. */
	have: Uint8Array | undefined;
	digests(): Promise<BlockDigests>;
	/** Other contents that keep blocks of this one, held open until this one closes. */
	readonly keepers: Map<string, Held>;
	/** Blocks equal to another block of this same content that is already here, while it is being filled. */
	twins: ReadonlyMap<number, number>;
}

/** A use of an open content; it stays readable, and on disk, until disposal. */
export interface Held extends AsyncDisposable {
	readonly content: StoredContent;
}

export interface Shelf extends AsyncDisposable {
	/** Undefined when the store does not have the content at all. `corrupt` when its files are not what the index says. */
	hold(root: string): Promise<Held | undefined>;
	isHeld(root: string): boolean;
	/**
	 * Runs `removal` while nobody can open the content; whoever asks waits and then finds what it left.
	 * False, without running it, while the content is held.
	 */
	withoutReaders(root: string, removal: () => Promise<void>): Promise<boolean>;
}

interface Entry {
	uses: number;
	readonly content: Promise<StoredContent>;
}

export function createShelf(index: ContentIndex, layout: Layout): Shelf {
	const entries = new Map<string, Entry>();
	const closing = new Map<string, Promise<void>>();

	const release = async (root: string, entry: Entry): Promise<void> => {
		if (--entry.uses > 0) return;
		entries.delete(root);
		const content = await entry.content;
		await Promise.all([...content.keepers.values()].map((keeper) => keeper[Symbol.asyncDispose]()));
		await content.file.close();
	};

	const hold = async (root: string): Promise<Held | undefined> => {
		for (let left = closing.get(root); left !== undefined; left = closing.get(root)) await left;
		let entry = entries.get(root);
		if (entry === undefined) {
			const record = index.record(root);
			if (record === undefined) return undefined;
			entry = { uses: 0, content: openContent(layout, root, record) };
			entries.set(root, entry);
		}
		const held = entry;
		held.uses++;
		try {
			return heldOf(await held.content, () => release(root, held));
		} catch (error) {
			if (entries.get(root) === held) entries.delete(root);
			throw error;
		}
	};

	return {
		hold,
		isHeld: (root) => entries.has(root),
		async withoutReaders(root, removal) {
			if (entries.has(root) || closing.has(root)) return false;
			const work = removal();
			closing.set(
				root,
				work.catch(() => undefined),
			);
			try {
				await work;
			} finally {
				closing.delete(root);
			}
			return true;
		},
		async [Symbol.asyncDispose]() {
			const left = [...entries.values()];
			entries.clear();
			for (const entry of left) await entry.content.then((content) => content.file.close()).catch(() => undefined);
		},
	};
}

function heldOf(content: StoredContent, release: () => Promise<void>): Held {
	let released = false;
	return {
		content,
		async [Symbol.asyncDispose]() {
			if (released) return;
			released = true;
			await release();
		},
	};
}

async function openContent(layout: Layout, root: string, record: ContentRecord): Promise<StoredContent> {
	const { size, blockSize } = record;
	const count = blockCount(size, blockSize);
	let file: FileHandle | undefined;
	try {
		file = await open(layout.path(root, 'data'), record.state === 'partial' ? 'r+' : 'r');
		if ((await file.stat()).size !== size)
			throw new ImageError('corrupt', `the data file of content ${root} has the wrong length`);
		const have = record.plain ? undefined : await readHave(layout, root, count);
		let digests: Promise<BlockDigests> | undefined;
		const loadDigests = async (): Promise<BlockDigests> => (await readBlockList(layout, root)).digests;
		return {
			root,
			size,
			blockSize,
			count,
			file,
			have,
			digests: () => (digests ??= loadDigests()),
			keepers: new Map(),
			twins: new Map(),
		};
	} catch (cause) {
		await file?.close();
		if (errnoOf(cause) !== 'ENOENT') throw cause;
		throw new ImageError('corrupt', `a file of content ${root} is missing`, { cause });
	}
}

async function readHave(layout: Layout, root: string, count: number): Promise<Uint8Array> {
	// A copy: `slice` of a Buffer is a view, of a Uint8Array it is not.
	const have = new Uint8Array(await readFile(layout.path(root, 'have')));
	if (have.length !== count || have.some((state) => state > HAVE.elsewhere))
		throw new ImageError('corrupt', `the presence file of content ${root} is damaged`);
	return have;
}

/** Is the block readable, here or through another content? */
export function isPresent(content: StoredContent, index: number): boolean {
	const { have } = content;
	if (have === undefined || have[index] !== HAVE.absent) return true;
	const twin = content.twins.get(index);
	return twin !== undefined && have[twin] !== HAVE.absent;
}

/** Is the block in this content's own file, durable and said so on disk: may others depend on it? */
export function isKept(content: StoredContent, index: number): boolean {
	return index < content.count && (content.have === undefined || content.have[index] === HAVE.here);
}

/** Is the block in this content's own file, durable or not? */
export function isInFile(content: StoredContent, index: number): boolean {
	const state = content.have?.[index];
	return content.have === undefined || state === HAVE.here || state === HAVE.arrived;
}
