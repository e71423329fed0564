/** The bytes of an answer, as many as were asked for. */
import { Readable } from 'node:stream';
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3';
import type { ByteRange } from '#domain/controller.ts';
import { ImageError } from '#domain/errors.ts';

/** An end before the end is an error. */
export async function* counted(answer: GetObjectCommandOutput, range: ByteRange | 'whole'): AsyncGenerator<Uint8Array> {
	const body = answer.Body;
	if (!(body instanceof Readable)) throw new ImageError('store-failed', "the s3 server's answer has no body");
	if (range !== 'whole') checkRange(answer, range);
	const announced = lengthOf(answer.ContentLength);
	let bytes = 0;
	for await (const chunk of body as AsyncIterable<Uint8Array>) {
		bytes += chunk.length;
		yield chunk;
	}
	if (bytes !== announced) throw new ImageError('unavailable', 'the object ended before its end');
}

function checkRange({ ContentRange, ContentLength }: GetObjectCommandOutput, { start, end }: ByteRange): void {
	const said = /^bytes (\d+)-(\d+)\//.exec(ContentRange ?? '');
	if (said === null || Number(said[1]) !== start) throw new ImageError('store-failed', 'the s3 server does not serve ranges');
	if (Number(said[2]) !== end - 1 || ContentLength !== end - start)
		throw new ImageError('corrupt', 'the stored object is shorter than the range asked for');
}

/** Of what the server says about an object. */
export function lengthOf(said: number | undefined): number {
	if (said !== undefined && Number.isSafeInteger(said) && said >= 0) return said;
	throw new ImageError('store-failed', "the s3 server's answer makes no sense (no length)");
}
