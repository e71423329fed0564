/** A Ceph cluster on loopback: monitor, manager and one OSD, with a pool `images` for the user `glance`. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { silentLog } from '#lib/log.ts';
import type { StoreDriver } from '#store/driver.ts';
import { rbd } from '#store/drivers/rbd.ts';
import type { StoreOptions } from '#store/options.ts';
import { CEPH, type RealServer, type ServerKind, startServer } from './real-servers.ts';
import { temporaryDir } from './temporary-dir.ts';

/** Without its S3 and Swift gateway: one that is harmed has no need of it. */
const CEPH_FOR_RBD: ServerKind = {
	...CEPH,
	packages: CEPH.packages.filter((name) => name !== 'radosgw'),
	env: { CEPH_RGW: '0' },
};

export interface RealCeph extends AsyncDisposable {
	readonly missing: false;
	readonly fsid: string;
	/** options of a store on it */
	readonly options: StoreOptions;
	readonly confFile: string;
	/** A copy of its ceph.conf with more lines; path. */
	confWith(dir: string, ...lines: readonly string[]): Promise<string>;
	/** the `rbd` tool as the user glance; its output */
	rbd(...args: readonly string[]): Promise<string>;
	/** the `ceph` tool as administrator; its output */
	ceph(...args: readonly string[]): Promise<string>;
	/** Nothing answers until it is resumed. */
	freeze(process: 'mon' | 'osd'): Promise<{ resume(): void } & AsyncDisposable>;
}

/** A cluster, or why there is none. `own`: to be harmed. */
export async function realCeph({ own = false } = {}): Promise<RealCeph | { readonly missing: string }> {
	const server = await (own ? startServer(CEPH_FOR_RBD, { own }) : startServer(CEPH));
	return server.missing === false ? describeCeph(server) : server;
}

async function describeCeph(server: RealServer): Promise<RealCeph> {
	const confFile = server.env.CEPH_CONF ?? '';
	const state = join(confFile, '..');
	const tool = async (command: string, args: readonly string[]) => (await server.run(command, args)).stdout;
	const ceph: RealCeph['ceph'] = (...args) => tool('ceph', ['-c', confFile, '--connect-timeout', '20', ...args]);
	return {
		missing: false,
		fsid: (await readFile(join(state, 'fsid'), 'utf8')).trim(),
		options: { rbd_store_ceph_conf: confFile, rbd_store_user: 'glance', rbd_store_pool: 'images' },
		confFile,
		async confWith(dir, ...lines) {
			const path = join(dir, 'ceph.conf');
			await writeFile(path, (await readFile(confFile, 'utf8')).replace('[mon]', `${lines.join('\n')}\n[mon]`));
			return path;
		},
		rbd: (...args) => tool('rbd', ['-c', confFile, '--id', 'glance', ...args]),
		ceph,
		async freeze(process_) {
			const pid = await pidOf(state, process_);
			const resume = () => void process.kill(pid, 'SIGCONT');
			process.kill(pid, 'SIGSTOP');
			return { resume, [Symbol.asyncDispose]: async () => resume() };
		},
		[Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
	};
}

async function pidOf(state: string, name: string): Promise<number> {
	const lines = (await readFile(join(state, 'pids'), 'utf8')).split('\n').map((line) => line.split(' '));
	const pid = Number(lines.find(([, , process_]) => process_ === name)?.[0]);
	if (!(pid > 1)) throw new Error(`no process ${name} is recorded`);
	return pid;
}

/** A driver on a cluster, with a folder of its own, closed after the test. */
export async function openRbdDriver(t: TestContext, options: StoreOptions, workDir?: string): Promise<StoreDriver> {
	if (workDir !== undefined) return rbd.open(options, aroundIn(workDir));
	const dir = await temporaryDir();
	t.after(() => dir[Symbol.asyncDispose]());
	return rbd.open(options, aroundIn(join(dir.path, 'store')));
}

function aroundIn(workDir: string) {
	return { store: 'ceph', log: silentLog, signal: new AbortController().signal, workDir };
}
