/** Private directories of the jail: one for each piece of work, mode 0700, owned by who works in it, removed with it. */
import { chmod, chown, type FileHandle, mkdir, mkdtemp, open, readdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { type ErrorCode, ImageError } from '#domain/errors.ts';
import { FILE_SYSTEM_CODES } from '#lib/file-system-codes.ts';
import type { JailUser } from './jail-guards.ts';

/** Disposal removes it with everything in it. */
export interface Cell extends AsyncDisposable {
	readonly path: string;
	/** True: tools here run as somebody else, who can open only what was made for them. */
	readonly foreign: boolean;
	/** bytes that can still be written where it lies */
	freeBytes(): Promise<number>;
	/** A file in it that the tools may read and nobody may write, open for reading. */
	keep(name: string, bytes: AsyncIterable<Uint8Array>): Promise<FileHandle>;
}

/** Empties the directory: it is the jail's alone. */
export async function openCells(dir: string, user: JailUser | undefined): Promise<{ open(): Promise<Cell> }> {
	await mkdir(dir, { recursive: true, mode: 0o700 });
	await Promise.all((await readdir(dir)).map((name) => rm(join(dir, name), { recursive: true, force: true })));

	const keep = async (path: string, bytes: AsyncIterable<Uint8Array>): Promise<FileHandle> => {
		await using file = await open(path, 'wx', 0o400);
		for await (const piece of bytes) await file.writeFile(piece);
		if (user !== undefined) await file.chown(user.uid, user.gid);
		return await open(path, 'r');
	};

	return {
		async open() {
			const path = await mkdtemp(join(dir, 'cell-')).catch(translate);
			await chmod(path, 0o700);
			if (user !== undefined) await chown(path, user.uid, user.gid);
			return {
				path,
				foreign: user !== undefined,
				async freeBytes() {
					const { bavail, bsize } = await statfs(path);
					return bavail * bsize;
				},
				keep: (name, bytes) => keep(join(path, name), bytes).catch(translate),
				[Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
			};
		},
	};
}

const CODES: Readonly<Record<string, ErrorCode>> = FILE_SYSTEM_CODES;

function translate(error: unknown): never {
	const code = CODES[error instanceof Error && 'code' in error ? String(error.code) : ''];
	throw code === undefined ? error : new ImageError(code, 'there is no place to work on the image', { cause: error });
}
