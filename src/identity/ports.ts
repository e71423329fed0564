/** AuthZ: who sends a request. This room never decides what they may do. */
import type { RequestContext } from '#domain/context.ts';

export interface Identity {
	/**
	 * Who this is; `unauthenticated` when nobody can say, `unavailable` when who could say does not answer. Headers in
	 * which a client claims to be somebody (X-Roles, X-Project-Id, X-Identity-Status) are never believed, except by the
	 * identity that trusts a proxy, and then only from the proxy's address.
	 */
	identify(credentials: Credentials): Promise<Subject>;
	/** value of WWW-Authenticate when a request is refused */
	readonly challenge: string;
}

export type Subject = Pick<RequestContext, 'user' | 'project' | 'roles' | 'token' | 'credential'> & {
	/** the administrator whatever the rules say; absent: the rule `context_is_admin` decides */
	readonly admin?: true;
	/** may look and never change anything, whatever the rules say */
	readonly readOnly?: true;
};

export interface Credentials {
	/** value of a request header by its lower-case name; several lines of one name are one value, joined by commas */
	header(name: string): string | undefined;
	/** the lines of one name, each by itself */
	lines(name: string): readonly string[];
	readonly method: string;
	/** as it is routed: /v2/images/…, without query */
	readonly path: string;
	/** of the connection, not of any header */
	readonly remoteAddress: string;
	readonly signal: AbortSignal;
}
