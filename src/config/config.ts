/**
 * What a node is told, parsed once and then trusted: no other part reads the environment, a flag or a file of settings.
 * `load.ts` makes it, docs/operating.md lists every setting. Values are complete: defaults are already filled in.
 */
export interface Config {
	/** REST. Port 0: the system picks a free one */
	readonly listen: { readonly host: string; readonly port: number };
	/** multiaddrs without the /p2p part */
	readonly peerListen: readonly string[];
	/** absolute */
	readonly dataDir: string;
	readonly site: string;
	/** multiaddrs of peers to dial, with the /p2p part */
	readonly bootstrap: readonly string[];
	/** one-time token of `sundog fleet invite`: needed once, by a node that is not yet a member */
	readonly join?: string;
	readonly auth: AuthConfig;
	readonly logLevel: LogLevel;
	/** A store that is absent was not asked for; a node that holds the fleet's key then keeps a file store in `<dataDir>/images`. */
	readonly stores: { readonly file?: { readonly dir?: string } };
	/** how long running requests may take to end after the first signal */
	readonly shutdownGraceMs: number;
	/** bytes of one image */
	readonly imageSizeCapBytes: number;
	/** Node's name of the digest that images carry as `os_hash_algo` */
	readonly hashAlgorithm: string;
}

export interface AuthConfig {
	/** `none` only when every listener is loopback */
	readonly mode: AuthMode;
	/** absent in mode `token`: the node makes one, keeps it in `<dataDir>/admin-token` and says it once */
	readonly adminToken?: string;
}

export const AUTH_MODES = ['none', 'token'] as const;
export type AuthMode = (typeof AUTH_MODES)[number];

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Glance takes any digest of its host; these are the ones that every client of it can check. */
export const HASH_ALGORITHMS = ['sha512', 'sha256', 'sha384'] as const;

/** One line that an operator can act on: where, what, and what to do. Exit code 2. */
export class ConfigError extends Error {
	override readonly name = 'ConfigError';
}
