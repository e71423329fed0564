/**
 * Debian's Glance as its administrators run it: a worker for each core, MariaDB that makes every commit durable; once
 * behind Keystone and once open to everybody. The scripts of the reference servers start and stop all of it.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../test/support/free-port.ts';
import { cpuSeconds, peakResidentBytes, processTree } from '../../test/support/proc.ts';
import { openOwnReference, type ReferenceCloud } from '../../test/support/reference.ts';
import { imagesSql } from './images-sql.ts';

const OPEN = 'glance-open';
const run = promisify(execFile);

export interface DebianGlance {
	/** base URL */
	readonly url: string;
	/** of all its processes and of its database's */
	cpuSeconds(): number;
	peakRss(): number;
}

export interface GlanceServers extends AsyncDisposable {
	readonly cloud: ReferenceCloud;
	/** everybody is the administrator */
	readonly open: DebianGlance;
	readonly withKeystone: DebianGlance;
}

/** Both with as many images; or why there are none, in words. */
export async function startGlance(dir: string, images: number): Promise<GlanceServers | string> {
	const state = join(dir, 'reference');
	const reference = await openOwnReference(state);
	if (reference.missing !== false) return reference.missing;
	const { cloud } = reference;
	await using stack = new AsyncDisposableStack();
	stack.use(cloud);
	const port = String(await freePort());
	// No locations in answers and no cache: what it does least work with, and what Sundog does by default.
	const workers = ['--workers', String(cpus().length), '--no-locations', '--no-cache'];
	await cloud.script('glance-start', ['--noauth', '--name', OPEN, '--port', port, ...workers]);
	await cloud.script('glance-start', workers);
	for (const database of ['glance', 'glance_noauth'])
		await run('bash', [
			'-c',
			'mariadb --no-defaults -uroot -S "$1" "$2" <<< "$3"',
			'bash',
			join(state, 'run/mariadb.sock'),
			database,
			imagesSql(images),
		]);
	const pids = (...names: readonly string[]) => names.flatMap((name) => processTree(recordedPid(state, name)));
	const server = (name: string, url: string): DebianGlance => ({
		url,
		cpuSeconds: () => sum(pids(name, 'mariadb').map(cpuSeconds)),
		peakRss: () => sum(pids(name, 'mariadb').map(peakResidentBytes)),
	});
	const parts = stack.move();
	return {
		cloud,
		open: server(OPEN, `http://127.0.0.1:${port}`),
		withKeystone: server('glance', cloud.glance),
		[Symbol.asyncDispose]: () => parts.disposeAsync(),
	};
}

function recordedPid(state: string, name: string): number {
	return Number.parseInt(readFileSync(join(state, 'run', `${name}.pid`), 'utf8'), 10);
}

function sum(values: readonly number[]): number {
	return values.reduce((total, value) => total + value, 0);
}
