/** The one table between error codes and what crosses the wire when a peer is refused. */
import { codeOf, type ErrorCode, ImageError } from '#domain/errors.ts';
import { textField, type WireFields } from './wire.ts';

export type RefusalCode = 'not-found' | 'forbidden' | 'unavailable' | 'invalid' | 'limit-exceeded';

export interface Refusal {
	readonly code: RefusalCode;
	readonly reason: string;
}

const MAX_REASON_CHARS = 512;

/** What a peer is told for each of our errors: never more than it needs. */
const REFUSALS: Readonly<Record<ErrorCode, RefusalCode>> = {
	'not-found': 'not-found',
	gone: 'not-found',
	forbidden: 'forbidden',
	unauthenticated: 'forbidden',
	'write-denied': 'unavailable',
	invalid: 'invalid',
	corrupt: 'invalid',
	'store-failed': 'unavailable',
	'whole-only': 'unavailable',
	'unsupported-type': 'invalid',
	conflict: 'invalid',
	'limit-exceeded': 'limit-exceeded',
	'too-large': 'limit-exceeded',
	full: 'unavailable',
	unavailable: 'unavailable',
	timeout: 'unavailable',
	aborted: 'unavailable',
};

const CODES: readonly string[] = ['not-found', 'forbidden', 'unavailable', 'invalid', 'limit-exceeded'] satisfies RefusalCode[];

/** Only messages of our own errors leave the house. */
export function refusalOf(error: unknown): Refusal {
	const code = codeOf(error);
	if (code === undefined) return { code: 'unavailable', reason: 'the peer failed inside' };
	return { code: REFUSALS[code], reason: (error as ImageError).message.slice(0, MAX_REASON_CHARS) };
}

export function refusalFields({ code, reason }: Refusal): WireFields {
	return { code, reason };
}

/** Codes that a later version may add are read as `unavailable`. */
export function refusalFrom(fields: WireFields): Refusal {
	const code = textField(fields, 'code', 64);
	return {
		code: CODES.includes(code) ? (code as RefusalCode) : 'unavailable',
		reason: printable(textField(fields, 'reason', MAX_REASON_CHARS)),
	};
}

export function errorFrom({ code, reason }: Refusal, context: string): ImageError {
	return new ImageError(code, `${context}: ${reason}`);
}

/** A peer's words end in our log and on an operator's terminal. */
function printable(text: string): string {
	return text.replace(/[^\x20-\x7e]/g, '?');
}
