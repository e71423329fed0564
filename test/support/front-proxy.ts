/** The reverse proxies that operators put before a service, on loopback, as they come from Debian. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';
import { temporaryDir } from './temporary-dir.ts';

export const FRONT_PROXIES = ['nginx', 'haproxy'] as const;
export type FrontProxyName = (typeof FRONT_PROXIES)[number];

export interface FrontProxy extends AsyncDisposable {
	readonly port: number;
	/** Stops it; what it passed on or answered itself, as `METHOD path`, one for each request it saw. */
	stop(): Promise<readonly string[]>;
}

/** Why this proxy cannot be had on this machine; undefined: it can. */
export function missingProxy(name: FrontProxyName): string | undefined {
	const { error, status } = spawnSync(name, ['-v'], { stdio: 'ignore' });
	return error === undefined && status === 0 ? undefined : `${name} is not installed`;
}

export async function startFrontProxy(name: FrontProxyName, upstream: number): Promise<FrontProxy> {
	await using stack = new AsyncDisposableStack();
	const folder = stack.use(await temporaryDir());
	const port = await freePort();
	const { config, args, requests } = KINDS[name];
	const file = join(folder.path, `${name}.conf`);
	await writeFile(file, config({ port, upstream, folder: folder.path }));
	const child = spawn(name, args(file, folder.path), { stdio: ['ignore', 'pipe', 'pipe'] });
	stack.defer(() => end(child));
	let said = '';
	for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text));
	await eventually(`${name} to listen`, async () => {
		if (child.exitCode !== null) throw new Error(`${name} ended: ${said}`);
		const socket = connect({ host: '127.0.0.1', port });
		try {
			await once(socket, 'connect');
			return true;
		} finally {
			socket.destroy();
		}
	});
	const parts = stack.move();
	return {
		port,
		async stop() {
			await end(child);
			return requests(said, folder.path);
		},
		[Symbol.asyncDispose]: () => parts.disposeAsync(),
	};
}

async function end(child: ChildProcess): Promise<void> {
	if (child.exitCode !== null || child.signalCode !== null) return;
	const closed = once(child, 'close');
	child.kill('SIGTERM');
	await closed;
}

interface Place {
	readonly port: number;
	readonly upstream: number;
	readonly folder: string;
}

interface Kind {
	readonly config: (place: Place) => string;
	readonly args: (file: string, folder: string) => readonly string[];
	readonly requests: (said: string, folder: string) => Promise<readonly string[]>;
}

const KINDS: Readonly<Record<FrontProxyName, Kind>> = {
	nginx: {
		config: ({ port, upstream, folder }) => `
			daemon off; master_process off; pid ${folder}/pid; error_log stderr error;
			events { worker_connections 512; }
			http {
				log_format seen '$request_method $request_uri';
				access_log ${folder}/access.log seen;
				client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/f;
				uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
				client_header_timeout 1s; client_body_timeout 1s;
				upstream node { server 127.0.0.1:${upstream}; keepalive 8; }
				server {
					listen 127.0.0.1:${port};
					location / {
						proxy_pass http://node; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
						proxy_request_buffering off; proxy_next_upstream off;
					}
				}
			}`,
		args: (file, folder) => ['-p', folder, '-c', file, '-e', 'stderr'],
		requests: async (_said, folder) =>
			(await readFile(join(folder, 'access.log'), 'latin1')).split('\n').filter((line) => line !== ''),
	},
	haproxy: {
		config: ({ port, upstream }) => `
global
	log stdout format raw local0
defaults
	mode http
	log global
	log-format "%HM %HPO"
	timeout connect 5s
	timeout client 1s
	timeout server 5s
	timeout http-request 1s
	http-reuse always
	retries 0
frontend door
	bind 127.0.0.1:${port}
	default_backend node
backend node
	server node 127.0.0.1:${upstream}
`,
		args: (file) => ['-db', '-f', file],
		requests: async (said) => said.split('\n').filter((line) => /^[A-Z]+ \//.test(line)),
	},
};
