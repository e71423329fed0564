/** An ext4 file system in a file, mounted through a loop device: what stands for a disk that can lose its power. Root only. */
import { execFile } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface LoopDisk extends AsyncDisposable {
	/** where it is mounted */
	readonly path: string;
	/**
	 * The disk as it is on the platter now, as a disk of its own: the backing file is copied without any flush, so what
	 * this machine still holds in memory for the file system is not in the copy. Mounting replays its journal.
	 */
	afterPowerCut(name: string): Promise<LoopDisk>;
}

/** Undefined when this process can mount loop devices, else why not. */
export async function whyNoLoopDisks(dir: string): Promise<string | undefined> {
	if (process.getuid?.() !== 0) return 'needs root to mount loop devices';
	try {
		const disk = await createLoopDisk(dir, 'probe', 16);
		await disk[Symbol.asyncDispose]();
		return undefined;
	} catch (error) {
		return `loop mounts do not work here: ${(error as Error).message.trim().split('\n').at(-1)}`;
	}
}

export async function createLoopDisk(dir: string, name: string, sizeMiB: number): Promise<LoopDisk> {
	const file = join(dir, `${name}.ext4`);
	const handle = await open(file, 'wx');
	await handle.truncate(sizeMiB * 1024 * 1024);
	await handle.close();
	await run('mkfs.ext4', ['-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0', file]);
	return mountDisk(dir, name, file);
}

async function mountDisk(dir: string, name: string, file: string): Promise<LoopDisk> {
	const path = join(dir, `${name}.mount`);
	await mkdir(path);
	await run('mount', ['-o', 'loop', file, path]);
	return {
		path,
		async afterPowerCut(copyName) {
			const copy = join(dir, `${copyName}.ext4`);
			await run('cp', ['--sparse=always', '--reflink=auto', file, copy]);
			return mountDisk(dir, copyName, copy);
		},
		async [Symbol.asyncDispose]() {
			await run('umount', [path]);
			await run('rm', ['-f', file]);
			await run('rmdir', [path]);
		},
	};
}
