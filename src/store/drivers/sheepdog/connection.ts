/**
 * Connections to one sheep, each with one request at a time: whether answers keep the order of requests is nowhere said. One that
 * failed in any way is closed, never used again.
 */
import { connect, type Socket } from 'node:net';
import { ImageError } from '#domain/errors.ts';
import { orLeft } from '#lib/or-left.ts';
import { type Answer, type Asking, checkHeader, encodeHeader, HEADER_BYTES, RESULT_OK, resultError } from './protocol.ts';

export interface Sheep extends AsyncDisposable {
	/** The answer, whose result is ok or one of `accepted`; another is thrown. Data of the request are the caller's again then. */
	ask(asking: Asking, signal: AbortSignal, accepted?: readonly number[]): Promise<Answer>;
}

export const MAX_CONNECTIONS = 4;

export function createSheep({ address, port }: { readonly address: string; readonly port: number }): Sheep {
	const idle: Socket[] = [];
	const open = new Set<Socket>();
	const waiting: (() => void)[] = [];
	let taken = 0;
	let lastId = 0;

	async function enter(signal: AbortSignal): Promise<void> {
		signal.throwIfAborted();
		if (taken < MAX_CONNECTIONS) {
			taken += 1;
			return;
		}
		const { promise, resolve } = Promise.withResolvers<void>();
		waiting.push(resolve);
		try {
			await orLeft(promise, signal);
		} catch (error) {
			const place = waiting.indexOf(resolve);
			if (place !== -1) waiting.splice(place, 1);
			// it was let in at the very moment that it left
			else leave();
			throw error;
		}
	}

	/** Who waits gets the place; nobody waits: it is free. */
	function leave(): void {
		const next = waiting.shift();
		if (next === undefined) taken -= 1;
		else next();
	}

	function socket(): Socket {
		const kept = idle.pop();
		if (kept !== undefined) return kept;
		const fresh = connect({ host: address, port, noDelay: true });
		open.add(fresh);
		// a failure is heard of by who reads or writes
		fresh.on('error', () => undefined);
		fresh.once('close', () => {
			open.delete(fresh);
			const place = idle.indexOf(fresh);
			if (place !== -1) idle.splice(place, 1);
		});
		return fresh;
	}

	return {
		async ask(asking, signal, accepted = []) {
			await enter(signal);
			try {
				const connection = socket();
				lastId = (lastId + 1) % 2 ** 32;
				const answer = await exchange(connection, asking, lastId, signal);
				idle.push(connection);
				if (answer.result !== RESULT_OK && !accepted.includes(answer.result)) throw resultError(answer.result);
				return answer;
			} finally {
				leave();
			}
		},
		async [Symbol.asyncDispose]() {
			for (const each of open) each.destroy();
		},
	};
}

async function exchange(socket: Socket, asking: Asking, id: number, signal: AbortSignal): Promise<Answer> {
	const stop = () => void socket.destroy();
	signal.addEventListener('abort', stop, { once: true });
	try {
		await Promise.all([send(socket, encodeHeader(asking, id)), asking.data && send(socket, asking.data)]);
		const header = await readExactly(socket, HEADER_BYTES);
		const data = await readExactly(socket, checkHeader(header, asking, id));
		if (socket.readableLength > 0) throw new ImageError('store-failed', 'sheepdog sends more than its answer');
		return { result: header.readUInt32LE(16), header, data };
	} catch (error) {
		socket.destroy();
		if (signal.aborted) throw signal.reason;
		if (error instanceof ImageError) throw error;
		const code = (error as NodeJS.ErrnoException).code ?? 'no reason given';
		throw new ImageError('unavailable', `sheepdog cannot be reached: ${code}`, { cause: error });
	} finally {
		signal.removeEventListener('abort', stop);
	}
}

function send(socket: Socket, bytes: Uint8Array): Promise<void> {
	return new Promise((resolve, reject) => {
		socket.write(bytes, (error) => (error ? reject(error) : resolve()));
	});
}

async function readExactly(socket: Socket, bytes: number): Promise<Buffer> {
	const whole = Buffer.allocUnsafe(bytes);
	for (let filled = 0; filled < bytes; ) {
		const got: Buffer | null = socket.read(Math.min(bytes - filled, socket.readableLength));
		if (got !== null) filled += got.copy(whole, filled);
		else if (socket.readableEnded || socket.destroyed) throw new ImageError('unavailable', 'sheepdog closed the connection');
		else await readable(socket);
	}
	return whole;
}

function readable(socket: Socket): Promise<void> {
	return new Promise((resolve, reject) => {
		const events = { readable: () => over(), end: () => over(), close: () => over(), error: (error: Error) => over(error) };
		const over = (error?: Error) => {
			for (const [name, listener] of Object.entries(events)) socket.off(name, listener);
			if (error === undefined) resolve();
			else reject(error);
		};
		for (const [name, listener] of Object.entries(events)) socket.on(name, listener);
	});
}
