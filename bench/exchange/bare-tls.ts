/** The floor: node:tls with AES-256-GCM and nothing above it. A shared key spares the certificates; the records are the same. */
import { createReadStream } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { BLOCK_BYTES, createCutter, type Measured, meter, openLanding, type Task } from './common.ts';

const KEY = Buffer.alloc(32, 9);
const SUITE = { ciphers: 'PSK-AES256-GCM-SHA384', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;

export async function serveTls(task: Task): Promise<string> {
	const server = createServer({ ...SUITE, pskCallback: () => KEY }, (socket) => {
		createReadStream(task.file, { highWaterMark: BLOCK_BYTES }).pipe(socket);
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	return String((server.address() as AddressInfo).port);
}

export async function fetchTls(task: Task): Promise<Measured> {
	const socket = await dial(Number(task.address));
	const measured = await meter(async () => {
		const landing = await openLanding(task.to, task.size);
		const cutter = createCutter(landing, task.size);
		const done = Promise.withResolvers<void>();
		socket.on('data', (piece: Buffer) => {
			const wait = cutter.take(piece);
			if (wait === undefined) return;
			socket.pause();
			wait.then(() => (cutter.complete ? done.resolve() : socket.resume()), done.reject);
		});
		socket.on('error', done.reject);
		socket.resume();
		await done.promise;
		await cutter.settled();
		return landing.finish();
	});
	socket.destroy();
	return measured;
}

function dial(port: number): Promise<TLSSocket> {
	const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
	const socket = connect(
		{
			...SUITE,
			host: '127.0.0.1',
			port,
			checkServerIdentity: () => undefined,
			pskCallback: () => ({ psk: KEY, identity: 'bench' }),
		},
		() => resolve(socket),
	);
	socket.pause();
	socket.on('error', reject);
	return promise;
}
