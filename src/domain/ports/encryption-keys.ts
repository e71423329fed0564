/** Keys that images are encrypted with, in the key manager of the cloud. Decision 25. */
import type { CallerCredential } from '../context.ts';

export interface EncryptionKeys {
	/**
	 * Deletes one in the name of who has shown this credential, never in the node's own. `id` is a UUID. It ends within
	 * bounded time, whatever becomes of the request that it belongs to.
	 * Errors: `not-found`; `forbidden`; `conflict` when somebody has registered that they use it; `unavailable`.
	 */
	remove(id: string, caller: CallerCredential): Promise<void>;
}
