/**
 * What confines a tool on this host. Limits are a must: without `prlimit` nothing runs, and root runs nothing as root. A
 * network namespace and a ban on new privileges are taken where the host permits them; what it does not is said once.
 */
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { ImageError } from '#domain/errors.ts';
import type { Log } from '#lib/log.ts';

export interface JailUser {
	readonly uid: number;
	readonly gid: number;
}

export interface Guards {
	/** whom tools run as; undefined: as the node itself, which is not root */
	readonly user: JailUser | undefined;
	/** What stands before a tool's own path, with options of `prlimit`. Throws `unavailable`. */
	command(limits: readonly string[]): readonly string[];
	/** Throws `unavailable`. */
	pathOf(tool: string): string;
}

/** `nobody`, by number on every Linux: owns nothing. */
const NOBODY: JailUser = { uid: 65_534, gid: 65_534 };
const PROBE_MS = 10_000;

export async function guardsOf(log: Log): Promise<Guards> {
	const user = process.getuid?.() === 0 ? NOBODY : undefined;
	const unshare = await firstThatWorks(user === undefined ? [['unshare', '--user', '--net']] : [['unshare', '--net']]);
	const drop = await firstThatWorks(user === undefined ? UNPRIVILEGED : [droppedTo(user)]);
	const prlimit = await firstThatWorks([['prlimit', '--core=0']]);

	if (prlimit === undefined) log.error({}, 'prlimit is not to be had: no tool will touch an image on this node');
	if (unshare === undefined) log.warn({}, 'network namespaces are not to be had here: tools that touch images run without one');
	if (drop === undefined) log.warn({}, 'setpriv does not work here: tools that touch images may gain privileges');

	return {
		user,
		pathOf,
		command(limits) {
			if (prlimit === undefined || (user !== undefined && drop === undefined))
				throw new ImageError('unavailable', 'this node lacks what confines a tool (prlimit, and setpriv for root)');
			return [...(unshare ?? []), ...prlimit, ...limits, ...(drop ?? [])];
		},
	};
}

const LESS = ['--no-new-privs', '--pdeathsig', 'KILL'];
const UNPRIVILEGED = [
	['setpriv', ...LESS],
	['setpriv', '--no-new-privs'],
];

function droppedTo({ uid, gid }: JailUser): readonly string[] {
	return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--inh-caps=-all', '--bounding-set=-all', ...LESS];
}

/** With the tool's full path in the place of its name. */
async function firstThatWorks(candidates: readonly (readonly string[])[]): Promise<readonly string[] | undefined> {
	for (const [tool = '', ...args] of candidates) {
		try {
			const path = pathOf(tool);
			await promisify(execFile)(path, [...args, pathOf('true')], { env: {}, timeout: PROBE_MS, killSignal: 'SIGKILL' });
			return [path, ...args];
		} catch {
			// Not here, or not permitted.
		}
	}
	return undefined;
}

function pathOf(tool: string): string {
	const folders = (process.env.PATH ?? '').split(delimiter).filter(isAbsolute);
	const path = folders.map((folder) => join(folder, tool)).find(isExecutable);
	if (path === undefined) throw new ImageError('unavailable', `${tool} is not installed on this node`);
	return path;
}

function isExecutable(path: string): boolean {
	try {
		accessSync(path, constants.X_OK);
		return true;
	} catch {
		return false;
	}
}
