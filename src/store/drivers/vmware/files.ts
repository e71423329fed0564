/** A datastore's files over HTTPS, in the name of the session. */
import type { IncomingMessage } from 'node:http';
import type { ByteRange } from '#domain/controller.ts';
import { codeOf, ImageError } from '#domain/errors.ts';
import type { ObjectSource } from '#domain/ports/stores.ts';
import { type FilePlace, folderPath, statusError } from './folder.ts';
import type { Session } from './session.ts';
import { bodyOf, type Transport } from './transport.ts';

export interface Files {
	/** bytes; `not-found` */
	size(place: FilePlace, signal: AbortSignal): Promise<number>;
	exists(place: FilePlace, signal: AbortSignal): Promise<boolean>;
	read(place: FilePlace, range: ByteRange | 'whole', signal: AbortSignal): AsyncIterable<Uint8Array>;
	/** Replaces what is there. Gives the number of bytes sent. */
	write(place: FilePlace, source: ObjectSource, signal: AbortSignal): Promise<number>;
}

export function createFiles(transport: Transport, session: Session): Files {
	/** The head of an answer of one of these statuses; another is an error. */
	const ask = (
		method: string,
		place: FilePlace,
		headers: Record<string, string>,
		accepted: readonly number[],
		signal: AbortSignal,
	) =>
		session.asUser(async (cookie): Promise<IncomingMessage> => {
			const response = await transport.ask({ method, path: folderPath(place), headers: { ...headers, cookie } }, signal);
			if (accepted.includes(response.statusCode ?? 0)) return response;
			response.destroy();
			throw statusError(response.statusCode);
		}, signal);

	async function size(place: FilePlace, signal: AbortSignal): Promise<number> {
		const response = await ask('HEAD', place, {}, [200], signal);
		response.destroy();
		return lengthOf(response);
	}

	return {
		size,
		exists: (place, signal) =>
			size(place, signal).then(
				() => true,
				(error: unknown) => {
					if (codeOf(error) === 'not-found') return false;
					throw error;
				},
			),
		async *read(place, range, signal) {
			if (range === 'whole') {
				const response = await ask('GET', place, {}, [200], signal);
				yield* exactly(response, lengthOf(response), signal);
			} else if (range.start < range.end) {
				const response = await ask('GET', place, { range: `bytes=${range.start}-${range.end - 1}` }, [206], signal);
				const given = /^bytes (\d+)-(\d+)\//.exec(response.headers['content-range'] ?? '');
				if (Number(given?.[1]) !== range.start || Number(given?.[2]) > range.end - 1) {
					response.destroy();
					throw new ImageError('store-failed', 'the server gives another range than it was asked for');
				}
				if (Number(given?.[2]) < range.end - 1) {
					response.destroy();
					throw new ImageError('corrupt', 'the stored object is shorter than the range asked for');
				}
				yield* exactly(response, range.end - range.start, signal);
			}
		},
		write: (place, source, signal) =>
			session.asUser(async (cookie) => {
				const headers = { cookie, 'content-type': 'application/octet-stream' };
				const { status, bytes, begun } = await transport.upload(
					{ method: 'PUT', path: folderPath(place), headers },
					source,
					signal,
				);
				if (status === 200 || status === 201) return bytes;
				const error = statusError(status);
				// once bytes were read there is no second try: the source gives them once
				if (error.code === 'unauthenticated' && begun) throw new ImageError('unavailable', 'the session ended during an upload');
				throw error;
			}, signal),
	};
}

async function* exactly(response: IncomingMessage, bytes: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
	let left = bytes;
	for await (const chunk of bodyOf(response, signal)) {
		left -= chunk.length;
		if (left < 0) throw new ImageError('store-failed', 'the server gives more bytes than it said');
		yield chunk;
	}
	if (left > 0) throw new ImageError('unavailable', 'the server ended the object before its end');
}

function lengthOf(response: IncomingMessage): number {
	const said = response.headers['content-length'] ?? '';
	if (!/^\d{1,15}$/.test(said)) {
		response.destroy();
		throw new ImageError('store-failed', 'the server does not say how long the object is');
	}
	return Number(said);
}
