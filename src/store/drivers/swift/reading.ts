/** Reads objects: whole, or a part, whatever they are made of; Swift puts segments together itself. */
import type { IncomingMessage } from 'node:http';
import type { ByteRange } from '#domain/controller.ts';
import { ImageError } from '#domain/errors.ts';
import { type Account, refusal } from './account.ts';
import { headerOf, inStoreTerms } from './http.ts';
import { listObjects } from './listing.ts';

export async function sizeOf(account: Account, container: string, object: string, signal: AbortSignal): Promise<number> {
	const { status, header } = await account.ask({ method: 'HEAD', container, object, signal });
	if (status >= 300) throw refusal(status, 'looking for an object');
	const length = header('content-length');
	if (length !== undefined) return Number(length);
	// of an object of more segments than Swift lists at once nobody says the length
	const [segments = '', ...prefix] = (header('x-object-manifest') ?? '').split('/').map(decodeURIComponent);
	if (segments === '') throw new ImageError('store-failed', 'swift does not say how long an object is');
	let bytes = 0;
	for await (const each of listObjects(account, segments, prefix.join('/'), signal)) bytes += each.bytes;
	return bytes;
}

export async function* readObject(
	account: Account,
	{ container, object }: { readonly container: string; readonly object: string },
	range: ByteRange | 'whole',
	signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
	if (range !== 'whole' && range.end <= range.start) {
		await sizeOf(account, container, object, signal);
		return;
	}
	const headers: Record<string, string> = range === 'whole' ? {} : { range: `bytes=${range.start}-${range.end - 1}` };
	const response = await account.open({ method: 'GET', container, object, headers, signal });
	try {
		check(response, range);
		yield* response as AsyncIterable<Uint8Array>;
	} catch (error) {
		signal.throwIfAborted();
		throw inStoreTerms(error);
	} finally {
		// read to its end, its connection is kept for the next
		if (!response.readableEnded) response.destroy();
	}
}

function check(response: IncomingMessage, range: ByteRange | 'whole'): void {
	const status = response.statusCode ?? 0;
	if (status === 416) throw tooShort();
	if (status >= 300) throw refusal(status, 'reading an object');
	if (range === 'whole') return;
	const [, start, end] = /^bytes (\d+)-(\d+)\//.exec(headerOf(response)('content-range') ?? '') ?? [];
	if (status !== 206 || Number(start) !== range.start)
		throw new ImageError('store-failed', 'swift gives another part of an object');
	if (Number(end) !== range.end - 1) throw tooShort();
}

function tooShort(): ImageError {
	return new ImageError('corrupt', 'the stored object is shorter than the range asked for');
}
