/**
 * The one error that crosses the house: a code from a closed union, a message that is safe to show a client
 * (lower case, what, which, why) and its cause. Doors translate codes by exhaustive tables.
 */
export type ErrorCode =
	| 'not-found'
	| 'forbidden'
	| 'unauthenticated'
	| 'invalid'
	| 'conflict'
	| 'gone'
	| 'unsupported-type'
	| 'limit-exceeded'
	| 'too-large'
	| 'full'
	| 'write-denied'
	| 'unavailable'
	| 'corrupt'
	| 'store-failed'
	/** a part was asked for of what a store gives only whole */
	| 'whole-only'
	| 'timeout'
	| 'aborted';

export class ImageError extends Error {
	override readonly name = 'ImageError';
	readonly code: ErrorCode;

	constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}

/** The code of an error, or undefined when it is not one of ours. */
export function codeOf(error: unknown): ErrorCode | undefined {
	return error instanceof ImageError ? error.code : undefined;
}
