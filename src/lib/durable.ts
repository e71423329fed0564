import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** Makes the names in a directory durable: a rename or link survives loss of power only after this. */
export async function syncDirectory(path: string): Promise<void> {
	const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
	try {
		await directory.sync();
	} finally {
		await directory.close();
	}
}
