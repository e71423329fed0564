import { createHash } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

export interface FoundFile {
	readonly path: string;
	readonly stat: Stats;
}

/** Every regular file under `dir`; files that vanish meanwhile are left out. */
export async function filesUnder(dir: string): Promise<readonly FoundFile[]> {
	const entries = await readdir(dir, { recursive: true, withFileTypes: true });
	const found = await Promise.all(
		entries
			.filter((entry) => entry.isFile())
			.map(async (entry) => {
				const path = join(entry.parentPath, entry.name);
				const stat = await lstat(path).catch(() => undefined);
				return stat === undefined ? [] : [{ path, stat }];
			}),
	);
	return found.flat();
}

/** hex */
export async function sha512OfFile(path: string): Promise<string> {
	const hash = createHash('sha512');
	for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk as Buffer);
	return hash.digest('hex');
}
