/** Debian's qemu-img: makes images of every kind, and says what it sees in them. */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const TIMEOUT_MS = 60_000;
/** It measures how fast passphrases can be tried, and gives up where the clock of processes is too coarse for that. */
const UNCALIBRATED = /Unable to get accurate CPU usage/;
const MOST_TRIES = 20;

/** False, or why it cannot be asked. */
export function missingQemuImg(): string | false {
	return spawnSync('qemu-img', ['--version']).status === 0 ? false : 'qemu-img (package qemu-utils) is not installed';
}

export async function qemuImg(...args: readonly string[]): Promise<string> {
	for (let tries = 1; ; tries++)
		try {
			return (await run('qemu-img', args, { timeout: TIMEOUT_MS })).stdout;
		} catch (error) {
			if (tries === MOST_TRIES || !UNCALIBRATED.test(String(error))) throw error;
		}
}

export interface QemuInfo {
	readonly format: string;
	readonly 'virtual-size': number;
	readonly 'backing-filename'?: string;
	readonly 'format-specific'?: { readonly data: { readonly 'data-file'?: string } };
}

/** `format`: how to open it; absent: qemu-img guesses. */
export async function qemuInfo(path: string, format?: string): Promise<QemuInfo> {
	return JSON.parse(await qemuImg('info', '--output=json', ...(format === undefined ? [] : ['-f', format]), path)) as QemuInfo;
}
