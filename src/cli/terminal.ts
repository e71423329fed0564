/** All that a command may touch of the process that it runs in. */
import type { Config } from '#config/config.ts';
import type { Env } from '#config/env.ts';
import type { StartNode } from './start-node.ts';

export interface Terminal {
	readonly env: Env;
	/** the command's result and nothing else */
	out(text: string): void;
	/** everything said to people, each a whole line */
	say(line: string): void;
	readonly startNode: StartNode;
	/** Throws `ConfigError` for stores that can never be opened; asks nobody. */
	checkStores(config: Config): Promise<void>;
	/** Calls back on every request to end; returns the way to stop listening. */
	onSignal(listener: (signal: NodeJS.Signals) => void): () => void;
	/** milliseconds of a clock that never goes back */
	now(): number;
	/** Ends the process at once, whatever still runs. */
	exitNow(code: number): void;
}
