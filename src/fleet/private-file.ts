/** Small files that hold secrets: mode 0600, written whole or not at all, refused when others could read them. */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ImageError } from '#domain/errors.ts';
import { syncDirectory } from '#lib/durable.ts';

const OTHERS = 0o077;

/** The text, or undefined when there is no such file. */
export async function readPrivateFile(path: string): Promise<string | undefined> {
	let file: Awaited<ReturnType<typeof open>>;
	try {
		file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
		throw new ImageError('write-denied', `cannot read ${path}: ${(error as Error).message}`, { cause: error });
	}
	try {
		const { mode } = await file.stat();
		if ((mode & OTHERS) !== 0)
			throw new ImageError('invalid', `${path} can be read by others (mode ${(mode & 0o777).toString(8)}); make it 600`);
		return await file.readFile('utf8');
	} finally {
		await file.close();
	}
}

/** Creates the file; fails with `conflict` when it exists. Durable when it resolves. */
export function writePrivateFileOnce(path: string, text: string | Buffer): Promise<void> {
	return writePrivate(path, text, async (temporary) => {
		try {
			await link(temporary, path);
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
			throw new ImageError('conflict', `${path} exists already`, { cause: error });
		}
	});
}

/** Creates or replaces the file. Durable when it resolves. */
export function writePrivateFile(path: string, text: string | Buffer): Promise<void> {
	return writePrivate(path, text, (temporary) => rename(temporary, path));
}

async function writePrivate(path: string, text: string | Buffer, publish: (temporary: string) => Promise<void>): Promise<void> {
	const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
	await mkdir(dirname(path), { recursive: true, mode: 0o750 });
	try {
		const file = await open(temporary, 'wx', 0o600);
		try {
			await file.writeFile(text);
			await file.sync();
		} finally {
			await file.close();
		}
		await publish(temporary);
	} finally {
		await rm(temporary, { force: true });
	}
	await syncDirectory(dirname(path));
}
