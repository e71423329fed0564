/** An S3 server's answers and silences in the words of stores. What is said of them is a code and a status, never a text of theirs. */
import { type ErrorCode, ImageError } from '#domain/errors.ts';

/** By the `Code` of S3's error documents, radosgw's and Swift's own among them. */
const BY_NAME: Readonly<Record<string, ErrorCode>> = {
	NoSuchKey: 'not-found',
	NoSuchBucket: 'store-failed',
	InvalidRange: 'corrupt',
	BadDigest: 'corrupt',
	XAmzContentChecksumMismatch: 'corrupt',
	XAmzContentSHA256Mismatch: 'corrupt',
	PreconditionFailed: 'conflict',
	ConditionalRequestConflict: 'unavailable',
	OperationAborted: 'unavailable',
	// of an upload that was under way a moment ago: the server, or somebody else, has ended it
	NoSuchUpload: 'unavailable',
	EntityTooLarge: 'full',
	QuotaExceeded: 'full',
	TooManyBuckets: 'full',
	InternalError: 'unavailable',
	RequestTimeout: 'unavailable',
	SlowDown: 'unavailable',
	ServiceUnavailable: 'unavailable',
	Throttling: 'unavailable',
	TimeoutError: 'unavailable',
};

const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
	401: 'forbidden',
	403: 'forbidden',
	404: 'not-found',
	408: 'unavailable',
	412: 'conflict',
	413: 'full',
	416: 'corrupt',
	429: 'unavailable',
	500: 'unavailable',
	502: 'unavailable',
	503: 'unavailable',
	504: 'unavailable',
	507: 'full',
};

/** The server is not there, or went away: Node's own words. */
const LOST = new Set([
	'EAI_AGAIN',
	'ECONNABORTED',
	'ECONNREFUSED',
	'ECONNRESET',
	'EHOSTDOWN',
	'EHOSTUNREACH',
	'ENETDOWN',
	'ENETUNREACH',
	'ENOTFOUND',
	'EPIPE',
	'ERR_STREAM_PREMATURE_CLOSE',
	'ETIMEDOUT',
]);

const WORD = /^[A-Za-z0-9_.-]{1,64}$/;

interface SdkError {
	readonly name?: unknown;
	readonly code?: unknown;
	readonly $metadata?: { readonly httpStatusCode?: number };
}

/** The same, or the error it is for a store; what the caller's signal has ended ends with the signal's reason. */
export function inStoreTerms(error: unknown, signal: AbortSignal): unknown {
	if (signal.aborted) return signal.reason;
	if (error instanceof ImageError || !(error instanceof Error)) return error;
	const { name, code, $metadata } = error as SdkError;
	const status = $metadata?.httpStatusCode;
	const word = [code, name].find((each): each is string => typeof each === 'string' && WORD.test(each)) ?? 'an unknown error';
	if (status === undefined || (status >= 200 && status < 300 && !Object.hasOwn(BY_NAME, word))) return silence(word);
	const cause = new Refusal(word, status);
	const known = Object.hasOwn(BY_NAME, word) ? BY_NAME[word] : BY_STATUS[status];
	return new ImageError(known ?? 'store-failed', `the s3 server refuses: ${word} (${status})`, { cause });
}

/** No answer, or none that makes sense. */
function silence(word: string): ImageError {
	const cause = new Error(word);
	if (LOST.has(word)) return new ImageError('unavailable', `the s3 server is not there (${word})`, { cause });
	if (word === 'TimeoutError') return new ImageError('unavailable', 'the s3 server does not answer', { cause });
	return new ImageError('store-failed', `the s3 server's answer makes no sense (${word})`, { cause });
}

/** The status an S3 server answered with; undefined when it did not answer. */
export function statusOf(error: unknown): number | undefined {
	if (!(error instanceof Error)) return undefined;
	return error.cause instanceof Refusal ? error.cause.status : (error as SdkError).$metadata?.httpStatusCode;
}

class Refusal extends Error {
	readonly status: number;
	constructor(word: string, status: number) {
		super(`${word}, status ${status}`);
		this.status = status;
	}
}
