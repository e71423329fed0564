/** Who asks, through which door. Passed first, never ambient. */
export interface RequestContext {
	/** `req-<uuid>` */
	readonly requestId: string;
	readonly user: string | null;
	readonly project: string | null;
	/** lower case */
	readonly roles: readonly string[];
	/** what the rule `context_is_admin` says of the caller, or an identity that makes everybody the administrator */
	readonly admin: boolean;
	readonly door: 'client' | 'task' | 'peer';
	readonly signal: AbortSignal;
	/** what else a token said; only rules look at it. Absent: there is nothing else */
	readonly token?: TokenFacts;
	/** for acting in the caller's name at another service. Absent: none was shown, as with tasks */
	readonly credential?: CallerCredential;
}

/** A function, not a text, so that no log line and no record shows it by accident. It may end before a long request does. */
export interface CallerCredential {
	/** Keystone's, as it was sent */
	token(): string;
}

/** Keystone v3, "Validate and show information for token". Ids, not names. */
export interface TokenFacts {
	readonly userDomain: string | null;
	readonly projectDomain: string | null;
	/** of a token scoped to a domain */
	readonly domain: string | null;
	/** `all` for a token scoped to the system */
	readonly systemScope: string | null;
	readonly adminProject: boolean;
	/** who sent X-Service-Token, when it was valid; roles lower case */
	readonly service: ServiceFacts | null;
}

export interface ServiceFacts {
	readonly user: string | null;
	readonly project: string | null;
	readonly userDomain: string | null;
	readonly projectDomain: string | null;
	readonly roles: readonly string[];
}
