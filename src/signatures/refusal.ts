import { ImageError } from '#domain/errors.ts';

/** `why` follows a colon. */
export function refusal(why: string, options?: ErrorOptions): ImageError {
	return new ImageError('invalid', `signature verification failed: ${why}`, options);
}
