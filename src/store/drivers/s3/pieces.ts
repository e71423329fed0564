/** The bodies of requests: a filled buffer, which can be sent again, or so many bytes of a source, which cannot. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { codeOf, ImageError } from '#domain/errors.ts';
import type { Body, Kept } from './client.ts';
import type { SourceReader } from './source-reader.ts';

const TRIES = 4;
const FIRST_PAUSE_MS = 200;

export function bodyOf(buffer: Buffer): Body {
	const md5 = createHash('md5').update(buffer).digest('hex');
	return { data: buffer, length: buffer.length, md5, crc32: crc32(buffer) };
}

/** The server's md5 must be ours, where it has one. */
export function compareMd5(kept: Kept, md5: string | undefined): void {
	if (md5 !== undefined && kept.md5 !== undefined && kept.md5 !== md5)
		throw new ImageError('corrupt', 'the s3 server has other bytes than were sent');
}

/**
 * Asks again what failed by `unavailable`, a few times, later and later. `happened`: whether a request that seems to have
 * failed did its work after all.
 */
export async function persist<T>(
	request: () => Promise<T>,
	happened: () => Promise<T | undefined>,
	signal: AbortSignal,
): Promise<T> {
	for (let turn = 1; ; turn += 1) {
		try {
			return await request();
		} catch (error) {
			const code = codeOf(error);
			// refused because it is there: perhaps by the request before
			if (signal.aborted || !(code === 'unavailable' || (code === 'conflict' && turn > 1))) throw error;
			const done = await happened().catch(() => undefined);
			if (done !== undefined) return done;
			if (turn === TRIES || code === 'conflict') throw error;
			await pause(FIRST_PAUSE_MS * 2 ** (turn - 1), undefined, { signal }).catch(() => undefined);
		}
	}
}

/**
 * Sends bytes as they come. What goes wrong with the source ends the request before its end, so that nothing is stored.
 * `last`: they are the source's last ones.
 */
export async function sendStream(
	reader: SourceReader,
	{ length, last, md5: expected }: { readonly length: number; readonly last: boolean; readonly md5?: string },
	send: (body: Body, signal: AbortSignal) => Promise<Kept>,
	outer: AbortSignal,
): Promise<Kept> {
	const broken = new AbortController();
	const signal = AbortSignal.any([outer, broken.signal]);
	const hash = createHash('md5');
	async function* hashed() {
		for await (const chunk of reader.take(length, last)) {
			hash.update(chunk);
			yield chunk;
		}
	}
	const data = Readable.from(hashed(), { objectMode: false });
	data.once('error', (error) => broken.abort(error));
	try {
		const kept = await send({ data, length, ...(expected !== undefined && { md5: expected }) }, signal);
		compareMd5(kept, hash.digest('hex'));
		return kept;
	} finally {
		data.destroy();
	}
}
