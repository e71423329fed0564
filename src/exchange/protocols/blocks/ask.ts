import type { ImageError } from '#domain/errors.ts';
import type { Request } from './messages.ts';

/** One request on its way. `into` goes when the caller gives up: the bytes that still come are then counted and dropped. */
export interface Ask {
	readonly request: Request;
	/** bytes that a full answer has */
	readonly length: number;
	into: Uint8Array | undefined;
	readonly resolve: () => void;
	readonly reject: (reason: ImageError) => void;
}
