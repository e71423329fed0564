/**
 * HTTPS to one vSphere server: plain requests, streams in both directions, the certificate checked. Every request has a
 * connection of its own, so that none meets one that an idle server has just closed: what changes something is never asked twice.
 */
import { once } from 'node:events';
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { ImageError } from '#domain/errors.ts';
import type { ObjectSource } from '#domain/ports/stores.ts';
import { orLeft } from '#lib/or-left.ts';

export interface TransportOptions {
	/** name, IPv4 or IPv6 address */
	readonly host: string;
	readonly port: number;
	/** PEM; absent: the authorities that Node trusts */
	readonly ca?: string;
	/** false: any certificate will do */
	readonly verify: boolean;
}

export interface Asked {
	readonly method: string;
	/** with its query, encoded */
	readonly path: string;
	readonly headers: OutgoingHttpHeaders;
	readonly body?: string;
}

export interface Transport {
	/** The answer's head; its body must be read or destroyed. */
	ask(asked: Asked, signal: AbortSignal): Promise<IncomingMessage>;
	/**
	 * Sends a source's bytes. The source is not touched when the server refuses by the head alone. `invalid` when the source is
	 * not of its size.
	 */
	upload(asked: Asked, source: ObjectSource, signal: AbortSignal): Promise<Uploaded>;
}

export interface Uploaded {
	readonly status: number;
	/** bytes sent */
	readonly bytes: number;
	/** of the source anything was read */
	readonly begun: boolean;
}

/** A server that says nothing to `Expect` is sent the bytes anyway (RFC 9110 §10.1.1). */
const EXPECT_MS = 1_000;

export function createTransport({ host, port, ca, verify }: TransportOptions): Transport {
	const start = ({ method, path, headers }: Asked, signal: AbortSignal) =>
		request({
			host,
			port,
			method,
			path,
			headers,
			signal,
			agent: false,
			rejectUnauthorized: verify,
			...(ca !== undefined && { ca }),
		});

	return {
		async ask(asked, signal) {
			signal.throwIfAborted();
			const outgoing = start(asked, signal);
			const answer = once(outgoing, 'response') as Promise<[IncomingMessage]>;
			outgoing.end(asked.body);
			try {
				return (await answer)[0];
			} catch (error) {
				throw inWords(error, signal);
			}
		},
		async upload(asked, source, signal) {
			signal.throwIfAborted();
			const headers = {
				...asked.headers,
				expect: '100-continue',
				...(source.size !== undefined && { 'content-length': source.size }),
			};
			const outgoing = start({ ...asked, headers }, signal);
			try {
				return await send(outgoing, source, (error) => inWords(error, signal));
			} finally {
				outgoing.destroy();
			}
		},
	};
}

/** why an upload ends when its answer is there */
const ANSWERED = Symbol('answered');

async function send(outgoing: ClientRequest, source: ObjectSource, told: (error: Error) => unknown): Promise<Uploaded> {
	let answer: IncomingMessage | undefined;
	// fires with the answer, or with the failure
	const ended = new AbortController();
	outgoing.once('response', (response: IncomingMessage) => {
		answer = response;
		ended.abort(ANSWERED);
	});
	outgoing.on('error', (error) => ended.abort(told(error)));
	outgoing.flushHeaders();
	const invited = await invitation(outgoing, ended.signal);
	let bytes = 0;
	if (invited) {
		for await (const chunk of until(ended.signal, source.read())) {
			bytes += chunk.length;
			if (source.size !== undefined && bytes > source.size) throw wrongSize(source.size);
			// the chunk is the source's again as soon as the next one is asked for: it must have left by then
			if (chunk.length > 0) await orLeft(written(outgoing, chunk, told), ended.signal).catch(ifNotAnswered);
		}
		if (answer === undefined) {
			if (source.size !== undefined && bytes !== source.size) throw wrongSize(source.size);
			outgoing.end();
			await orLeft(new Promise<never>(() => undefined), ended.signal).catch(ifNotAnswered);
		}
	}
	return { status: answer?.statusCode ?? 0, bytes, begun: invited };

	function ifNotAnswered(error: unknown): void {
		if (error !== ANSWERED) throw error;
	}

	async function* until(left: AbortSignal, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
		const iterator = chunks[Symbol.asyncIterator]();
		try {
			for (;;) {
				const next = await orLeft(iterator.next(), left).catch(ifNotAnswered);
				if (next === undefined || next.done === true) return;
				yield next.value;
			}
		} finally {
			// a source that is stuck is not waited for
			iterator.return?.().catch(() => undefined);
		}
	}
}

/** True when the server wants the bytes, or has had time enough to say that it does not; false when it has answered. */
async function invitation(outgoing: ClientRequest, ended: AbortSignal): Promise<boolean> {
	const { promise: invited, resolve } = Promise.withResolvers<true>();
	let timer: NodeJS.Timeout | undefined;
	outgoing.once('continue', () => resolve(true));
	outgoing.once('socket', (socket) => {
		socket.once('secureConnect', () => {
			timer = setTimeout(() => resolve(true), EXPECT_MS);
		});
	});
	try {
		return await orLeft(invited, ended);
	} catch (error) {
		if (error !== ANSWERED) throw error;
		return false;
	} finally {
		clearTimeout(timer);
	}
}

function written(outgoing: ClientRequest, chunk: Uint8Array, told: (error: Error) => unknown): Promise<void> {
	return new Promise((resolve, reject) => {
		outgoing.write(chunk, (error) => (error ? reject(told(error)) : resolve()));
	});
}

function wrongSize(expected: number): ImageError {
	return new ImageError('invalid', `the object's data are not the ${expected} bytes announced`);
}

/** The whole body as text; an answer of more bytes than the limit makes no sense. */
export async function readText(response: IncomingMessage, limitBytes: number, signal: AbortSignal): Promise<string> {
	const chunks: Buffer[] = [];
	let bytes = 0;
	for await (const chunk of bodyOf(response, signal)) {
		bytes += chunk.length;
		if (bytes > limitBytes) throw new ImageError('store-failed', `the server's answer has more than ${limitBytes} bytes`);
		chunks.push(chunk);
	}
	return Buffer.concat(chunks).toString('utf8');
}

/** The body as it comes; destroyed when its reader leaves. */
export async function* bodyOf(response: IncomingMessage, signal: AbortSignal): AsyncGenerator<Buffer> {
	try {
		yield* response as AsyncIterable<Buffer>;
	} catch (error) {
		throw inWords(error, signal);
	} finally {
		response.destroy();
	}
}

/** of Node's and OpenSSL's names for what is wrong with a certificate */
const CERTIFICATE = /CERT|SIGNATURE|ISSUER|HOSTNAME|CRL|TOO_SMALL|TOO_WEAK|PATH_LENGTH|PURPOSE|UNSPECIFIED/;

function inWords(error: unknown, signal: AbortSignal): unknown {
	if (signal.aborted) return signal.reason;
	if (error instanceof ImageError) return error;
	const { code = 'no reason given' } = error as NodeJS.ErrnoException;
	if (CERTIFICATE.test(code))
		return new ImageError('store-failed', `the server's certificate is not trusted: ${code}`, { cause: error });
	return new ImageError('unavailable', `the server cannot be reached: ${code}`, { cause: error });
}
