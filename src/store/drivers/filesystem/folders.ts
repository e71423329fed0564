/** The folders of a file store: which one takes an object, and whether its disk is there at all. */
import { constants } from 'node:fs';
import { access, mkdir, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ImageError } from '#domain/errors.ts';
import type { Folder } from './options.ts';
import { inTerms, READING, WRITING } from './terms.ts';

export interface OpenFolder extends Folder {
	/**
	 * `unavailable` when the folder is gone, or its disk is: what was below a mount point when the store was opened must
	 * be so still, or images would fill the disk underneath.
	 */
	expectMounted(): Promise<void>;
}

export async function openFolder(folder: Folder): Promise<OpenFolder> {
	const { path } = folder;
	await inTerms(WRITING, 'a folder of the store cannot be made', mkdir(path, { recursive: true, mode: 0o750 }));
	const mountPoint = await mountPointOf(path);
	let device = (await stat(path)).dev;
	return {
		...folder,
		async expectMounted() {
			const now = await inTerms({ ...READING, ENOENT: 'unavailable' }, 'a folder of the store is gone', stat(path));
			if (!now.isDirectory()) throw new ImageError('unavailable', 'a folder of the store is none');
			if (now.dev === device) return;
			if ((await mountPointOf(path)) !== mountPoint) throw new ImageError('unavailable', 'a disk of the store is not mounted');
			// mounted anew, with another number
			device = now.dev;
		},
	};
}

/** The folder at or above this one where its disk begins. */
async function mountPointOf(path: string): Promise<string> {
	const { dev } = await stat(path);
	for (let top = path; ; top = dirname(top)) if (top === '/' || (await stat(dirname(top))).dev !== dev) return top;
}

export async function checkFolder(folder: OpenFolder): Promise<void> {
	await folder.expectMounted();
	const ways = constants.R_OK | constants.W_OK | constants.X_OK;
	await inTerms(WRITING, 'a folder of the store cannot be used', access(folder.path, ways));
}

interface Need {
	/** bytes, if anybody knows */
	readonly size: number | undefined;
	/** where a file lies that may be linked, which needs no space there */
	readonly device: number | undefined;
}

/**
 * Of the folders of highest priority the one with most free space, if the object fits; else those of the next. `full`
 * when none fits, `unavailable` when none is there. A lone folder is not measured: writing will tell.
 */
export async function chooseFolder(folders: readonly OpenFolder[], need: Need): Promise<OpenFolder> {
	const [lone] = folders;
	if (lone !== undefined && folders.length === 1) {
		await lone.expectMounted();
		return lone;
	}
	const measured = await Promise.all(folders.map((folder) => measure(folder, need)));
	const usable = measured.filter((each) => each !== undefined);
	if (usable.length === 0) throw new ImageError('unavailable', 'no folder of the store is there');
	const [best] = usable.filter(({ fits }) => fits).sort((a, b) => b.folder.priority - a.folder.priority || b.free - a.free);
	if (best === undefined) throw new ImageError('full', 'no folder of the store has room for it');
	return best.folder;
}

async function measure(folder: OpenFolder, { size, device }: Need) {
	try {
		await folder.expectMounted();
		const [{ bavail, bsize }, { dev }] = await Promise.all([statfs(folder.path), stat(folder.path)]);
		const free = bavail * bsize;
		return { folder, free, fits: free >= (size ?? 1) || dev === device };
	} catch (error) {
		if (error instanceof ImageError) return undefined;
		throw error;
	}
}
