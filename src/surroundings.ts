import type { Config } from '#config/config.ts';
import type { Log } from '#lib/log.ts';

/** What every part of a node is put together with. */
export interface Surroundings {
	readonly config: Config;
	readonly log: Log;
	/** gives up a start that has not finished */
	readonly signal: AbortSignal;
	/** what must end when the node ends, the latest first */
	readonly stack: AsyncDisposableStack;
}
