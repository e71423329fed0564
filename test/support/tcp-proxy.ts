/** A link between two processes that a test can break, hold up, slow down and lengthen. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** What may be under way inside the proxy in one direction before the sender is held back. */
const IN_FLIGHT_BYTES = 1024 * 1024;

export interface TcpProxy extends AsyncDisposable {
	readonly port: number;
	/** bytes delivered so far, both directions */
	bytes(): number;
	/** Resets every connection and refuses new ones until `mend`. */
	cut(): void;
	/** As `cut`, when exactly so many more bytes have passed, whichever way; Infinity: not. */
	cutAfter(bytes: number): void;
	/** Resets every connection; new ones are answered with these bytes and ended, until `mend`. */
	babble(answer: string): void;
	mend(): void;
	/** Connections stay, nothing moves until `resume`: a link that swallows packets. */
	pause(): void;
	resume(): void;
	/** One way, each direction; 0 for none. */
	delay(ms: number): void;
	/** Each direction of each connection; Infinity for none. */
	limit(bytesPerSecond: number): void;
}

/** Listens on a free loopback port and passes everything on to `target`. */
export async function startTcpProxy(target: { readonly host?: string; readonly port: number }): Promise<TcpProxy> {
	const sockets = new Set<Socket>();
	const reset = () => {
		// libuv resets nothing that is just being ended, and Node then keeps its handle: the process would never end
		for (const socket of sockets)
			if (socket.writableEnded) socket.destroy();
			else socket.resetAndDestroy();
	};
	const cut = () => {
		link.cut = true;
		link.cutAt = Number.POSITIVE_INFINITY;
		reset();
	};
	const link: Link = {
		...{ cut: false, delayMs: 0, bytesPerSecond: Number.POSITIVE_INFINITY, open: Promise.resolve(), delivered: 0 },
		...{ cutAt: Number.POSITIVE_INFINITY, snap: cut, answer: undefined },
	};
	let release = () => {};

	const server = createServer({ allowHalfOpen: true }, (near) => {
		if (link.cut) {
			near.resetAndDestroy();
			return;
		}
		if (link.answer !== undefined) {
			near.on('error', () => {});
			const { answer } = link;
			near.once('data', () => near.end(answer));
			return;
		}
		const far = connect({ host: target.host ?? '127.0.0.1', port: target.port, allowHalfOpen: true });
		for (const socket of [near, far]) {
			sockets.add(socket);
			socket.setNoDelay(true);
			socket.once('close', () => {
				sockets.delete(socket);
				// A side that ended in order may have bytes still on their way to the other; only a break breaks both.
				if (!(socket.readableEnded && socket.writableFinished)) (socket === near ? far : near).destroy();
			});
			// The other side's close is what matters; a reset is one way of closing.
			socket.on('error', () => {});
		}
		carry(near, far, link);
		carry(far, near, link);
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');

	return {
		port: (server.address() as AddressInfo).port,
		bytes: () => link.delivered,
		cut,
		cutAfter(bytes) {
			link.cutAt = link.delivered + bytes;
		},
		babble(answer) {
			link.answer = answer;
			reset();
		},
		mend() {
			link.cut = false;
			link.cutAt = Number.POSITIVE_INFINITY;
			link.answer = undefined;
		},
		pause() {
			const { promise, resolve } = Promise.withResolvers<void>();
			link.open = promise;
			release = resolve;
		},
		resume: () => release(),
		delay(ms) {
			link.delayMs = ms;
		},
		limit(bytesPerSecond) {
			link.bytesPerSecond = bytesPerSecond;
		},
		async [Symbol.asyncDispose]() {
			release();
			reset();
			server.close();
			if (server.listening) await once(server, 'close');
		},
	};
}

interface Link {
	cut: boolean;
	delayMs: number;
	bytesPerSecond: number;
	open: Promise<void>;
	delivered: number;
	/** of `delivered` */
	cutAt: number;
	snap: () => void;
	/** what is said instead of the target's words */
	answer: string | undefined;
}

/** One direction of one connection: in order, each chunk no earlier than its delay and the rate allow. */
function carry(from: Socket, to: Socket, link: Link): void {
	let waiting = 0;
	let tail = Promise.resolve();
	const deliver = async (chunk: Buffer, due: number) => {
		const early = due - performance.now();
		if (early > 0) await pause(early);
		await link.open;
		if (to.destroyed) return;
		const left = link.cutAt - link.delivered;
		if (chunk.length >= left) {
			link.delivered += left;
			to.write(chunk.subarray(0, left), link.snap);
			return;
		}
		link.delivered += chunk.length;
		if (!to.write(chunk)) await drained(to);
		if (Number.isFinite(link.bytesPerSecond)) await pause((chunk.length / link.bytesPerSecond) * 1000);
		waiting -= chunk.length;
		if (waiting < IN_FLIGHT_BYTES) from.resume();
	};
	from.on('data', (chunk) => {
		const due = performance.now() + link.delayMs;
		waiting += chunk.length;
		if (waiting >= IN_FLIGHT_BYTES) from.pause();
		tail = tail.then(() => deliver(chunk as Buffer, due));
	});
	from.once('end', () => {
		tail = tail.then(() => void to.end());
	});
}

/** `events.once` would turn a reset into a rejection; here it is merely the end of waiting. */
function drained(socket: Socket): Promise<void> {
	return new Promise((resolve) => {
		const settle = () => {
			socket.off('drain', settle);
			socket.off('close', settle);
			resolve();
		};
		socket.on('drain', settle);
		socket.on('close', settle);
	});
}
