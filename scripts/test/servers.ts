/** How the real servers of a run end; test/support/real-servers.ts starts them. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** In a server's folder: how it was started, so that anybody can stop it. */
export const SERVER_NOTE = 'server.json';
const STOP_TIMEOUT_MS = 60_000;

export interface ServerNote {
	/** absolute path */
	readonly script: string;
	/** all of its environment */
	readonly env: Readonly<Record<string, string>>;
}

/** Where a reference folder keeps its servers, each in a folder of its own. */
export function serversIn(referenceDir: string): string {
	return join(referenceDir, 'servers');
}

/** Ends them all, also when one does not end in order. */
export async function stopServers(referenceDir: string): Promise<void> {
	const folder = serversIn(referenceDir);
	const names = existsSync(folder) ? readdirSync(folder) : [];
	const ends = await Promise.allSettled(names.map((name) => stopServer(join(folder, name))));
	const failed = ends.filter((end) => end.status === 'rejected').map(({ reason }) => reason as unknown);
	if (failed.length > 0) throw new AggregateError(failed, 'not every server ended in order');
}

/** Its state stays; nothing happens when none was ever started there. */
export async function stopServer(dir: string): Promise<void> {
	const note = join(dir, SERVER_NOTE);
	if (!existsSync(note)) return;
	const { script, env } = JSON.parse(readFileSync(note, 'utf8')) as ServerNote;
	await promisify(execFile)(script, ['stop'], { env, timeout: STOP_TIMEOUT_MS });
}
