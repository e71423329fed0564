/**
 * A load generator over bare sockets: each connection is kept and asks the next thing when it has been answered. It
 * reads of HTTP what the servers under measurement send, and costs the shared cores a fraction of what Node's client does.
 */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';

export interface Request {
	readonly method: string;
	/** with the query */
	readonly path: string;
	readonly headers?: Readonly<Record<string, string>>;
	readonly body?: string;
}

export interface Answer {
	readonly status: number;
	readonly body: string;
}

export interface LoadOptions {
	/** base URL */
	readonly url: string;
	readonly connections: number;
	readonly seconds: number;
	/** undefined: there is nothing more to ask */
	next(): Request | undefined;
	/** anything else than this status ends the measurement */
	readonly status: number;
	answered?(body: string): void;
}

export interface Load {
	readonly perSecond: number;
	/** milliseconds, one a request */
	readonly waits: readonly number[];
}

/** As many requests as get answered in the time; those under way at its end are waited for. */
export async function load({ url, connections, seconds, next, status, answered }: LoadOptions): Promise<Load> {
	const lines = await Promise.all(Array.from({ length: connections }, () => openLine(url)));
	const waits: number[] = [];
	const startedAt = performance.now();
	const until = startedAt + seconds * 1000;
	async function work(line: Line): Promise<void> {
		for (let asked = performance.now(); asked < until; asked = performance.now()) {
			const request = next();
			if (request === undefined) return;
			const answer = await line.ask(request);
			if (answer.status !== status)
				throw new Error(`${request.method} ${url}${request.path}: ${answer.status} instead of ${status}: ${answer.body}`);
			waits.push(performance.now() - asked);
			answered?.(answer.body);
		}
	}
	try {
		await Promise.all(lines.map(work));
		return { perSecond: (waits.length * 1000) / (performance.now() - startedAt), waits };
	} finally {
		for (const line of lines) line.close();
	}
}

interface Line {
	ask(request: Request): Promise<Answer>;
	close(): void;
}

async function openLine(url: string): Promise<Line> {
	const { hostname, port, host } = new URL(url);
	const socket = createConnection({ host: hostname, port: Number(port), noDelay: true });
	await once(socket, 'connect');
	return {
		ask(request) {
			socket.write(textOf(request, host));
			return answerOn(socket);
		},
		close: () => void socket.destroy(),
	};
}

function textOf({ method, path, headers = {}, body }: Request, host: string): string {
	const all = { host, ...headers, ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }) };
	const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
	return `${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body ?? ''}`;
}

function answerOn(socket: Socket): Promise<Answer> {
	const { promise, resolve, reject } = Promise.withResolvers<Answer>();
	let received: Buffer = Buffer.alloc(0);
	function settle(done: () => void): void {
		socket.off('data', take).off('error', fail).off('close', broken);
		done();
	}
	function take(piece: Buffer): void {
		received = received.length === 0 ? piece : Buffer.concat([received, piece]);
		try {
			const answer = answerIn(received);
			if (answer !== undefined) settle(() => resolve(answer));
		} catch (error) {
			settle(() => reject(error));
		}
	}
	const fail = (error: Error) => settle(() => reject(error));
	const broken = () => fail(new Error('the server closed the connection'));
	socket.on('data', take).once('error', fail).once('close', broken);
	return promise;
}

/** Undefined while it is not complete. */
function answerIn(bytes: Buffer): Answer | undefined {
	const end = bytes.indexOf('\r\n\r\n');
	if (end < 0) return undefined;
	const head = bytes.toString('latin1', 0, end);
	const status = Number(head.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length));
	const length = status === 204 ? '0' : /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
	if (length === undefined) throw new Error(`an answer without a length: ${head}`);
	const start = end + '\r\n\r\n'.length;
	if (bytes.length < start + Number(length)) return undefined;
	return { status, body: bytes.toString('utf8', start, start + Number(length)) };
}
