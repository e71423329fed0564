/**
 * A conversation with Keystone under the node's own service credential. It keeps a token of its own, renews it before
 * it ends, and asks once more when Keystone has forgotten it. identity/ validates users' tokens through it, quota/
 * reads unified limits.
 */
export interface Keystone {
	/**
	 * One request under `/v3`; `path` begins with a slash. Answers of any status resolve, the body parsed where it is JSON.
	 * `unavailable` when Keystone cannot be reached, is too slow, or refuses the node's own credential.
	 */
	ask(request: KeystoneRequest): Promise<KeystoneAnswer>;
}

/** The node as a user of other services. */
export interface ServiceAccess {
	/** A token of the node's own for a request to another service, scoped to its project. `unavailable` as `ask`. */
	token(signal: AbortSignal): Promise<string>;
	/** A service has not taken this one: the next `token` brings another. */
	forget(token: string): void;
}

export interface KeystoneRequest {
	readonly method: 'GET' | 'POST' | 'HEAD' | 'DELETE';
	readonly path: string;
	readonly query?: Readonly<Record<string, string>>;
	readonly headers?: Readonly<Record<string, string>>;
	readonly body?: object;
	/** `project`: the configured scope; `system`: scoped to the system, as limits are read */
	readonly scope?: 'project' | 'system';
	readonly signal: AbortSignal;
}

export interface KeystoneAnswer {
	readonly status: number;
	readonly headers: Headers;
	readonly body: unknown;
}
