/** Where the reference cloud of the tests comes from and how it ends; test/support/reference.ts starts it. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { stopServers } from './servers.ts';

const ROOT = dirname(dirname(import.meta.dirname));

/** The folder with the scripts that start real servers. */
export function referenceServers(): string {
	return process.env.SUNDOG_REFERENCE_SERVERS ?? join(dirname(ROOT), 'shared', 'servers');
}

const OF_RUN = /^sundog-reference-(\d+)$/;

/** Where this process keeps a cloud of its own. */
export function ownReferenceDir(): string {
	return join(tmpdir(), `sundog-reference-${process.pid}`);
}

/** Ends the clouds of runs that were killed. */
export async function stopAbandoned(): Promise<void> {
	const abandoned = readdirSync(tmpdir()).filter((name) => {
		const pid = OF_RUN.exec(name)?.[1];
		return pid !== undefined && !existsSync(`/proc/${pid}`);
	});
	for (const name of abandoned) await stopReference(join(tmpdir(), name));
}

/** Ends what runs in that folder, and removes it; nothing happens when nothing was ever started there. */
export async function stopReference(dir: string): Promise<void> {
	await stopServers(dir);
	const { PATH } = process.env;
	if (existsSync(join(dir, 'run')))
		await promisify(execFile)(join(referenceServers(), 'openstack', 'stop'), { env: { PATH, WORKDIR: dir } });
	await rm(dir, { recursive: true, force: true, maxRetries: 3 });
}
