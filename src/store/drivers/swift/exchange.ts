/** One request and its answer, where what is sent may be a stream. */
import type { ClientRequest, IncomingMessage } from 'node:http';
import { ImageError } from '#domain/errors.ts';

/** A server that does not say `100 Continue` in this time never will. */
const CONTINUE_MS = 3000;

export type RequestBody = Buffer | StreamBody;

export interface StreamBody {
	/** bytes; absent: nobody knows before the end */
	readonly size?: number;
	/** Called once the server wants it; a chunk is valid until the next one is asked for. */
	read(): AsyncIterable<Uint8Array>;
}

/** A stream waits for the server's word: a refusal then costs none of it, and it can be sent again. */
export function bodyHeaders(body: RequestBody | undefined): Record<string, string> {
	if (body === undefined) return {};
	if (Buffer.isBuffer(body)) return { 'content-length': String(body.length) };
	const length: Record<string, string> =
		body.size === undefined ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(body.size) };
	return { ...length, expect: '100-continue' };
}

export class StaleConnection extends Error {
	constructor(cause: Error) {
		super(cause.message, { cause });
	}
}

/** What a stream of ours threw, to be told from what the network says. */
export class SourceFailure extends Error {
	constructor(cause: unknown) {
		super('the source failed', { cause });
	}
}

export interface Exchange {
	readonly request: ClientRequest;
	readonly response: IncomingMessage;
}

export function exchange(request: ClientRequest, body: RequestBody | undefined): Promise<Exchange> {
	const { promise, resolve, reject } = Promise.withResolvers<Exchange>();
	const stream = body === undefined || Buffer.isBuffer(body) ? undefined : body;
	let begun = false;
	let answered = false;
	request.on('error', (error) => reject(request.reusedSocket && !begun ? new StaleConnection(error) : error));
	request.once('response', (response) => {
		answered = true;
		clearTimeout(waiting);
		resolve({ request, response });
	});
	const send = () => {
		if (stream === undefined || begun || answered || request.destroyed) return;
		begun = true;
		clearTimeout(waiting);
		pump(request, stream, () => answered).catch((error: unknown) => {
			reject(new SourceFailure(error));
			request.destroy();
		});
	};
	const waiting = stream && setTimeout(send, CONTINUE_MS).unref();
	if (stream === undefined) request.end(body);
	else request.once('continue', send);
	request.once('close', () => {
		clearTimeout(waiting);
		reject(new ImageError('unavailable', 'swift hung up'));
	});
	return promise;
}

async function pump(request: ClientRequest, body: StreamBody, answered: () => boolean): Promise<void> {
	for await (const chunk of body.read()) {
		if (request.destroyed || answered()) return;
		await written(request, chunk);
	}
	request.end();
}

/** Resolves when the chunk is out of this process, so that its memory may be used again; also when the connection is gone. */
function written(request: ClientRequest, chunk: Uint8Array): Promise<void> {
	return new Promise((resolve) => {
		const settle = () => {
			request.off('close', settle);
			resolve();
		};
		request.once('close', settle);
		request.write(chunk, settle);
	});
}
