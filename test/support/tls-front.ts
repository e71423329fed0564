/** https in front of a server that speaks http only, with a certificate of its own making for localhost. */
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { promisify } from 'node:util';

export const opensslMissing = spawnSync('openssl', ['version']).status === 0 ? false : 'openssl is not installed';

export interface TlsFront extends AsyncDisposable {
	readonly port: number;
	/** path of the certificate, which vouches for itself */
	readonly certificate: string;
}

export async function startTlsFront(dir: string, targetPort: number): Promise<TlsFront> {
	const [key, certificate] = [join(dir, 'key.pem'), join(dir, 'certificate.pem')];
	const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
	const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
	await promisify(execFile)('openssl', ['req', ...kind, ...subject, '-keyout', key, '-out', certificate]);
	const sockets = new Set<Socket>();
	const server = createServer({ key: await readFile(key), cert: await readFile(certificate) }, (near) => {
		const far = connect(targetPort, '127.0.0.1');
		for (const socket of [near, far]) {
			sockets.add(socket);
			socket.on('error', () => {});
			socket.once('close', () => {
				sockets.delete(socket);
				(socket === near ? far : near).destroy();
			});
		}
		near.pipe(far).pipe(near);
	});
	// a client that does not trust us goes away
	server.on('tlsClientError', () => {});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	return {
		port: (server.address() as AddressInfo).port,
		certificate,
		async [Symbol.asyncDispose]() {
			for (const socket of sockets) socket.destroy();
			server.close();
			await once(server, 'close');
		},
	};
}
