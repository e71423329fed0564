/** One request to one server, exactly as the step says it, and what came back. */
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import type { Json } from './step.ts';

export interface Sent {
	readonly method: string;
	readonly path: string;
	readonly headers: Readonly<Record<string, string>>;
	readonly body?: string | Uint8Array;
}

export interface Answer {
	readonly status: number;
	readonly headers: IncomingMessage['headers'];
	readonly bytes: Buffer;
	/** undefined when the body is not JSON */
	readonly json: Json;
}

const TIMEOUT_MS = 60_000;
/** No connection is used twice: what one answer leaves on it must not colour the next. */
const agent = new Agent({ keepAlive: false });

export async function send(base: string, { method, path, headers, body }: Sent): Promise<Answer> {
	const { hostname, port } = new URL(base);
	const bytes = body === undefined ? undefined : Buffer.from(body as string);
	const chunked = headers['transfer-encoding'] === 'chunked';
	const length: Record<string, string> = bytes && !chunked ? { 'content-length': String(bytes.length) } : {};
	const response = await new Promise<IncomingMessage>((resolve, reject) => {
		const signal = AbortSignal.timeout(TIMEOUT_MS);
		const request = httpRequest({ hostname, port, method, path, agent, signal, headers: { ...length, ...headers } });
		request.once('response', resolve).on('error', reject).end(bytes);
	});
	const received = Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>));
	return { status: response.statusCode ?? 0, headers: response.headers, bytes: received, json: parsed(received) };
}

function parsed(bytes: Buffer): unknown {
	try {
		return JSON.parse(bytes.toString());
	} catch {
		return undefined;
	}
}
