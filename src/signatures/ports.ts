/** Where certificates are. This room decides what they are good for, never who may upload what. */
import type { RequestContext } from '#domain/context.ts';

export interface Certificates {
	/**
	 * The certificate of this id, PEM or DER; undefined when it is not there. `id` is a UUID.
	 * Errors: `invalid`, with what to tell the client; `unavailable`.
	 */
	find(id: string, ctx: RequestContext): Promise<Uint8Array | undefined>;
}

/** Far above any certificate: those of the keys that are taken have one to four KiB. */
export const MAX_CERTIFICATE_BYTES = 64 * 1024;
