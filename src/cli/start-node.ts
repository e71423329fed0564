/** What the CLI needs of node.ts. It is handed in by main.ts, so that only `serve` pays for loading a whole node. */
import type { Config } from '#config/config.ts';
import type { Log } from '#lib/log.ts';

/** Resolves when the node serves. The signal gives up a start that has not finished. */
export type StartNode = (config: Config, options: { readonly log: Log; readonly signal: AbortSignal }) => Promise<RunningNode>;

export interface RunningNode {
	/** base URL of the REST API */
	readonly http: string;
	/** multiaddrs with /p2p/<peer id> */
	readonly peer: readonly string[];
	readonly site: string;
	/** peer id */
	readonly node: string;
	readonly dataDir: string;
	/** what an operator should read once, a line each */
	readonly notes: readonly string[];
	/** Lets running requests end within the grace time, then frees everything. */
	stop(): Promise<void>;
}
