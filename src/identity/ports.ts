/** AuthZ: who sends a request. This room never decides what they may do. */
import type { RequestContext } from '#domain/context.ts';

export interface Identity {
	/**
	 * Who this is; `unauthenticated` when nobody can say. Headers in which a client claims to be somebody
	 * (X-Roles, X-Project-Id, X-Identity-Status) are never believed.
	 */
	identify(credentials: Credentials): Promise<Subject>;
	/** value of WWW-Authenticate when a request is refused */
	readonly challenge: string;
}

export type Subject = Pick<RequestContext, 'user' | 'project' | 'roles' | 'admin'>;

export interface Credentials {
	/** value of a request header by its lower-case name */
	header(name: string): string | undefined;
}
