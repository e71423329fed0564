/** A web server as operators have it: Debian's nginx on loopback, with files of a test's own, plain and behind TLS. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';
import { missingProxy } from './front-proxy.ts';
import { temporaryDir } from './temporary-dir.ts';

const run = promisify(execFile);

export interface Nginx extends AsyncDisposable {
	readonly port: number;
	readonly tlsPort: number;
	/** `http://127.0.0.1:port` */
	readonly url: string;
	readonly tlsUrl: string;
	/** of the authority that its certificate is of; PEM */
	readonly caFile: string;
	/** what is in it is served */
	readonly files: string;
	/** Bytes of the bodies that GET requests of paths that begin so were answered with, whole or cut, once there are so many. */
	sent(path: string, atLeast: number): Promise<readonly number[]>;
}

/** Why there is none on this machine; false: there is. */
export const missingNginx: string | false = missingProxy('nginx') ?? false;

/** `locations`: more of the server's configuration. */
export async function startNginx(locations = ''): Promise<Nginx> {
	await using stack = new AsyncDisposableStack();
	const { path: folder } = stack.use(await temporaryDir());
	const [port, tlsPort, files] = [await freePort(), await freePort(), join(folder, 'files')];
	await mkdir(files);
	const caFile = await makeCertificates(folder);
	await writeFile(join(folder, 'users'), 'me:{PLAIN}open sesame\n');
	await writeFile(join(folder, 'nginx.conf'), configuration({ folder, files, port, tlsPort, locations }));
	const child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'], {
		stdio: ['ignore', 'ignore', 'pipe'],
	});
	stack.defer(() => end(child));
	let said = '';
	child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
	for (const each of [port, tlsPort]) await listening(each, child, () => said);
	const parts = stack.move();
	return {
		port,
		tlsPort,
		url: `http://127.0.0.1:${port}`,
		tlsUrl: `https://127.0.0.1:${tlsPort}`,
		caFile,
		files,
		sent: (path, atLeast) => sentBytes(join(folder, 'sent'), path, atLeast),
		[Symbol.asyncDispose]: () => parts.disposeAsync(),
	};
}

async function listening(port: number, child: ChildProcess, said: () => string): Promise<void> {
	await eventually('nginx to listen', async () => {
		if (child.exitCode !== null) throw new Error(`nginx ended: ${said()}`);
		const socket = connect({ host: '127.0.0.1', port });
		try {
			await once(socket, 'connect');
			return true;
		} finally {
			socket.destroy();
		}
	});
}

/** An authority of its own, and a certificate of it for 127.0.0.1. */
async function makeCertificates(folder: string): Promise<string> {
	const at = (name: string) => join(folder, name);
	const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
	await run('openssl', [
		'req',
		'-x509',
		...key,
		'-days',
		'2',
		'-subj',
		'/CN=Test',
		'-keyout',
		at('ca.key'),
		'-out',
		at('ca.pem'),
	]);
	await run('openssl', ['req', ...key, '-subj', '/CN=web', '-keyout', at('web.key'), '-out', at('web.csr')]);
	await writeFile(at('names'), 'subjectAltName=IP:127.0.0.1\n');
	const signing = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '2', '-extfile', at('names')];
	await run('openssl', ['x509', '-req', '-in', at('web.csr'), ...signing, '-out', at('web.pem')]);
	return at('ca.pem');
}

async function end(child: ChildProcess): Promise<void> {
	if (child.exitCode !== null || child.signalCode !== null) return;
	const closed = once(child, 'close');
	child.kill('SIGTERM');
	await closed;
}

function sentBytes(log: string, path: string, atLeast: number): Promise<readonly number[]> {
	return eventually('nginx to have ended its answers', async () => {
		const lines = (await readFile(log, 'utf8')).split('\n').filter((line) => line.includes(`"GET ${path}`));
		// a request is logged when it has ended
		return lines.length < atLeast ? undefined : lines.map((line) => Number(/" \d{3} (\d+) /.exec(line)?.[1]));
	});
}

interface Place {
	readonly folder: string;
	readonly files: string;
	readonly port: number;
	readonly tlsPort: number;
	readonly locations: string;
}

function configuration({ folder, files, port, tlsPort, locations }: Place): string {
	return `
		daemon off; master_process off; pid ${folder}/pid; error_log stderr error;
		events { worker_connections 128; }
		http {
			access_log ${folder}/sent combined; types { } default_type application/octet-stream;
			client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f;
			uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
			server {
				listen 127.0.0.1:${port};
				listen 127.0.0.1:${tlsPort} ssl;
				ssl_certificate ${folder}/web.pem; ssl_certificate_key ${folder}/web.key;
				root ${files};
				${locations}
				location /secret/ { alias ${files}/; auth_basic closed; auth_basic_user_file ${folder}/users; }
			}
		}`;
}
