/** The yardstick of downloads: a private nginx with sendfile on a free loopback port, ended by its pid. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../test/support/eventually.ts';
import { freePort } from '../test/support/free-port.ts';
import { cpuSeconds, processTree } from '../test/support/proc.ts';

export interface Nginx extends AsyncDisposable {
	readonly url: string;
	/** of all its processes */
	cpuSeconds(): number;
}

/** Serves the files below `root`; undefined where nginx is not installed. */
export async function startNginx(dir: string, root: string): Promise<Nginx | undefined> {
	const port = await freePort();
	await mkdir(dir);
	const config = join(dir, 'nginx.conf');
	await writeFile(config, settings(dir, root, port));
	const child = spawn('nginx', ['-p', dir, '-c', config, '-e', join(dir, 'error.log')], {
		stdio: ['ignore', 'ignore', 'inherit'],
	});
	const missing = new Promise<boolean>((resolve) => child.once('error', () => resolve(true)).once('spawn', () => resolve(false)));
	if (await missing) return undefined;
	const url = `http://127.0.0.1:${port}`;
	await eventually('nginx answers', async () => ((await fetch(url).catch(() => undefined)) === undefined ? undefined : true));
	return {
		url,
		cpuSeconds: () => processTree(child.pid as number).reduce((sum, pid) => sum + cpuSeconds(pid), 0),
		[Symbol.asyncDispose]: () => end(child),
	};
}

function settings(dir: string, root: string, port: number): string {
	const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
		.map((name) => `${name}_temp_path ${dir}/${name};`)
		.join(' ');
	// A master started by root would hand the worker to another user, who may not read a private directory.
	const user = process.getuid?.() === 0 ? 'user root;' : '';
	return `${user}
daemon off; worker_processes 1; pid ${dir}/pid; error_log stderr crit;
events { worker_connections 64; }
http { access_log off; sendfile on; tcp_nopush on; ${temporary}
	server { listen 127.0.0.1:${port}; root ${root}; default_type application/octet-stream; } }
`;
}

async function end(child: ChildProcess): Promise<void> {
	const gone = once(child, 'exit');
	child.kill('SIGTERM');
	await gone;
}
