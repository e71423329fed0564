/** Where the reference cloud of the tests comes from and how it ends; test/support/reference.ts starts it. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = dirname(dirname(import.meta.dirname));

/** The folder with the scripts that start real servers. */
export function referenceServers(): string {
	return process.env.SUNDOG_REFERENCE_SERVERS ?? join(dirname(ROOT), 'shared', 'servers');
}

/** Ends what runs in that folder, and removes it; nothing happens when no cloud was ever started there. */
export async function stopReference(dir: string): Promise<void> {
	const { PATH } = process.env;
	if (existsSync(join(dir, 'run')))
		await promisify(execFile)(join(referenceServers(), 'openstack', 'stop'), { env: { PATH, WORKDIR: dir } });
	await rm(dir, { recursive: true, force: true, maxRetries: 3 });
}
