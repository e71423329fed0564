/** What an answer of a web server means to a store; pure. */
import type { ByteRange } from '#domain/controller.ts';
import { type ErrorCode, ImageError } from '#domain/errors.ts';

export interface AnswerHead {
	readonly status: number;
	readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** Passes one of these statuses, not encoded; throws what every other answer means. */
export function expectStatus({ status, headers }: AnswerHead, ...expected: readonly number[]): void {
	if (!expected.includes(status)) throw new ImageError(codeOfStatus(status), `the server answered ${status}`);
	const encoding = headers['content-encoding'] ?? 'identity';
	if (encoding !== 'identity')
		throw new ImageError('invalid', 'the server answers with encoded content, which was not asked for');
}

function codeOfStatus(status: number): ErrorCode {
	if (status === 404) return 'not-found';
	if (status === 401 || status === 403) return 'forbidden';
	// what is asked for lies behind the object's end
	if (status === 416) return 'store-failed';
	return status === 429 || status >= 500 ? 'unavailable' : 'invalid';
}

/** Bytes; never 0. As in Glance, an object whose size nobody says is none. */
export function sizeOfWhole({ headers }: AnswerHead): number {
	return saneSize(headers['content-length']);
}

export function sizeOfPart(head: AnswerHead): number {
	return saneSize(contentRange(head)?.total);
}

/** `store-failed` unless the answer carries exactly these bytes. */
export function expectPart(head: AnswerHead, { start, end }: ByteRange): void {
	const given = contentRange(head);
	if (given?.first !== start || given.last !== end - 1)
		throw new ImageError('store-failed', 'the server answered with another part than the one asked for');
}

function contentRange({ headers }: AnswerHead) {
	const found = /^bytes (?<first>\d{1,15})-(?<last>\d{1,15})\/(?<total>\d{1,15}|\*)$/.exec(String(headers['content-range']));
	const { first, last, total } = found?.groups ?? {};
	return found === null ? undefined : { first: Number(first), last: Number(last), total };
}

function saneSize(text: unknown): number {
	const size = typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : 0;
	if (size === 0) throw new ImageError('invalid', 'the server does not say how many bytes there are, or there are none');
	return size;
}
