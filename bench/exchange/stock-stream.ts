/** What one gets from libp2p as it comes: a stream over TCP, Noise and yamux with their defaults, written as its docs advise. */
import { open } from 'node:fs/promises';
import type { Stream } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import { BLOCK_BYTES, createCutter, type Measured, meter, openLanding, type Task } from './common.ts';

const PROTOCOL = '/bench/file/1';

function startNode(listen: string[]) {
	return createLibp2p({
		addresses: { listen },
		transports: [tcp()],
		connectionEncrypters: [noise()],
		// with the default of 4 MiB the library resets a paused stream: the window may grow to 16
		streamMuxers: [yamux({ streamOptions: { maxReadBufferLength: 32 << 20 } })],
		connectionMonitor: { enabled: false },
	});
}

export async function serveStockStream(task: Task): Promise<string> {
	const node = await startNode(['/ip4/127.0.0.1/tcp/0']);
	await node.handle(PROTOCOL, async (stream) => {
		const file = await open(task.file, 'r');
		for (let at = 0; at < task.size; at += BLOCK_BYTES) {
			const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(BLOCK_BYTES), 0, BLOCK_BYTES, at);
			if (!stream.send(buffer.subarray(0, bytesRead))) await drained(stream);
		}
		await file.close();
		await stream.close();
	});
	return String(node.getMultiaddrs()[0]);
}

/** The library's own `onDrain` waits only the first time. */
function drained(stream: Stream): Promise<void> {
	const { promise, resolve } = Promise.withResolvers<void>();
	stream.addEventListener('drain', () => resolve(), { once: true });
	return promise;
}

export async function fetchStockStream(task: Task): Promise<Measured> {
	const node = await startNode([]);
	const connection = await node.dial(multiaddr(task.address));
	const measured = await meter(async () => {
		const landing = await openLanding(task.to, task.size);
		const cutter = createCutter(landing, task.size);
		const done = Promise.withResolvers<void>();
		const stream = await connection.newStream([PROTOCOL]);
		stream.addEventListener('message', ({ data }) => {
			for (const piece of data instanceof Uint8Array ? [data] : data) {
				const wait = cutter.take(piece);
				if (wait === undefined) continue;
				stream.pause();
				wait.then(() => (cutter.complete ? done.resolve() : stream.resume()), done.reject);
			}
		});
		stream.addEventListener('close', ({ error }) => error && done.reject(error));
		await done.promise;
		await cutter.settled();
		return landing.finish();
	});
	await node.stop();
	return measured;
}
