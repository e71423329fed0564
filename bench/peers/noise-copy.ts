/**
 * `noise-copy.ts FILE TO`: the file from one process to another over one stream of libp2p as its packages come (TCP,
 * Noise, yamux, default settings), verified and written. The only setting changed is the read buffer, which must hold a
 * full window or libp2p resets the stream.
 */
import { createReadStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { identify } from '@libp2p/identify';
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import { cpuSecondsSince, printBill, released, startSender } from './pair.ts';
import { createBlockWriter } from './receiver.ts';

const PROTOCOL = '/sundog-bench/copy/1';
const READ_BUFFER_BYTES = 32 * 1024 * 1024;

const [first, second] = process.argv.slice(2);
if (first === undefined || second === undefined) throw new TypeError('noise-copy.ts FILE TO');

await (first === 'send' ? send(second) : receive(first, second));

function stockNode(listen: readonly string[]) {
	return createLibp2p({
		addresses: { listen: [...listen] },
		transports: [tcp()],
		connectionEncrypters: [noise()],
		streamMuxers: [yamux({ streamOptions: { maxReadBufferLength: READ_BUFFER_BYTES } })],
		services: { identify: identify() },
	});
}

async function send(file: string): Promise<void> {
	const host = await stockNode(['/ip4/127.0.0.1/tcp/0']);
	let before = process.cpuUsage();
	await host.handle(PROTOCOL, async (stream) => {
		before = process.cpuUsage();
		for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) {
			if (!stream.send(chunk as Buffer)) await stream.onDrain();
		}
		await stream.close();
	});
	process.stdout.write(`${host.getMultiaddrs()[0]}\n`);
	await released();
	process.stdout.write(`${cpuSecondsSince(before)}\n`);
	await host.stop();
}

async function receive(file: string, to: string): Promise<void> {
	const sender = await startSender(fileURLToPath(import.meta.url), [file]);
	const host = await stockNode([]);
	const connection = await host.dial(multiaddr(sender.address));
	const writer = createBlockWriter(to);
	const before = process.cpuUsage();
	const startedAt = performance.now();
	const stream = await connection.newStream(PROTOCOL);
	await new Promise<void>((resolve, reject) => {
		stream.addEventListener('message', ({ data }) => {
			for (const chunk of data instanceof Uint8Array ? [data] : data) writer.take(chunk);
		});
		stream.addEventListener('remoteCloseWrite', () => resolve());
		stream.addEventListener('close', ({ error }) => (error === undefined ? resolve() : reject(error)));
	});
	writer.end();
	const seconds = (performance.now() - startedAt) / 1000;
	const own = cpuSecondsSince(before);
	printBill(seconds, own + (await sender.finish()));
	await host.stop();
}
