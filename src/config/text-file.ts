import { closeSync, openSync, readSync } from 'node:fs';
import { MiB } from '#lib/sizes.ts';
import { ConfigError } from './config.ts';

const MAX_FILE_BYTES = MiB;

/** A whole file of settings as text; `name` is what complaints call it. Endless files end at the limit too. */
export function readTextFile(path: string, name = path): string {
	try {
		return new TextDecoder('utf-8', { fatal: true }).decode(readBytes(path));
	} catch (error) {
		throw new ConfigError(`${name} cannot be read: ${(error as Error).message}`, { cause: error });
	}
}

function readBytes(path: string): Uint8Array {
	const bytes = new Uint8Array(MAX_FILE_BYTES + 1);
	const fd = openSync(path, 'r');
	try {
		let length = 0;
		for (let got = -1; got !== 0 && length < bytes.length; length += got)
			got = readSync(fd, bytes, length, bytes.length - length, null);
		if (length > MAX_FILE_BYTES) throw new Error('it is larger than 1 MiB');
		return bytes.subarray(0, length);
	} finally {
		closeSync(fd);
	}
}
